//! OTLP/JSON: proto3's mapping, in which 64-bit integers may be texts, and any field may be null.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::request::MetricsRequest;
use super::{OBJECTS_MAX, too_many};
use crate::IntakeError;

pub(super) fn read(body: &[u8]) -> Result<MetricsRequest, IntakeError> {
    // Before anything is made of them: each object of the request begins with a brace, or, as serde allows, with a bracket.
    if body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > OBJECTS_MAX {
        return Err(too_many());
    }
    serde_json::from_slice(body).map_err(|error| IntakeError::NotJson { why: error.to_string() })
}

/// A number as JSON or as text.
enum Scalar {
    Null,
    Uint(u64),
    Int(i64),
    Double(f64),
    Text(String),
}

/// No number is longer.
const NUMBER_BYTES_MAX: usize = 400;

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a text that is one")
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }
            fn visit_u64<E>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar::Uint(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar::Int(v))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar::Double(v))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                if text.len() > NUMBER_BYTES_MAX {
                    return Err(E::custom("a number of too many digits"));
                }
                Ok(Scalar::Text(text.into()))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl Scalar {
    fn to_uint(&self) -> Option<u64> {
        match self {
            Scalar::Null => Some(0),
            Scalar::Uint(v) => Some(*v),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Int(_) | Scalar::Double(_) => None,
        }
    }

    fn to_int(&self) -> Option<i64> {
        match self {
            Scalar::Uint(v) => (*v).try_into().ok(),
            Scalar::Int(v) => Some(*v),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Null | Scalar::Double(_) => None,
        }
    }

    fn to_double(&self) -> Option<f64> {
        match self {
            Scalar::Null => Some(0.0),
            Scalar::Uint(v) => Some(*v as f64),
            Scalar::Int(v) => Some(*v as f64),
            Scalar::Double(v) => Some(*v),
            Scalar::Text(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                text => text.parse().ok().filter(|v: &f64| v.is_finite()),
            },
        }
    }
}

pub(super) fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

pub(super) fn uint<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    Scalar::deserialize(d)?.to_uint().ok_or_else(|| D::Error::custom("not a whole number from 0 to 2^64-1"))
}

pub(super) fn double<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    Scalar::deserialize(d)?.to_double().ok_or_else(|| D::Error::custom("not a number"))
}

pub(super) fn maybe_int<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    match Scalar::deserialize(d)? {
        Scalar::Null => Ok(None),
        given => given.to_int().map(Some).ok_or_else(|| D::Error::custom("not a whole number of 64 bits")),
    }
}

pub(super) fn maybe_double<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    match Scalar::deserialize(d)? {
        Scalar::Null => Ok(None),
        given => given.to_double().map(Some).ok_or_else(|| D::Error::custom("not a number")),
    }
}

/// An enum's number; its name is allowed by proto3, though not by OTLP.
pub(super) fn temporality<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    let given = Scalar::deserialize(d)?;
    match &given {
        Scalar::Text(name) if name == "AGGREGATION_TEMPORALITY_CUMULATIVE" => Ok(2),
        Scalar::Text(name) if name == "AGGREGATION_TEMPORALITY_DELTA" => Ok(1),
        Scalar::Text(name) if name == "AGGREGATION_TEMPORALITY_UNSPECIFIED" => Ok(0),
        _ => given.to_uint().ok_or_else(|| D::Error::custom("not an aggregation temporality")),
    }
}
