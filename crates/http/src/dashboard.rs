//! The dashboard's files, built into the binary, and the short links into it.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::RustEmbed;

/// Made by `web/`; a build without it has no pages, and says so.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

pub async fn incident_link(Path(number): Path<u64>) -> Redirect {
    Redirect::to(&format!("/incidents/{number}"))
}

pub async fn run_link(Path(number): Path<u64>) -> Redirect {
    Redirect::to(&format!("/runs/{number}"))
}

pub async fn server_link(Path(name): Path<String>) -> Redirect {
    Redirect::to(&format!(
        "/servers/{}",
        percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC)
    ))
}

/// A file of the dashboard, or its one page for every path that is a place in it.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if !matches!(method, Method::GET | Method::HEAD)
        || path.starts_with("api/")
        || path.starts_with("prometheus/")
        || path.starts_with("otlp/")
    {
        return crate::problem::Failure::from(watchtower_hub::HubError::not_found("path", uri.path()))
            .into_response();
    }
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if is_file { path } else { "index.html" };
    match Files::get(name) {
        Some(file) => file_response(name, file, &headers),
        None if is_file => StatusCode::NOT_FOUND.into_response(),
        None => (
            StatusCode::OK,
            "This build has no dashboard: run `make build`. The API is at /api/v1/openapi.json.\n",
        )
            .into_response(),
    }
}

fn file_response(name: &str, file: rust_embed::EmbeddedFile, request: &HeaderMap) -> Response {
    let hash = watchtower_hub::random::hex(&file.metadata.sha256_hash()[..16]);
    let etag = format!("\"{hash}\"");
    // Names under assets/ carry their content's hash: they never change.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known =
        request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) == Some(etag.as_str());
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { body_of(name, file, request) };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    response
}

fn body_of(name: &str, file: rust_embed::EmbeddedFile, request: &HeaderMap) -> Response {
    let gzip = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("gzip"));
    let packed = if gzip { Files::get(&format!("{name}.gz")) } else { None };
    let mut response = match packed {
        Some(packed) => {
            let mut response = packed.data.into_owned().into_response();
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        None => file.data.into_owned().into_response(),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}
