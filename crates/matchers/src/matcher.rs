//! One condition on one label.
//!
//! Invariant: a value of this type is valid: its pattern, if it has one, is compiled.

use std::fmt;

use watchtower_model::is_label_name;

use crate::quote::quote;
use crate::regex::{AnchoredRegex, RegexError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    Eq,
    Ne,
    Re,
    Nre,
}

impl Op {
    /// Longest first, so that a parser may try them in turn.
    pub const ALL: [Op; 4] = [Op::Re, Op::Nre, Op::Ne, Op::Eq];

    pub fn as_str(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Re => "=~",
            Op::Nre => "!~",
        }
    }
}

/// `name op "value"`.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    op: Op,
    value: String,
    regex: Option<AnchoredRegex>,
}

impl Matcher {
    /// Fails only for a bad pattern of `=~` or `!~`.
    pub fn new(name: impl Into<String>, op: Op, value: impl Into<String>) -> Result<Self, RegexError> {
        let value = value.into();
        let regex = match op {
            Op::Re | Op::Nre => Some(AnchoredRegex::new(&value)?),
            Op::Eq | Op::Ne => None,
        };
        Ok(Matcher { name: name.into(), op, value, regex })
    }

    /// `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Matcher { name: name.into(), op: Op::Eq, value: value.into(), regex: None }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn op(&self) -> Op {
        self.op
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// `value` is the label's value, empty when the label is missing.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (Op::Re, Some(regex)) => regex.is_match(value),
            (Op::Nre, Some(regex)) => !regex.is_match(value),
            (Op::Ne, _) => self.value != value,
            _ => self.value == value,
        }
    }

    /// Also true for a series without the label.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }

    /// The only values that can match, when they are few and known: an index looks them up directly.
    pub fn wanted_values(&self) -> Option<Vec<&str>> {
        match (self.op, &self.regex) {
            (Op::Eq, _) => Some(vec![&self.value]),
            (Op::Re, Some(AnchoredRegex::Literals(all))) => Some(all.iter().map(String::as_str).collect()),
            _ => None,
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quote(&self.name))?;
        }
        write!(f, "{}{}", self.op.as_str(), quote(&self.value))
    }
}
