//! What blocks and rollups have in common: a version in front, a checksum behind.
//!
//! Invariant: nothing of the bytes is believed before both are right.

use super::ChunkError;

const CHECKSUM_BYTES: usize = 4;

/// Puts the checksum behind bytes that begin with their version.
pub(super) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The bytes without their checksum, the version still in front.
pub(super) fn open(bytes: &[u8], version: u8) -> Result<&[u8], ChunkError> {
    match bytes.first() {
        Some(found) if *found == version => {}
        Some(found) => return Err(ChunkError::Version(*found)),
        None => return Err(ChunkError::Damaged),
    }
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(ChunkError::Damaged)?;
    match crc32fast::hash(body) == u32::from_le_bytes(*sum) {
        true => Ok(body),
        false => Err(ChunkError::Damaged),
    }
}
