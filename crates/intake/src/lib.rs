//! Decoders of other tools' formats: bytes in, labels and samples out, or signals of alerts.
//!
//! Invariants: no IO, no clock; every byte is hostile; nothing is allocated by a length that the input merely claims;
//! what decompresses is bounded before it is decompressed.

mod error;

mod compress;
mod proto;

pub mod otlp;
pub mod remote_write;
pub mod signals;

pub use compress::{BODY_BYTES_MAX, Encoding, decompress};
pub use error::IntakeError;
