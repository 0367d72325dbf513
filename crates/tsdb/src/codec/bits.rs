//! Bits in and out of bytes, most significant first.

/// Collects bits in a word and spills whole words, so that most writes touch no memory but the word.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    word: u64,
    used: u8,
}

impl BitWriter {
    /// Writes the low `count` bits of `value`; `count` is 1 to 64 and the bits above are zero.
    #[inline]
    pub(super) fn put(&mut self, value: u64, count: u8) {
        let free = 64 - self.used;
        if count < free {
            self.word |= value << (free - count);
            self.used += count;
            return;
        }
        let rest = count - free;
        let full = self.word | (value >> rest);
        if self.bytes.capacity() - self.bytes.len() < 8 {
            // Doubling would leave half of the memory of a hundred thousand chunks empty.
            self.bytes.reserve_exact(64);
        }
        self.bytes.extend_from_slice(&full.to_be_bytes());
        self.word = if rest == 0 { 0 } else { value << (64 - rest) };
        self.used = rest;
    }

    /// Appends everything written so far to `out`, padded with zeros to a byte.
    pub(super) fn copy_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(&self.word.to_be_bytes()[..usize::from(self.used.div_ceil(8))]);
    }

    pub(super) fn len_bytes(&self) -> usize {
        self.bytes.len() + usize::from(self.used.div_ceil(8))
    }

    pub(super) fn allocated(&self) -> usize {
        self.bytes.capacity()
    }
}

#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        BitReader { bytes, at: 0 }
    }

    #[inline]
    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// The next `count` bits, 1 to 64.
    #[inline]
    pub(super) fn get(&mut self, count: u8) -> Option<u64> {
        let end = self.at + usize::from(count);
        if end > self.bytes.len() * 8 {
            return None;
        }
        let (first, skip) = (self.at / 8, self.at % 8);
        let mut window = [0u8; 16];
        let take = (self.bytes.len() - first).min(9);
        window[..take].copy_from_slice(&self.bytes[first..first + take]);
        self.at = end;
        let wide = u128::from_be_bytes(window) << skip;
        Some((wide >> (128 - u32::from(count))) as u64)
    }
}
