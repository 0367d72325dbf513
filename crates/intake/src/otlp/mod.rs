//! OTLP metrics: a request in protobuf or JSON becomes Prometheus' series.
//!
//! Formats: <https://opentelemetry.io/docs/specs/otlp/>; names and labels:
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>.

mod json;
mod protobuf;
mod request;
mod value;

mod labels;
mod metadata;
mod name;
mod points;
mod translate;

mod answer;

pub use answer::{answer, refusal};
pub use metadata::described;
pub use request::MetricsRequest;
pub use translate::{LABEL_BYTES_MAX, Rejected, SeriesSample, translate};

use crate::IntakeError;

/// Objects of one request: resources, metrics, points, attributes. What a body of [`crate::BODY_BYTES_MAX`] could claim beyond
/// would take a hundred times its size in memory.
pub const OBJECTS_MAX: usize = 500_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Protobuf,
    Json,
}

impl Format {
    /// From a `Content-Type`; `None` if it is neither.
    pub fn of_content_type(header: &str) -> Option<Format> {
        match header.split(';').next().unwrap_or("").trim() {
            "application/x-protobuf" => Some(Format::Protobuf),
            "application/json" => Some(Format::Json),
            _ => None,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Protobuf => "application/x-protobuf",
            Format::Json => "application/json",
        }
    }
}

/// Reads an `ExportMetricsServiceRequest`. `body` is what [`crate::decompress`] gave.
pub fn read(format: Format, body: &[u8]) -> Result<MetricsRequest, IntakeError> {
    match format {
        Format::Protobuf => protobuf::read(body),
        Format::Json => json::read(body),
    }
}

fn too_many() -> IntakeError {
    IntakeError::TooMany { what: "objects", limit: OBJECTS_MAX }
}
