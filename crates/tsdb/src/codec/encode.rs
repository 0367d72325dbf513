//! Writes a chunk, sample by sample.

use watchtower_model::Sample;

use super::bits::BitWriter;
use super::{HEADER_BYTES, VERSION};

/// A chunk that still grows. Timestamps must rise.
#[derive(Debug, Default)]
pub(crate) struct OpenChunk {
    bits: BitWriter,
    count: u16,
    leading: u8,
    significant: u8,
    min_t: i64,
    last_t: i64,
    last_delta: i64,
    last_bits: u64,
}

impl OpenChunk {
    pub(crate) fn count(&self) -> u16 {
        self.count
    }

    pub(crate) fn min_t(&self) -> i64 {
        self.min_t
    }

    pub(crate) fn last_t(&self) -> i64 {
        self.last_t
    }

    pub(crate) fn allocated(&self) -> usize {
        self.bits.allocated()
    }

    #[inline]
    pub(crate) fn push(&mut self, t: i64, v: f64) {
        let value = v.to_bits();
        if self.count == 0 {
            self.min_t = t;
            self.bits.put(t as u64, 64);
            self.bits.put(value, 64);
        } else {
            let delta = t.wrapping_sub(self.last_t);
            self.put_time(delta.wrapping_sub(self.last_delta));
            self.put_value(value ^ self.last_bits);
            self.last_delta = delta;
        }
        self.last_t = t;
        self.last_bits = value;
        self.count += 1;
    }

    #[inline]
    fn put_time(&mut self, d: i64) {
        match d {
            0 => self.bits.put(0, 1),
            -64..64 => self.bits.put(0b10 << 7 | (d as u64 & 0x7f), 9),
            -2048..2048 => self.bits.put(0b110 << 12 | (d as u64 & 0xfff), 15),
            -524_288..524_288 => self.bits.put(0b1110 << 20 | (d as u64 & 0xf_ffff), 24),
            _ => {
                self.bits.put(0b1111, 4);
                self.bits.put(d as u64, 64);
            }
        }
    }

    #[inline]
    fn put_value(&mut self, x: u64) {
        if x == 0 {
            self.bits.put(0, 1);
            return;
        }
        let leading = (x.leading_zeros() as u8).min(31);
        let trailing = x.trailing_zeros() as u8;
        let old_trailing = 64 - self.leading - self.significant;
        if self.significant > 0 && leading >= self.leading && trailing >= old_trailing {
            self.bits.put(0b10, 2);
            self.bits.put(x >> old_trailing, self.significant);
            return;
        }
        self.leading = leading;
        self.significant = 64 - leading - trailing;
        let length = u64::from(self.significant & 63);
        self.bits.put(0b11 << 11 | u64::from(leading) << 6 | length, 13);
        self.bits.put(x >> trailing, self.significant);
    }

    /// The chunk's bytes as of now.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.bits.len_bytes());
        out.push(VERSION);
        out.extend_from_slice(&self.count.to_le_bytes());
        self.bits.copy_to(&mut out);
        out
    }
}

/// One chunk of all `samples`: at most 65,535, timestamps rising.
pub fn encode_chunk(samples: &[Sample]) -> Vec<u8> {
    let mut chunk = OpenChunk::default();
    for sample in samples {
        chunk.push(sample.t.0, sample.v);
    }
    chunk.to_bytes()
}
