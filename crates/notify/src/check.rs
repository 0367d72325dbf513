//! What is wrong with a channel that somebody wrote, by its field; and the checks that several channels share.

use thiserror::Error;

/// Bytes of one field.
pub(crate) const FIELD_BYTES_MAX: usize = 2_048;

/// Which field is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChannelError {
    #[error(
        "{field}: must be an https:// or http:// address without user name, at most {FIELD_BYTES_MAX} bytes"
    )]
    Url { field: &'static str },
    #[error("{field}: must be {form}")]
    Form { field: &'static str, form: &'static str },
    #[error("{field}: must be given anew, since what is stored is for another destination")]
    Anew { field: &'static str },
    #[error("{field}: {address:?} is not an ASCII mail address such as alerts@example.com")]
    Address { field: &'static str, address: String },
    #[error("username: needs a password beside it, and security starttls or tls")]
    Login,
}

pub(crate) fn url(field: &'static str, url: &str) -> Result<(), ChannelError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.map(|r| r.split(['/', '?', '#']).next().unwrap_or_default());
    let visible = url.bytes().all(|b| b.is_ascii_graphic());
    match host {
        Some(h) if !h.is_empty() && !h.contains('@') && visible && url.len() <= FIELD_BYTES_MAX => Ok(()),
        _ => Err(ChannelError::Url { field }),
    }
}

/// The base of a provider's API, where it is not the provider's own.
pub(crate) fn api_url(given: Option<&String>) -> Result<(), ChannelError> {
    given.map_or(Ok(()), |given| url("api_url", given))
}

/// `given` without its last slash, or the provider's own.
pub(crate) fn base<'a>(given: Option<&'a String>, own: &'a str) -> &'a str {
    given.map_or(own, String::as_str).trim_end_matches('/')
}

/// From `min` to `max` characters of those that `good` names.
pub(crate) fn word(
    field: &'static str,
    form: &'static str,
    text: &str,
    lengths: std::ops::RangeInclusive<usize>,
    good: impl Fn(char) -> bool,
) -> Result<(), ChannelError> {
    let right = lengths.contains(&text.len()) && text.chars().all(good);
    if right { Ok(()) } else { Err(ChannelError::Form { field, form }) }
}

/// A key or token as providers make them.
pub(crate) fn token(field: &'static str, text: &str) -> Result<(), ChannelError> {
    let form = "a key of 8 to 256 letters, digits, - and _";
    word(field, form, text, 8..=256, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
}
