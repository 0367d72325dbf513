//! Compressed bodies, unpacked within a bound.

use std::io::Read;

use crate::error::{IntakeError, malformed};

/// Bytes of a body once unpacked. Senders of remote_write stay far below: Prometheus sends 2,000 samples at once.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The block format, which remote_write means by `snappy`; not the framed one.
    Snappy,
    Zstd,
    Gzip,
    Plain,
}

impl Encoding {
    /// From a `Content-Encoding` header. Without one, remote_write means snappy.
    pub fn of_remote_write(header: Option<&str>) -> Result<Encoding, IntakeError> {
        match header.map(str::trim).unwrap_or("") {
            "" | "snappy" => Ok(Encoding::Snappy),
            "zstd" => Ok(Encoding::Zstd),
            other => Err(unknown(other, "snappy or zstd")),
        }
    }

    /// From a `Content-Encoding` header of OTLP. Without one, the body is as it is.
    pub fn of_otlp(header: Option<&str>) -> Result<Encoding, IntakeError> {
        match header.map(str::trim).unwrap_or("") {
            "" | "identity" => Ok(Encoding::Plain),
            "gzip" => Ok(Encoding::Gzip),
            "zstd" => Ok(Encoding::Zstd),
            other => Err(unknown(other, "gzip, zstd, or neither")),
        }
    }
}

fn unknown(given: &str, known: &'static str) -> IntakeError {
    IntakeError::UnknownEncoding { given: given.chars().take(40).collect(), known }
}

/// Unpacks `body` into `out`, which is cleared first.
pub fn decompress(encoding: Encoding, body: &[u8], out: &mut Vec<u8>) -> Result<(), IntakeError> {
    out.clear();
    match encoding {
        Encoding::Plain if body.len() > BODY_BYTES_MAX => {
            Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX })
        }
        Encoding::Plain => {
            out.extend_from_slice(body);
            Ok(())
        }
        Encoding::Snappy => snappy(body, out),
        Encoding::Zstd => stream(zstd::stream::read::Decoder::new(body), "zstd", out),
        Encoding::Gzip => stream(Ok(flate2::read::MultiGzDecoder::new(body)), "gzip", out),
    }
}

fn snappy(body: &[u8], out: &mut Vec<u8>) -> Result<(), IntakeError> {
    let wrong = IntakeError::NotCompressed { encoding: "snappy" };
    let len = snap::raw::decompress_len(body).map_err(|_| wrong.clone())?;
    if len > BODY_BYTES_MAX {
        return Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX });
    }
    // A block can hardly shrink to less than a 21st of its content: what claims more is not worth the memory.
    if len / 32 > body.len() {
        return Err(malformed("a snappy block that claims more than it can hold"));
    }
    out.resize(len, 0);
    snap::raw::Decoder::new().decompress(body, out).map_err(|_| wrong)?;
    Ok(())
}

fn stream(
    decoder: std::io::Result<impl Read>,
    encoding: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), IntakeError> {
    let wrong = IntakeError::NotCompressed { encoding };
    let limited = decoder.map_err(|_| wrong.clone())?.take(BODY_BYTES_MAX as u64 + 1);
    let taken = { limited }.read_to_end(out).map_err(|_| wrong)?;
    if taken > BODY_BYTES_MAX { Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX }) } else { Ok(()) }
}
