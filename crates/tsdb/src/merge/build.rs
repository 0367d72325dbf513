//! From all that a day holds of a group to the blocks that take its place.
//!
//! Invariant: of two samples of one series and time the one stored first stays, as it does when they are read; what cannot be read is
//! left where it is.

use watchtower_model::Sample;

use crate::codec::{Block, decode_into, encode_block};
use crate::limits::{BLOCK_SAMPLES_MAX, SERIES_PER_BLOCK};
use crate::store::{BlockRecord, Group, GroupRows, Swap};

/// Samples by the series' place in the group, and where they came from.
#[derive(Debug)]
pub(crate) struct Gathered {
    group: Group,
    pub series: Vec<Vec<Sample>>,
    swap: Swap,
    /// Chunks and blocks that could not be read.
    pub damaged: u64,
}

impl Gathered {
    /// All chunks, and with `whole` the blocks too.
    pub(crate) fn new(group: Group, rows: &GroupRows, whole: bool) -> Gathered {
        let series = vec![Vec::new(); SERIES_PER_BLOCK as usize];
        let swap = Swap { source: rows.source, ..Swap::default() };
        let mut all = Gathered { group, series, swap, damaged: 0 };
        for (row, bytes) in rows.blocks.iter().filter(|_| whole) {
            match all.take_block(bytes) {
                true => all.swap.blocks.push(*row),
                false => all.damaged += 1,
            }
        }
        for (row, series, bytes) in &rows.chunks {
            let mut samples = Vec::new();
            if decode_into(bytes, i64::MIN, i64::MAX, &mut samples).is_err() {
                all.damaged += 1;
                continue;
            }
            all.series[(series - group.first()) as usize].append(&mut samples);
            all.swap.chunks.push(*row);
        }
        for samples in &mut all.series {
            samples.sort_by_key(|s| s.t);
            samples.dedup_by_key(|s| s.t);
        }
        all
    }

    fn take_block(&mut self, bytes: &[u8]) -> bool {
        let Ok(mut block) = Block::open(bytes) else { return false };
        let mut parts = Vec::new();
        for slot in block.slots() {
            let mut samples = Vec::new();
            if block.read(slot, i64::MIN, i64::MAX, &mut samples).is_err()
                || usize::from(slot) >= self.series.len()
            {
                return false;
            }
            parts.push((slot, samples));
        }
        parts.into_iter().for_each(|(slot, mut samples)| self.series[usize::from(slot)].append(&mut samples));
        true
    }

    pub(crate) fn samples(&self) -> usize {
        self.series.iter().map(Vec::len).sum()
    }

    /// Samples of the series that has the most.
    pub(super) fn longest(&self) -> usize {
        self.series.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// How many rows would go.
    pub(super) fn rows(&self) -> usize {
        self.swap.chunks.len() + self.swap.blocks.len()
    }

    pub(super) fn into_swap(mut self) -> Swap {
        let parts: Vec<(u8, &[Sample])> =
            self.series.iter().enumerate().map(|(slot, samples)| (slot as u8, samples.as_slice())).collect();
        cut(self.group, parts, &mut self.swap.add);
        self.swap
    }
}

/// One block, or two halves in time, so that no series has too many samples in one.
fn cut(group: Group, mut parts: Vec<(u8, &[Sample])>, blocks: &mut Vec<BlockRecord>) {
    parts.retain(|(_, samples)| !samples.is_empty());
    let Some((_, longest)) = parts.iter().max_by_key(|(_, samples)| samples.len()) else { return };
    if longest.len() > BLOCK_SAMPLES_MAX {
        let middle = longest[longest.len() / 2].t;
        let halves = parts.iter().map(|(slot, samples)| {
            let (before, behind) = samples.split_at(samples.partition_point(|s| s.t < middle));
            ((*slot, before), (*slot, behind))
        });
        let (before, behind) = halves.unzip();
        cut(group, before, blocks);
        cut(group, behind, blocks);
        return;
    }
    let min_t = parts.iter().map(|(_, s)| s[0].t.0).min().unwrap_or(i64::MAX);
    let max_t = parts.iter().map(|(_, s)| s[s.len() - 1].t.0).max().unwrap_or(i64::MIN);
    blocks.push(BlockRecord { group, min_t, max_t, bytes: encode_block(&parts) });
}
