//! Compressed bodies, unpacked within a bound.

use crate::error::{IntakeError, malformed};

/// Bytes of a body once unpacked. Senders of remote_write stay far below: Prometheus sends 2,000 samples at once.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The block format, which remote_write means by `snappy`; not the framed one.
    Snappy,
    Zstd,
    Plain,
}

impl Encoding {
    /// From a `Content-Encoding` header. Without one, remote_write means snappy.
    pub fn of_remote_write(header: Option<&str>) -> Result<Encoding, IntakeError> {
        match header.map(str::trim).unwrap_or("") {
            "" | "snappy" => Ok(Encoding::Snappy),
            "zstd" => Ok(Encoding::Zstd),
            other => Err(IntakeError::UnknownEncoding { given: other.chars().take(40).collect() }),
        }
    }
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
        Encoding::Zstd => zstd(body, out),
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

fn zstd(body: &[u8], out: &mut Vec<u8>) -> Result<(), IntakeError> {
    use std::io::Read;
    let wrong = IntakeError::NotCompressed { encoding: "zstd" };
    let decoder = zstd::stream::read::Decoder::new(body).map_err(|_| wrong.clone())?;
    let taken = decoder.take(BODY_BYTES_MAX as u64 + 1).read_to_end(out).map_err(|_| wrong)?;
    if taken > BODY_BYTES_MAX { Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX }) } else { Ok(()) }
}
