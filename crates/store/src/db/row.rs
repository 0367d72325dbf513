//! Rows to structs, by column name, through serde.

use std::fmt;
use std::sync::Arc;

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::value::Val;

/// One row; columns by name.
#[derive(Debug, Clone)]
pub struct Row {
    pub(super) columns: Arc<[String]>,
    pub(super) values: Vec<Val>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(msg: T) -> Self {
        DecodeError(msg.to_string())
    }
}

impl Row {
    /// Reads the row into a struct whose fields are named as the columns.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let pairs = self.columns.iter().zip(&self.values).map(|(name, value)| (name.as_str(), Cell(value)));
        T::deserialize(MapDeserializer::new(pairs))
    }

    /// The first column as an integer: counts and sequences.
    pub fn int(&self) -> i64 {
        match self.values.first() {
            Some(Val::Int(v)) => *v,
            Some(Val::Float(v)) => *v as i64,
            _ => 0,
        }
    }

    /// The first column as text.
    pub fn text(&self) -> Option<&str> {
        match self.values.first() {
            Some(Val::Text(v)) => Some(v),
            _ => None,
        }
    }
}

struct Cell<'a>(&'a Val);

impl<'de> IntoDeserializer<'de, DecodeError> for Cell<'_> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Val::Null => visitor.visit_unit(),
            Val::Int(v) => visitor.visit_i64(*v),
            Val::Float(v) => visitor.visit_f64(*v),
            Val::Bool(v) => visitor.visit_bool(*v),
            Val::Text(v) => visitor.visit_str(v),
            Val::Bytes(v) => visitor.visit_byte_buf(v.clone()),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Val::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// SQLite has no booleans.
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Val::Int(v) => visitor.visit_bool(*v != 0),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Val::Text(v) => StrDeserializer::<DecodeError>::new(v).deserialize_enum(name, variants, visitor),
            other => Err(DecodeError(format!("{name}: expected text, found {other:?}"))),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    /// `Vec<u8>` asks for a sequence; bytes are one.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Val::Bytes(v) => visitor.visit_seq(serde::de::value::SeqDeserializer::new(v.iter().copied())),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes unit unit_struct tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A column of JSON text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Json<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        serde_json::from_str(&text).map(Json).map_err(serde::de::Error::custom)
    }
}
