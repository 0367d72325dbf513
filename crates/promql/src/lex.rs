//! Text to tokens with their byte spans.

use watchtower_matchers::unquote;

use crate::ast::Span;
use crate::error::QueryError;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword: which one, the parser knows.
    Word(String),
    Number(f64),
    /// Milliseconds.
    Duration(i64),
    String(String),
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 25] = [
    "==", "!=", "=~", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", "=", "<", ">", "+", "-", "*", "/",
    "%", "^", "@", ":", "!",
];

pub(crate) fn lex(text: &str) -> Result<Vec<(Token, Span)>, QueryError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut in_brackets = false;
    loop {
        at = skip_blank(text, at);
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            tokens.push((Token::End, Span { start: at, end: at }));
            return Ok(tokens);
        };
        let (token, len) = match first {
            '"' | '\'' | '`' => {
                let (value, len) = unquote(rest).map_err(|e| {
                    let end = (at + e.at() + 1).max(at + 1).min(text.len());
                    QueryError::invalid(Span { start: at + e.at(), end }, e.to_string())
                })?;
                (Token::String(value), len)
            }
            '0'..='9' => number(text, at)?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number(text, at)?,
            // Inside brackets a colon separates range and step; elsewhere names may hold it.
            c if c.is_ascii_alphabetic() || c == '_' || (c == ':' && !in_brackets) => {
                let len = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest[..len].to_string()), len)
            }
            c => {
                let sign = SIGNS.into_iter().find(|s| rest.starts_with(s)).ok_or_else(|| {
                    let span = Span { start: at, end: at + c.len_utf8() };
                    QueryError::invalid(span, format!("unexpected character {c:?}"))
                })?;
                in_brackets = sign == "[" || (in_brackets && sign != "]");
                (Token::Sign(sign), sign.len())
            }
        };
        tokens.push((token, Span { start: at, end: at + len }));
        at += len;
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn skip_blank(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with('#') {
            return at;
        }
        at += trimmed.find('\n').unwrap_or(trimmed.len());
    }
}

/// A number or, when units follow the digits, a duration.
fn number(text: &str, at: usize) -> Result<(Token, usize), QueryError> {
    let rest = &text[at..];
    let bad = |len: usize, what: &str| {
        let span = Span { start: at, end: at + len };
        QueryError::invalid(span, format!("{:?} is not {what}", &rest[..len]))
    };
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let len = hex.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(hex.len());
        let value = u64::from_str_radix(&hex[..len].replace('_', ""), 16);
        return match value {
            Ok(value) => Ok((Token::Number(value as f64), len + 2)),
            Err(_) => Err(bad(len + 2, "a number")),
        };
    }
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
    let unit = rest[digits..].chars().next();
    if unit.is_some_and(|c| matches!(c, 'y' | 'w' | 'd' | 'h' | 'm' | 's')) && digits > 0 {
        let len = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let ms = watchtower_model::parse_duration_ms(&rest[..len]);
        return ms
            .map(|ms| (Token::Duration(ms), len))
            .map_err(|_| bad(len, "a duration such as 30s or 1h30m"));
    }
    let len = float_len(rest);
    let glued = rest[len..].find(|c: char| !is_word(c)).unwrap_or(rest.len() - len);
    let value = rest[..len].replace('_', "").parse::<f64>();
    match value {
        Ok(value) if glued == 0 => Ok((Token::Number(value), len)),
        _ => Err(bad(len + glued, "a number")),
    }
}

/// The length of digits, fraction and exponent at the start of `rest`.
fn float_len(rest: &str) -> usize {
    let digits = |from: usize| {
        rest[from..].find(|c: char| !c.is_ascii_digit() && c != '_').map_or(rest.len(), |n| from + n)
    };
    let mut len = digits(0);
    if rest[len..].starts_with('.') {
        len = digits(len + 1);
    }
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
        let end = digits(len + 1 + sign);
        if end > len + 1 + sign {
            len = end;
        }
    }
    len
}
