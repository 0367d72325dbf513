//! Answers: `ExportMetricsServiceResponse`, and `google.rpc.Status` where nothing was taken, in the form of the request.

use serde_json::json;

use super::{Format, Rejected};

/// What was taken; what was not stands in `partial_success`.
pub fn answer(format: Format, rejected: &Rejected) -> Vec<u8> {
    let Some(reason) = &rejected.reason else {
        return if format == Format::Json { b"{}".to_vec() } else { Vec::new() };
    };
    match format {
        Format::Json => {
            let rejected =
                json!({ "rejectedDataPoints": rejected.points.to_string(), "errorMessage": reason });
            json!({ "partialSuccess": rejected }).to_string().into_bytes()
        }
        Format::Protobuf => {
            let mut partial = vec![1 << 3];
            varint(&mut partial, rejected.points);
            bytes(&mut partial, 2, reason.as_bytes());
            let mut response = Vec::new();
            bytes(&mut response, 1, &partial);
            response
        }
    }
}

/// `code` is of `google.rpc.Code`: 3 invalid argument, 7 permission denied, 13 internal, 14 unavailable, 16 unauthenticated.
pub fn refusal(format: Format, code: u8, message: &str) -> Vec<u8> {
    match format {
        Format::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
        Format::Protobuf => {
            let mut status = vec![1 << 3, code];
            bytes(&mut status, 2, message.as_bytes());
            status
        }
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
