//! The bytes of a chunk: version, count, then delta-of-delta timestamps and XORed values, bit by bit.
//!
//! Invariant: values come back bit for bit, stale markers and other NaN payloads too; damaged bytes are an
//! error, never a panic.
//!
//! Layout (after Pelkonen et al., "Gorilla: a fast, scalable, in-memory time series database", VLDB 2015, with
//! timestamp buckets for milliseconds):
//!
//! ```text
//! byte 0      format version, 1
//! bytes 1-2   number of samples, little endian
//! bits        first timestamp (64), first value (64), then per sample
//!   timestamp, d = delta - previous delta:
//!     0                   d = 0
//!     10   + 7 bits       d in -64..64
//!     110  + 12 bits      d in -2048..2048
//!     1110 + 20 bits      d in -524288..524288
//!     1111 + 64 bits      any d
//!   value, x = bits ^ previous bits:
//!     0                   x = 0
//!     10 + significant    in the window of leading and trailing zeros used last
//!     11 + 5 + 6 + bits   leading zeros (at most 31), length of the significant part (0 means 64), the part
//! ```
//! Bits fill bytes from the most significant one down.

mod bits;
mod decode;
mod encode;

pub(crate) use decode::decode_into;
pub use decode::{ChunkError, decode_chunk};
pub(crate) use encode::OpenChunk;
pub use encode::encode_chunk;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 3;

#[cfg(test)]
pub(crate) mod tests;
