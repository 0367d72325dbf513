//! Answers packed by gzip for those who can unpack it, as Prometheus gives them.

use std::io::Write;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::task::spawn_blocking;

/// Shorter bodies are not worth it.
const BYTES_MIN: usize = 1024;

pub async fn pack(request: Request, next: Next) -> Response {
    let wanted = accepts(request.headers());
    let (mut parts, body) = next.run(request).await.into_parts();
    parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !wanted || parts.headers.contains_key(header::CONTENT_ENCODING) {
        return Response::from_parts(parts, body);
    }
    // Answers are made whole in memory: there is no length to be afraid of that is not there already.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if bytes.len() < BYTES_MIN {
        return Response::from_parts(parts, Body::from(bytes));
    }
    let packed = spawn_blocking({
        let bytes = bytes.clone();
        move || gzip(&bytes)
    });
    let Ok(Ok(packed)) = packed.await else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(packed))
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Whether `gzip` or `*` stands in `Accept-Encoding` without `q=0`; the more exact of the two decides.
fn accepts(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut any) = (None, false);
    for item in lines.flat_map(|line| line.split(',')) {
        let mut words = item.split(';').map(str::trim);
        let name = words.next().unwrap_or("");
        let weight =
            words.find_map(|word| word.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
        let wanted = weight.is_some_and(|weight| weight > 0.0);
        match name {
            _ if name.eq_ignore_ascii_case("gzip") => gzip = Some(wanted),
            "*" => any = wanted,
            _ => {}
        }
    }
    gzip.unwrap_or(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_refuses_is_not_sent() {
        for (text, wanted) in [
            ("", false),
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("*", true),
            ("*, gzip;q=0.0", false),
            ("br", false),
            ("gzip;q=x", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(text));
            assert_eq!(accepts(&headers), wanted, "{text}");
        }
    }
}
