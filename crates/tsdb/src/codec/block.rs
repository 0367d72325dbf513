//! The bytes of a block: samples of up to sixteen neighbouring series, whose times are written once where they are the same.
//!
//! Invariant: a block with one changed bit is an error, for it has a checksum; no count in it is believed before that.

use std::collections::HashMap;
use std::ops::Range;

use watchtower_model::{Sample, Timestamp};

use super::{ChunkError, column, sealed};
use crate::limits::BLOCK_SAMPLES_MAX;
use crate::record::{Input, put_varint};

pub(super) const VERSION: u8 = 2;

/// One block of the series in `parts`: their places in the group, ascending, and samples, 1 to [`BLOCK_SAMPLES_MAX`] each, times rising.
pub(crate) fn encode_block(parts: &[(u8, &[Sample])]) -> Vec<u8> {
    let mut columns: Vec<Vec<u8>> = Vec::new();
    let mut numbers: HashMap<Vec<i64>, usize> = HashMap::new();
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for (slot, samples) in parts {
        debug_assert!((1..=BLOCK_SAMPLES_MAX).contains(&samples.len()), "{} samples", samples.len());
        let times: Vec<i64> = samples.iter().map(|s| s.t.0).collect();
        let number = *numbers.entry(times).or_insert_with_key(|times| {
            columns.push(Vec::new());
            column::put_times(columns.last_mut().expect("it was just pushed"), times);
            columns.len() - 1
        });
        let values: Vec<f64> = samples.iter().map(|s| s.v).collect();
        let before = bodies.len();
        column::put_values(&mut bodies, &values);
        heads.push(*slot);
        put_varint(&mut heads, number as u64);
        put_varint(&mut heads, (bodies.len() - before) as u64);
    }
    let mut out = vec![VERSION];
    put_varint(&mut out, columns.len() as u64);
    for column in &columns {
        put_varint(&mut out, column.len() as u64);
        out.extend_from_slice(column);
    }
    put_varint(&mut out, parts.len() as u64);
    out.extend_from_slice(&heads);
    out.extend_from_slice(&bodies);
    sealed::seal(out)
}

/// A block that is being read: its times are unpacked once for all series that share them.
pub(crate) struct Block<'a> {
    bytes: &'a [u8],
    columns: Vec<Column>,
    series: Vec<Part>,
}

struct Column {
    bytes: Range<usize>,
    times: Option<Vec<i64>>,
}

struct Part {
    slot: u8,
    column: usize,
    values: Range<usize>,
}

impl<'a> Block<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Block<'a>, ChunkError> {
        Block::parse(sealed::open(bytes, VERSION)?).ok_or(ChunkError::Damaged)
    }

    fn parse(bytes: &'a [u8]) -> Option<Block<'a>> {
        let mut input = Input(bytes.get(1..)?);
        let at = |input: &Input<'_>| bytes.len() - input.0.len();
        let mut columns = Vec::new();
        for _ in 0..input.varint()? {
            let length = usize::try_from(input.varint()?).ok()?;
            let from = at(&input);
            input.take(length)?;
            columns.push(Column { bytes: from..from + length, times: None });
        }
        let mut heads = Vec::new();
        for _ in 0..input.varint()? {
            let slot = input.take(1)?[0];
            let column = usize::try_from(input.varint()?).ok().filter(|column| *column < columns.len())?;
            heads.push((slot, column, usize::try_from(input.varint()?).ok()?));
        }
        let mut series = Vec::with_capacity(heads.len());
        for (slot, column, length) in heads {
            let from = at(&input);
            input.take(length)?;
            series.push(Part { slot, column, values: from..from + length });
        }
        input.0.is_empty().then_some(Block { bytes, columns, series })
    }

    /// Places in the group of the series that have samples here.
    pub(crate) fn slots(&self) -> Vec<u8> {
        self.series.iter().map(|part| part.slot).collect()
    }

    /// Appends the samples of one series that lie in `from..=to` to `out`; none when the block has nothing of it.
    pub(crate) fn read(
        &mut self,
        slot: u8,
        from: i64,
        to: i64,
        out: &mut Vec<Sample>,
    ) -> Result<(), ChunkError> {
        let Some(part) = self.series.iter().find(|part| part.slot == slot) else { return Ok(()) };
        let column = &mut self.columns[part.column];
        if column.times.is_none() {
            let times = column::times(&self.bytes[column.bytes.clone()]).ok_or(ChunkError::Damaged)?;
            column.times = Some(times);
        }
        let times = column.times.as_deref().unwrap_or_default();
        let wanted = times.partition_point(|t| *t < from)..times.partition_point(|t| *t <= to);
        if wanted.is_empty() {
            return Ok(());
        }
        let values = column::values(&self.bytes[part.values.clone()], times.len());
        let values = values.ok_or(ChunkError::Damaged)?;
        let pairs = times[wanted.clone()].iter().zip(&values[wanted]);
        out.extend(pairs.map(|(t, v)| Sample { t: Timestamp(*t), v: *v }));
        Ok(())
    }
}
