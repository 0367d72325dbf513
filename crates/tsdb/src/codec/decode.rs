//! Reads a chunk.

use watchtower_model::{Sample, Timestamp};

use super::bits::BitReader;
use super::{HEADER_BYTES, VERSION};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    #[error("chunk format {0} is newer than this program: upgrade the hub")]
    Version(u8),
    #[error("the chunk ends after {read} of {count} samples")]
    Short { read: u16, count: u16 },
    #[error("the block's bytes were changed")]
    Damaged,
}

/// Every sample of a chunk.
pub fn decode_chunk(bytes: &[u8]) -> Result<Vec<Sample>, ChunkError> {
    let mut out = Vec::new();
    decode_into(bytes, i64::MIN, i64::MAX, &mut out)?;
    Ok(out)
}

/// How many samples a chunk says it has.
pub(crate) fn count_of(bytes: &[u8]) -> u32 {
    bytes.get(1..HEADER_BYTES).map_or(0, |count| u32::from(u16::from_le_bytes([count[0], count[1]])))
}

/// Appends the samples of `from..=to` to `out`. After an error, those before the damage are there.
pub(crate) fn decode_into(bytes: &[u8], from: i64, to: i64, out: &mut Vec<Sample>) -> Result<(), ChunkError> {
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(ChunkError::Short { read: 0, count: 0 });
    };
    if header[0] != VERSION {
        return Err(ChunkError::Version(header[0]));
    }
    let count = u16::from_le_bytes([header[1], header[2]]);
    let mut state =
        State { bits: BitReader::new(body), t: 0, delta: 0, value: 0, leading: 0, significant: 0 };
    for read in 0..count {
        let step = if read == 0 { state.first() } else { state.next() };
        step.ok_or(ChunkError::Short { read, count })?;
        if state.t > to {
            return Ok(());
        }
        if state.t >= from {
            out.push(Sample { t: Timestamp(state.t), v: f64::from_bits(state.value) });
        }
    }
    Ok(())
}

struct State<'a> {
    bits: BitReader<'a>,
    t: i64,
    delta: i64,
    value: u64,
    leading: u8,
    significant: u8,
}

impl State<'_> {
    fn first(&mut self) -> Option<()> {
        self.t = self.bits.get(64)? as i64;
        self.value = self.bits.get(64)?;
        Some(())
    }

    #[inline]
    fn next(&mut self) -> Option<()> {
        self.delta = self.delta.wrapping_add(self.delta_of_delta()?);
        self.t = self.t.wrapping_add(self.delta);
        if self.bits.bit()? {
            if self.bits.bit()? {
                let window = self.bits.get(11)?;
                self.leading = (window >> 6) as u8;
                self.significant = if window & 63 == 0 { 64 } else { (window & 63) as u8 };
            }
            let trailing = 64_u8.checked_sub(self.leading + self.significant)?;
            if self.significant == 0 {
                return None;
            }
            self.value ^= self.bits.get(self.significant)? << trailing;
        }
        Some(())
    }

    #[inline]
    fn delta_of_delta(&mut self) -> Option<i64> {
        let mut ones = 0;
        while ones < 4 && self.bits.bit()? {
            ones += 1;
        }
        let width = match ones {
            0 => return Some(0),
            1 => 7,
            2 => 12,
            3 => 20,
            _ => 64,
        };
        let shift = 64 - u32::from(width);
        Some(((self.bits.get(width)? << shift) as i64) >> shift)
    }
}
