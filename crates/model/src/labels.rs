//! Label sets: sorted, unique names, no empty values, within the limits.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX};

/// The label that holds a series' metric name.
pub const METRIC_NAME: &str = "__name__";

/// An immutable, sorted label set. As in Prometheus, an empty value is the same as no label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Vec<(Box<str>, Box<str>)>);

/// Which bound or charset a label breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelError {
    BadName(String),
    NameTooLong(String),
    ValueTooLong(String),
    ControlCharacter(String),
    TooMany,
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelError::BadName(n) => write!(f, "label name {n:?} must match [a-zA-Z_][a-zA-Z0-9_]*"),
            LabelError::NameTooLong(n) => {
                write!(f, "label name {n:?} is longer than {LABEL_NAME_BYTES_MAX} bytes")
            }
            LabelError::ValueTooLong(n) => {
                write!(f, "the value of label {n:?} is longer than {LABEL_VALUE_BYTES_MAX} bytes")
            }
            LabelError::ControlCharacter(n) => {
                write!(f, "the value of label {n:?} contains a control character")
            }
            LabelError::TooMany => write!(f, "more than {LABELS_MAX} labels"),
        }
    }
}

impl std::error::Error for LabelError {}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
pub fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
pub fn is_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

impl Labels {
    pub const fn empty() -> Self {
        Labels(Vec::new())
    }

    /// Builds from trusted pairs (constants, already checked labels): sorts, the last of equal names wins.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds from outside input: every name and value is checked.
    pub fn checked<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LabelError> {
        let labels = Labels::from_pairs(pairs);
        labels.check()?;
        Ok(labels)
    }

    /// Checks charset and limits of labels that people and agents give.
    pub fn check(&self) -> Result<(), LabelError> {
        match self.iter().find(|(name, _)| !is_label_name(name)) {
            Some((name, _)) => Err(LabelError::BadName(name.chars().take(40).collect())),
            None => self.check_observed(),
        }
    }

    /// Checks the limits of labels that other tools' series carry: their names may be any text, as in Prometheus 3.
    pub fn check_observed(&self) -> Result<(), LabelError> {
        if self.0.len() > LABELS_MAX {
            return Err(LabelError::TooMany);
        }
        for (name, value) in self.iter() {
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(LabelError::BadName(name.chars().take(40).collect()));
            }
            if name.len() > LABEL_NAME_BYTES_MAX {
                return Err(LabelError::NameTooLong(name.chars().take(40).collect()));
            }
            if value.len() > LABEL_VALUE_BYTES_MAX {
                return Err(LabelError::ValueTooLong(name.into()));
            }
            if value.chars().any(char::is_control) {
                return Err(LabelError::ControlCharacter(name.into()));
            }
        }
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok().map(|i| &*self.0[i].1)
    }

    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or("")
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + '_ {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder(self.iter().map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// The same labels without those named.
    pub fn without(&self, names: &[&str]) -> Labels {
        Labels(self.0.iter().filter(|(n, _)| !names.contains(&&**n)).cloned().collect())
    }

    /// Only the labels named.
    pub fn only<S: AsRef<str>>(&self, names: &[S]) -> Labels {
        Labels(self.0.iter().filter(|(n, _)| names.iter().any(|k| k.as_ref() == &**n)).cloned().collect())
    }

    /// `self` with every label of `over` set on top.
    pub fn merged(&self, over: &Labels) -> Labels {
        let mut builder = self.to_builder();
        for (name, value) in over.iter() {
            builder.set(name, value);
        }
        builder.build()
    }

    /// 64-bit FNV-1a over names and values: stable across versions and machines, so it may be stored.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
            }
        };
        for (name, value) in self.iter() {
            eat(name.as_bytes());
            eat(&[0xff]);
            eat(value.as_bytes());
            eat(&[0xff]);
        }
        hash
    }
}

/// `{a="b", c="d"}`, with the metric name before the brace, as Prometheus writes it.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name)?;
        let mut rest = self.iter().filter(|(n, _)| *n != METRIC_NAME).peekable();
        if rest.peek().is_none() && !name.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (n, v)) in rest.enumerate() {
            write!(f, "{}{n}={v:?}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let labels = Labels::from_pairs(BTreeMap::<String, String>::deserialize(d)?);
        labels.check_observed().map_err(serde::de::Error::custom)?;
        Ok(labels)
    }
}

/// Collects labels in any order.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder(BTreeMap<Box<str>, Box<str>>);

impl LabelsBuilder {
    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.into(), value.into());
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.0.remove(name);
        self
    }

    pub fn build(self) -> Labels {
        Labels(self.0.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_empty_values_do_not_matter() {
        let a = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", "")]);
        let b = Labels::from_pairs([("a", "1"), ("b", "2")]);
        assert_eq!(a, b);
        assert_eq!(a.fingerprint(), b.fingerprint());
        assert_eq!(a.get("b"), Some("2"));
        assert_eq!(a.get("c"), None);
        assert_eq!(a.to_string(), r#"{a="1", b="2"}"#);
    }

    #[test]
    fn outside_input_is_checked() {
        assert!(Labels::checked([("1a", "x")]).is_err());
        assert!(Labels::checked([("a", "x\ny")]).is_err());
        assert!(Labels::checked([("a", "y".repeat(2000))]).is_err());
        assert!(Labels::checked((0..100).map(|i| (format!("l{i}"), "v"))).is_err());
        assert!(Labels::checked([("a", "größe ok")]).is_ok());
        assert!(Labels::checked([("http.status", "200")]).is_err());
        assert!(Labels::from_pairs([("http.status", "200")]).check_observed().is_ok());
        assert!(Labels::from_pairs([("a\tb", "x")]).check_observed().is_err());
    }
}
