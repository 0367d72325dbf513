//! Small parsers of HTTP's own text, and the headers every answer carries.

use std::collections::HashMap;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use watchtower_hub::{Hub, HubError};

use crate::caller::session_of;
use crate::problem::Failure;

/// `a=1&b=x%20y`; of equal names the last one counts.
pub fn parse_query(text: &str) -> HashMap<String, String> {
    parse_pairs(text).into_iter().collect()
}

/// All pairs in order, for parameters that may repeat.
pub fn parse_pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Standard base64 of basic authentication.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let mut buffer = 0_u32;
    let mut bits = 0;
    for byte in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)? as u32;
        buffer = buffer << 6 | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    Some(out)
}

const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers that keep other sites out of the dashboard.
pub async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A write with a session cookie, and every WebSocket, must come from our own pages.
pub async fn same_origin(State(hub): State<Hub>, request: Request, next: Next) -> Result<Response, Failure> {
    let headers = request.headers();
    let upgrades = headers.contains_key(header::UPGRADE);
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if (upgrades || writes) && session_of(headers).is_some() && !headers.contains_key(header::AUTHORIZATION) {
        check_origin(&hub, headers)?;
    }
    Ok(next.run(request).await)
}

fn check_origin(hub: &Hub, headers: &axum::http::HeaderMap) -> Result<(), Failure> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else {
        return Err(HubError::Forbidden(
            "the Origin header is missing: use the dashboard, or an API token".into(),
        )
        .into());
    };
    let host = origin.split_once("://").map_or("", |(_, rest)| rest);
    let own = text(header::HOST).unwrap_or("");
    let public = hub.config.public_url.split_once("://").map_or("", |(_, rest)| rest);
    if host == own || host == public {
        Ok(())
    } else {
        Err(HubError::Forbidden("the request comes from another site".into()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_queries() {
        assert_eq!(decode_base64("dTp0b2tlbg==").unwrap(), b"u:token");
        assert_eq!(decode_base64("YQ").unwrap(), b"a");
        assert!(decode_base64("a*b").is_none());
        let query = parse_query("a=1&b=x%20y+z&c&a=2");
        assert_eq!((query["a"].as_str(), query["b"].as_str(), query["c"].as_str()), ("2", "x y z", ""));
    }
}
