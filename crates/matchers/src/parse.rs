//! The textual form of a list of matchers, as people type it in a shell or copy it from PromQL.
//!
//! Invariant: what `Display` writes is read back to an equal list; every error names its byte offset.

use watchtower_model::limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX};

use crate::MATCHERS_MAX;
use crate::matcher::{Matcher, Op};
use crate::quote::{UnquoteError, unquote};
use crate::regex::{REGEX_BYTES_MAX, RegexError};

/// Why a text is not a list of matchers; `at` is a byte offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("at {at}: expected a label name, found {found:?}")]
    Name { at: usize, found: String },
    #[error("at {at}: expected =, !=, =~ or !~ after label {name:?}")]
    Op { at: usize, name: String },
    #[error("at {at}: expected a comma or the end after the value of {name:?}")]
    Separator { at: usize, name: String },
    #[error("at {at}: {source}")]
    String { at: usize, source: UnquoteError },
    #[error("at {at}: label {name:?}: {source}")]
    Regex { at: usize, name: String, source: RegexError },
    #[error("at {at}: the brace is not closed: add }} at the end")]
    Brace { at: usize },
    #[error("more than {MATCHERS_MAX} matchers")]
    TooMany,
    #[error("at {at}: {what} is longer than {max} bytes")]
    TooLong { at: usize, what: &'static str, max: usize },
}

pub(crate) fn parse(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut cursor = Cursor { text, at: 0, end: text.trim_end().len() };
    cursor.skip_spaces();
    if cursor.rest().starts_with('{') {
        if !cursor.rest().ends_with('}') {
            return Err(ParseError::Brace { at: cursor.at });
        }
        cursor.at += 1;
        cursor.end -= 1;
        cursor.skip_spaces();
    }
    let mut matchers = Vec::new();
    while cursor.at < cursor.end {
        matchers.push(cursor.matcher()?);
        if matchers.len() > MATCHERS_MAX {
            return Err(ParseError::TooMany);
        }
    }
    Ok(matchers)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at.min(self.end)..self.end]
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// One matcher and the comma behind it.
    fn matcher(&mut self) -> Result<Matcher, ParseError> {
        let start = self.at;
        let name = self.name()?;
        self.skip_spaces();
        let op = Op::ALL.into_iter().find(|op| self.rest().starts_with(op.as_str()));
        let op = op.ok_or_else(|| ParseError::Op { at: self.at, name: name.clone() })?;
        self.at += op.as_str().len();
        self.skip_spaces();
        let max = if matches!(op, Op::Re | Op::Nre) { REGEX_BYTES_MAX } else { LABEL_VALUE_BYTES_MAX };
        let value_at = self.at;
        let value = self.value()?;
        if value.len() > max {
            return Err(ParseError::TooLong { at: value_at, what: "the value", max });
        }
        self.skip_spaces();
        if self.rest().starts_with(',') {
            self.at += 1;
            self.skip_spaces();
        } else if self.at < self.end {
            return Err(ParseError::Separator { at: self.at, name });
        }
        Matcher::new(name.clone(), op, value).map_err(|source| ParseError::Regex { at: start, name, source })
    }

    fn name(&mut self) -> Result<String, ParseError> {
        let at = self.at;
        let name = if self.rest().starts_with(['"', '\'', '`']) {
            self.quoted()?
        } else {
            let len = self
                .rest()
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(self.rest().len());
            self.at += len;
            self.text[at..at + len].to_string()
        };
        let found = || self.text[at..self.end].chars().take(12).collect();
        if name.len() > LABEL_NAME_BYTES_MAX {
            return Err(ParseError::TooLong { at, what: "the label name", max: LABEL_NAME_BYTES_MAX });
        }
        let quoted = self.text[at..].starts_with(['"', '\'', '`']);
        if name.is_empty() || (!quoted && name.starts_with(|c: char| c.is_ascii_digit())) {
            return Err(ParseError::Name { at, found: found() });
        }
        Ok(name)
    }

    fn value(&mut self) -> Result<String, ParseError> {
        if self.rest().starts_with(['"', '\'', '`']) {
            return self.quoted();
        }
        let rest = self.rest();
        let len = rest.find([',', '"', '\'', '`']).unwrap_or(rest.len());
        self.at += len;
        Ok(rest[..len].trim_end().to_string())
    }

    fn quoted(&mut self) -> Result<String, ParseError> {
        let (value, len) = unquote(self.rest())
            .map_err(|source| ParseError::String { at: self.at + source.at(), source })?;
        self.at += len;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Matchers;

    #[test]
    fn display_round_trips() {
        for text in [
            "env=prod",
            "env=prod,role=~web|db",
            " env = prod , role =~ \"web|db\" , ",
            r#"{env="prod", x!~"y", "a.b"!='z'}"#,
            r#"a="quo\"te,comma}""#,
            "path=/var/log{1}",
            "a=",
            "",
            "{}",
        ] {
            let matchers: Matchers = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(matchers.to_string().parse::<Matchers>().unwrap(), matchers, "{text}");
        }
        let matchers: Matchers = "env=prod , role=~ web|db".parse().unwrap();
        assert_eq!(matchers.to_string(), r#"{env="prod", role=~"web|db"}"#);
    }

    #[test]
    fn errors_name_the_place() {
        let at = |text: &str| parse(text).unwrap_err().to_string();
        assert!(at("env").starts_with("at 3: expected =, !="), "{}", at("env"));
        assert!(at("env=prod;role=x,1a=b").contains("at 16: expected a label name"));
        assert!(at("{env=prod").contains("brace is not closed"));
        assert!(at("a=b,c=~[").contains("at 4: label \"c\": regular expression \"[\""));
        assert!(at("a=\"b\"c").contains("at 5: expected a comma"));
        assert!(at("a=\"b").contains("at 2: the string is not closed"));
        assert!(at(",").contains("at 0: expected a label name"));
        assert_eq!(parse(&"a=b,".repeat(100)), Err(ParseError::TooMany));
        assert!(at(&format!("a={}", "x".repeat(2000))).contains("longer than 1024"));
    }
}
