//! The bytes of chunks (one series, as they leave memory), of blocks (sixteen series, merged in the background) and of rollups of these.
//!
//! Invariant: values come back bit for bit, stale markers and other NaN payloads too; damaged bytes are an
//! error, never a panic.
//!
//! A chunk (after Pelkonen et al., "Gorilla: a fast, scalable, in-memory time series database", VLDB 2015, with
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
//!
//! A block. Numbers are LEB128 varints unless said otherwise, "signed" ones zigzag; `pco` is the wrapped form of
//! pco's format (header, chunk metadata, one page):
//!
//! ```text
//! byte 0      format version, 2
//! columns     how many, then each: length | column of times
//! series      how many, then each: place in the group (1 byte) | its column of times | length of its values
//! values      of each series, in that order
//! 4 bytes     CRC-32 of all before, little endian
//!
//! column of times
//!   0 even      count | first, signed | step, signed
//!   1 uneven    count | pco of i64
//! values
//!   0 same      8 bytes little endian: every value
//!   1 decimals  scale (1 byte) | first, signed | step | strays, each: place | 8 bytes little endian | pco of i64
//!               value = (first + integer * step) / 10^scale, but for the strays
//!   2 floats    pco of f64
//! ```
//!
//! A rollup: buckets of sixteen series (`rollup`), in the same manner.
//!
//! ```text
//! byte 0      format version, 1
//! columns     how many, then each: length | column of times
//! series      how many, then each: place in the group (1 byte) | its columns of last and of first times | lengths of its seven columns
//! values      of each series: counts | last | first | min | max | sum | resets
//! 4 bytes     CRC-32 of all before, little endian
//!
//! counts      twice the number of samples, and 1 more where a stale marker is the last
//! resets      what a counter lost: last - first + resets is its growth
//! values
//!   0 to 2      as of a block
//!   3 as        number of a column before (1 byte): the same values
//!   4 product   of the sums: last times number of samples
//! ```

mod bits;
mod decode;
mod encode;

mod column;
mod sealed;

mod block;

mod rollup;

pub(crate) use block::{Block, encode_block};
pub use decode::{ChunkError, decode_chunk};
pub(crate) use decode::{count_of, decode_into};
pub(crate) use encode::OpenChunk;
pub use encode::encode_chunk;
pub(crate) use rollup::{Columns, Field, Rollup, encode_rollup};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 3;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
mod rollup_tests;
#[cfg(test)]
pub(crate) mod tests;
