//! A selection of targets: servers to act on.
//!
//! Invariant: an empty selector selects nothing, so that a forgotten filter can never mean "every server".

use std::fmt;
use std::str::FromStr;

use watchtower_model::Labels;

use crate::matchers::Matchers;
use crate::parse::ParseError;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Matchers);

impl Selector {
    pub fn new(matchers: Matchers) -> Self {
        Selector(matchers)
    }

    pub fn matchers(&self) -> &Matchers {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// False for every target when the selector is empty.
    pub fn selects(&self, labels: &Labels) -> bool {
        !self.0.is_empty() && self.0.matches(labels)
    }
}

impl FromStr for Selector {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Selector)
    }
}

/// `env="prod",role=~"web|db"`: without braces, as it is typed behind `--on`.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, matcher) in self.0.iter().enumerate() {
            write!(f, "{}{matcher}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_selects_nothing() {
        let web = Labels::from_pairs([("env", "prod")]);
        for text in ["", "{}", "  "] {
            assert!(!text.parse::<Selector>().unwrap().selects(&web));
        }
        let some: Selector = "env=prod".parse().unwrap();
        assert!(some.selects(&web) && !some.selects(&Labels::empty()));
        assert_eq!(some.to_string().parse::<Selector>().unwrap(), some);
        assert!("env!=test".parse::<Selector>().unwrap().selects(&Labels::empty()));
    }
}
