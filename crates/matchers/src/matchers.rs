//! A list of matchers that must all hold.
//!
//! Invariant: an empty list matches everything. Lists of targets use [`crate::Selector`], where it matches nothing.

use std::fmt;
use std::str::FromStr;

use watchtower_model::{Labels, METRIC_NAME};

use crate::matcher::{Matcher, Op};
use crate::parse::{ParseError, parse};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    pub fn new(matchers: Vec<Matcher>) -> Self {
        Matchers(matchers)
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Matcher> {
        self.0.iter()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn push(&mut self, matcher: Matcher) {
        self.0.push(matcher);
    }

    /// The metric name, when the list asks for exactly one.
    pub fn metric_name(&self) -> Option<&str> {
        self.0.iter().find(|m| m.name() == METRIC_NAME && m.op() == Op::Eq).map(Matcher::value)
    }

    /// True when every matcher also matches a series without its label: such a list selects everything that
    /// lacks a few labels, which PromQL refuses.
    pub fn all_match_empty(&self) -> bool {
        self.0.iter().all(Matcher::matches_empty)
    }
}

impl FromIterator<Matcher> for Matchers {
    fn from_iter<I: IntoIterator<Item = Matcher>>(matchers: I) -> Self {
        Matchers(matchers.into_iter().collect())
    }
}

impl FromStr for Matchers {
    type Err = ParseError;

    /// Reads `env=prod,role=~"web|db"`, with or without braces. Values need quotes only when they hold
    /// a comma, a brace, a quote or outer spaces.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).map(Matchers)
    }
}

/// `{env="prod", role=~"web|db"}`.
impl fmt::Display for Matchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, matcher) in self.0.iter().enumerate() {
            write!(f, "{}{matcher}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(matchers: &str, labels: &[(&str, &str)]) -> bool {
        matchers.parse::<Matchers>().unwrap().matches(&Labels::from_pairs(labels.iter().copied()))
    }

    #[test]
    fn a_missing_label_is_an_empty_value() {
        let web = &[("env", "prod"), ("role", "web")][..];
        assert!(matches("env=prod,role=~web|db", web) && !matches("env=prod,role=~db", web));
        assert!(matches("zone=\"\"", web) && matches("zone!=a", web) && matches("zone!~\".+\"", web));
        assert!(matches("zone=~\".*\"", web) && !matches("zone=~\".+\"", web) && !matches("role!~w.*", web));
        assert!(matches("", web) && matches("{}", web));
        assert!(!matches("env=prod,env=test", web), "every matcher must hold");
    }

    #[test]
    fn what_matches_empty_is_known() {
        let all = |text: &str| text.parse::<Matchers>().unwrap().all_match_empty();
        assert!(all("a!=b,c=~\".*\"") && !all("a!=b,c=~\".+\"") && all(""));
        assert_eq!("{__name__=\"up\"}".parse::<Matchers>().unwrap().metric_name(), Some("up"));
    }
}
