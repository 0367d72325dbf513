//! String literals as PromQL and Go write them: `"…"` and `'…'` with escapes, `` `…` `` without.
//!
//! Invariant: `unquote(quote(s)) == s` for every string.

use std::fmt::Write as _;

/// Why a string literal was refused; `at` is a byte offset into the literal, quotes included.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnquoteError {
    #[error("the string is not closed: add {quote} at its end")]
    Open { at: usize, quote: char },
    #[error("unknown escape {text:?}: use \\n, \\t, \\\\, \\xNN or \\uNNNN, or a `raw string`")]
    Escape { at: usize, text: String },
}

impl UnquoteError {
    pub fn at(&self) -> usize {
        match self {
            UnquoteError::Open { at, .. } | UnquoteError::Escape { at, .. } => *at,
        }
    }
}

/// Writes `text` as a double-quoted literal.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads the literal at the start of `text`; returns its value and the bytes it takes, quotes included.
///
/// `text` must start with a quote character. Octal and hex escapes name bytes in Go; here they name the code
/// point below 256, which is the same for ASCII and never makes invalid UTF-8.
pub fn unquote(text: &str) -> Result<(String, usize), UnquoteError> {
    let quote = text.chars().next().unwrap_or('"');
    if quote == '`' {
        return match text[1..].find('`') {
            Some(end) => Ok((text[1..=end].to_string(), end + 2)),
            None => Err(UnquoteError::Open { at: 0, quote }),
        };
    }
    let mut out = String::new();
    let mut at = quote.len_utf8();
    while let Some(c) = text[at..].chars().next() {
        match c {
            c if c == quote => return Ok((out, at + 1)),
            '\n' => break,
            '\\' => {
                let (value, len) = escape(&text[at..], quote)
                    .ok_or_else(|| UnquoteError::Escape { at, text: text[at..].chars().take(4).collect() })?;
                out.push(value);
                at += len;
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    Err(UnquoteError::Open { at: 0, quote })
}

/// One escape at the start of `text` (which begins with a backslash): its character and its length.
fn escape(text: &str, quote: char) -> Option<(char, usize)> {
    let kind = text[1..].chars().next()?;
    let simple = |c| Some((c, 2));
    match kind {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        c if c == quote => simple(c),
        'x' => digits(text, 2, 2, 16),
        'u' => digits(text, 2, 4, 16),
        'U' => digits(text, 2, 8, 16),
        '0'..='7' => digits(text, 1, 3, 8).filter(|(c, _)| (*c as u32) < 256),
        _ => None,
    }
}

fn digits(text: &str, from: usize, count: usize, radix: u32) -> Option<(char, usize)> {
    let part = text.get(from..from + count)?;
    let all = part.chars().all(|c| c.is_digit(radix));
    let code = all.then(|| u32::from_str_radix(part, radix).ok())??;
    Some((char::from_u32(code)?, from + count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_round_trip() {
        for text in ["", "plain", "a\"b\\c", "tab\tnew\nline", "größe \u{1}\u{7f}", "back`tick"] {
            let literal = quote(text);
            assert_eq!(unquote(&literal).unwrap(), (text.to_string(), literal.len()), "{literal}");
        }
    }

    #[test]
    fn escapes_and_raw_strings() {
        assert_eq!(unquote(r#""\x41\u00e9\101\U0001F600" rest"#).unwrap(), ("AéA😀".into(), 26));
        assert_eq!(unquote(r"'it\'s'").unwrap().0, "it's");
        assert_eq!(unquote(r"`a\d|b`").unwrap(), (r"a\d|b".into(), 7));
        assert_eq!(unquote(r#""a\qb""#).unwrap_err().at(), 2);
        assert!(matches!(unquote("\"abc"), Err(UnquoteError::Open { quote: '"', .. })));
        assert!(unquote("\"a\nb\"").is_err() && unquote("`a").is_err());
    }
}
