//! Checks on text that came from outside, shared so that every field fails the same way.

use std::fmt;

use crate::limits::NAME_BYTES_MAX;

/// Why a text was refused. The caller names the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextError {
    Empty,
    TooLong { max_bytes: usize },
    ControlCharacter,
    BadName,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Empty => f.write_str("must not be empty"),
            TextError::TooLong { max_bytes } => write!(f, "is longer than {max_bytes} bytes"),
            TextError::ControlCharacter => f.write_str("must be a single line without control characters"),
            TextError::BadName => f.write_str(
                "must start with a letter or digit and hold only letters, digits, '.', '_', '-' and spaces",
            ),
        }
    }
}

impl std::error::Error for TextError {}

/// A single line of at most `max_bytes`; may be empty.
pub fn check_line(text: &str, max_bytes: usize) -> Result<(), TextError> {
    if text.len() > max_bytes {
        Err(TextError::TooLong { max_bytes })
    } else if text.chars().any(char::is_control) {
        Err(TextError::ControlCharacter)
    } else {
        Ok(())
    }
}

/// A name given by a person: one line, no characters that would need quoting in a shell or a URL path but spaces.
pub fn check_name(text: &str) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    check_line(text, NAME_BYTES_MAX)?;
    let ok = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    if text.starts_with(char::is_alphanumeric) && !text.ends_with(' ') && text.chars().all(ok) {
        Ok(())
    } else {
        Err(TextError::BadName)
    }
}

/// At most `max_bytes` of `text`, cut at a character's edge.
pub fn truncate(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_lines() {
        assert!(check_name("web-1.example").is_ok());
        assert!(check_name("Größe 1").is_ok());
        for bad in ["", "-x", "a/b", "a\nb", "a;b", " a", "a "] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(truncate("añb", 2), "a");
        assert!(check_line("tab\there", 100).is_err());
    }
}
