//! The bytes of one record in a ring: a header of 64 bytes, the payload, padding to 64.
//!
//! ```text
//!  0 magic u32   4 payload length u32   8 record number u64   16 epoch u64   24 seq u64
//! 32 monotonic ms u64   40 wall ms i64   48 boot u32   52 acked u8   56 CRC-32 of 0..52 and the payload
//! ```
//! All little-endian. The acked byte is outside the CRC: it is set in place.

use watchtower_model::Timestamp;
use watchtower_protocol::Progress;

use crate::clock::Moment;

pub const HEADER_BYTES: usize = 64;
/// Records start at multiples of this, so that a scan finds them behind a torn one.
pub const ALIGN: u64 = 64;
pub const ACKED_AT: u64 = 52;
/// Bytes of one payload.
pub const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

const MAGIC: u32 = 0x5254_5753;

/// Whether a header may start here: what a scan looks for before it reads more.
pub fn starts_record(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC.to_le_bytes())
}
const CRC_AT: usize = 56;

/// What a record says beside its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub progress: Progress,
    pub collected: Moment,
    /// Digest of the boot id: monotonic times of another boot mean nothing.
    pub boot: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub meta: Meta,
    /// Counts up over the life of the ring.
    pub number: u64,
    pub payload_bytes: usize,
    pub acked: bool,
    crc: u32,
}

impl Header {
    /// `None` for what cannot be a header; the payload's CRC is checked by [`Header::matches`].
    pub fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);
        let payload_bytes = u32_at(4) as usize;
        if u32_at(0) != MAGIC || payload_bytes > PAYLOAD_BYTES_MAX {
            return None;
        }
        Some(Header {
            meta: Meta {
                progress: Progress { epoch: u64_at(16), seq: u64_at(24) },
                collected: Moment { mono_ms: u64_at(32), wall: Timestamp(u64_at(40) as i64) },
                boot: u32_at(48),
            },
            number: u64_at(8),
            payload_bytes,
            acked: bytes[ACKED_AT as usize] != 0,
            crc: u32_at(CRC_AT),
        })
    }

    pub fn matches(&self, header: &[u8; HEADER_BYTES], payload: &[u8]) -> bool {
        self.crc == crc(header, payload)
    }

    /// Bytes in the ring, padding included.
    pub fn record_bytes(&self) -> u64 {
        record_bytes(self.payload_bytes)
    }
}

pub fn record_bytes(payload_bytes: usize) -> u64 {
    ((HEADER_BYTES + payload_bytes) as u64).next_multiple_of(ALIGN)
}

/// Writes header, payload and padding into `out`, replacing what it held.
pub fn write(out: &mut Vec<u8>, number: u64, meta: &Meta, payload: &[u8]) {
    out.clear();
    out.extend_from_slice(&MAGIC.to_le_bytes());
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    for field in [number, meta.progress.epoch, meta.progress.seq, meta.collected.mono_ms] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(&meta.collected.wall.0.to_le_bytes());
    out.extend_from_slice(&meta.boot.to_le_bytes());
    out.resize(HEADER_BYTES, 0);
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(out);
    let crc = crc(&header, payload);
    out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
    out.resize(record_bytes(payload.len()) as usize, 0);
}

fn crc(header: &[u8; HEADER_BYTES], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..ACKED_AT as usize]);
    hasher.update(payload);
    hasher.finalize()
}
