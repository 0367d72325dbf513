//! The bytes of a rollup: buckets of up to sixteen neighbouring series, each number of them a column of its own, so that a query unpacks
//! only those that it reads.
//!
//! Invariant: what is read is what was written; but a sum of decimals is kept as the decimal it is nearest to, within 4 of the last place.
//! A rollup with one changed bit is an error, for it has a checksum; no count in it is believed before that.

use std::collections::HashMap;
use std::ops::Range;

use watchtower_model::{Sample, Timestamp};

use super::{ChunkError, column, sealed};
use crate::limits::ROLLUP_BUCKETS_MAX;
use crate::record::{Input, put_varint};
use crate::rollup::Bucket;

const VERSION: u8 = 1;
/// Forms of a column beside those of blocks: the values of a column before it; last times count.
const AS: u8 = 3;
const PRODUCT: u8 = 4;

/// A number of a bucket, in the order in which they lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Twice the count, and one more where the series ended.
    Counts,
    Last,
    First,
    Min,
    Max,
    Sum,
    Resets,
}

impl Field {
    pub(crate) const ALL: [Field; 7] =
        [Field::Counts, Field::Last, Field::First, Field::Min, Field::Max, Field::Sum, Field::Resets];

    fn of(self, bucket: &Bucket) -> f64 {
        match self {
            Field::Counts => f64::from(bucket.count) * 2.0 + f64::from(u8::from(bucket.stale)),
            Field::Last => bucket.last.v,
            Field::First => bucket.first.v,
            Field::Min => bucket.min,
            Field::Max => bucket.max,
            Field::Sum => bucket.sum,
            Field::Resets => bucket.resets,
        }
    }
}

/// One rollup of the series in `parts`: their places in the group, ascending, and buckets, 1 to [`ROLLUP_BUCKETS_MAX`] each.
pub(crate) fn encode_rollup(parts: &[(u8, &[Bucket])]) -> Vec<u8> {
    let mut times = Times::default();
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for (slot, buckets) in parts {
        debug_assert!((1..=ROLLUP_BUCKETS_MAX).contains(&buckets.len()), "{} buckets", buckets.len());
        heads.push(*slot);
        put_varint(&mut heads, times.number(buckets.iter().map(|b| b.last.t.0).collect()));
        put_varint(&mut heads, times.number(buckets.iter().map(|b| b.first.t.0).collect()));
        put_fields(buckets, &mut heads, &mut bodies);
    }
    let mut out = vec![VERSION];
    put_varint(&mut out, times.columns.len() as u64);
    for column in &times.columns {
        put_varint(&mut out, column.len() as u64);
        out.extend_from_slice(column);
    }
    put_varint(&mut out, parts.len() as u64);
    out.extend_from_slice(&heads);
    out.extend_from_slice(&bodies);
    sealed::seal(out)
}

/// Columns of times, each written once.
#[derive(Default)]
struct Times {
    columns: Vec<Vec<u8>>,
    numbers: HashMap<Vec<i64>, u64>,
}

impl Times {
    fn number(&mut self, times: Vec<i64>) -> u64 {
        *self.numbers.entry(times).or_insert_with_key(|times| {
            let mut column = Vec::new();
            column::put_times(&mut column, times);
            self.columns.push(column);
            self.columns.len() as u64 - 1
        })
    }
}

/// The lengths of a series' columns into its head, and the columns.
fn put_fields(buckets: &[Bucket], heads: &mut Vec<u8>, bodies: &mut Vec<u8>) {
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(Field::ALL.len());
    for field in Field::ALL {
        let mut values: Vec<f64> = buckets.iter().map(|bucket| field.of(bucket)).collect();
        if matches!(field, Field::Sum | Field::Resets) {
            round(&mut values, &columns[Field::Last as usize]);
        }
        let before = bodies.len();
        if let Some(same) = columns.iter().position(|known| same_bits(known, &values)) {
            bodies.extend_from_slice(&[AS, same as u8]);
        } else if field == Field::Sum && same_bits(&products(&columns), &values) {
            bodies.push(PRODUCT);
        } else {
            column::put_values(bodies, &values);
        }
        put_varint(heads, (bodies.len() - before) as u64);
        columns.push(values);
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// What the sums of a series are that does not change within a bucket.
fn products(columns: &[Vec<f64>]) -> Vec<f64> {
    let [counts, last, ..] = columns else { return Vec::new() };
    counts.iter().zip(last).map(|(counts, last)| last * count(*counts)).collect()
}

fn count(counts: f64) -> f64 {
    (counts / 2.0).floor()
}

/// Adding decimals leaves an error in the last place, which costs five bytes where it is kept: it is rounded away.
fn round(sums: &mut [f64], like: &[f64]) {
    let Some(by) = column::scale(like) else { return };
    for sum in sums {
        let rounded = (*sum * by).round() / by;
        if (rounded - *sum).abs() <= sum.abs() * 4.0 * f64::EPSILON {
            *sum = rounded;
        }
    }
}

/// A rollup that is being read: its times are unpacked once for all series that share them.
pub(crate) struct Rollup<'a> {
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
    last: usize,
    first: usize,
    fields: [Range<usize>; Field::ALL.len()],
}

/// Buckets of one series by column. A field that was not asked for is empty.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub last_t: Vec<i64>,
    pub first_t: Vec<i64>,
    fields: [Vec<f64>; Field::ALL.len()],
}

impl Columns {
    pub(crate) fn get(&self, field: Field, at: usize) -> f64 {
        self.fields[field as usize].get(at).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self, at: usize) -> u32 {
        count(self.get(Field::Counts, at)) as u32
    }

    pub(crate) fn stale(&self, at: usize) -> bool {
        self.get(Field::Counts, at) % 2.0 == 1.0
    }

    /// All buckets, of columns that are all there.
    pub(crate) fn buckets(&self) -> Vec<Bucket> {
        let bucket = |at: usize| Bucket {
            first: Sample { t: Timestamp(self.first_t[at]), v: self.get(Field::First, at) },
            last: Sample { t: Timestamp(self.last_t[at]), v: self.get(Field::Last, at) },
            min: self.get(Field::Min, at),
            max: self.get(Field::Max, at),
            sum: self.get(Field::Sum, at),
            resets: self.get(Field::Resets, at),
            count: self.count(at),
            stale: self.stale(at),
        };
        (0..self.last_t.len()).map(bucket).collect()
    }
}

impl<'a> Rollup<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Rollup<'a>, ChunkError> {
        Rollup::parse(sealed::open(bytes, VERSION)?).ok_or(ChunkError::Damaged)
    }

    fn parse(bytes: &'a [u8]) -> Option<Rollup<'a>> {
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
            let mut column = || usize::try_from(input.varint()?).ok().filter(|c| *c < columns.len());
            let (last, first) = (column()?, column()?);
            let mut lengths = [0; Field::ALL.len()];
            for length in &mut lengths {
                *length = usize::try_from(input.varint()?).ok()?;
            }
            heads.push((slot, last, first, lengths));
        }
        let mut series = Vec::with_capacity(heads.len());
        for (slot, last, first, lengths) in heads {
            let mut fields = [const { 0..0 }; Field::ALL.len()];
            for (field, length) in fields.iter_mut().zip(lengths) {
                let from = at(&input);
                input.take(length)?;
                *field = from..from + length;
            }
            series.push(Part { slot, last, first, fields });
        }
        input.0.is_empty().then_some(Rollup { bytes, columns, series })
    }

    /// Places in the group of the series that have buckets here.
    pub(crate) fn slots(&self) -> Vec<u8> {
        self.series.iter().map(|part| part.slot).collect()
    }

    /// The named fields of one series, which must be among [`Rollup::slots`].
    pub(crate) fn read(&mut self, slot: u8, fields: &[Field]) -> Result<Columns, ChunkError> {
        self.columns_of(slot, fields).ok_or(ChunkError::Damaged)
    }

    fn columns_of(&mut self, slot: u8, fields: &[Field]) -> Option<Columns> {
        let at = self.series.iter().position(|part| part.slot == slot)?;
        let (last, first) = (self.series[at].last, self.series[at].first);
        let last_t = self.times(last)?.to_vec();
        let first_t = if fields.contains(&Field::First) { self.times(first)?.to_vec() } else { Vec::new() };
        if !first_t.is_empty() && first_t.len() != last_t.len() {
            return None;
        }
        let mut columns = Columns { last_t, first_t, ..Columns::default() };
        for field in fields {
            self.unpack(&self.series[at], *field, &mut columns)?;
        }
        Some(columns)
    }

    fn times(&mut self, number: usize) -> Option<&[i64]> {
        let column = &mut self.columns[number];
        if column.times.is_none() {
            column.times = Some(column::times(&self.bytes[column.bytes.clone()])?);
        }
        column.times.as_deref()
    }

    /// Unpacks a column, and before it those that it refers to.
    fn unpack(&self, part: &Part, field: Field, columns: &mut Columns) -> Option<()> {
        let buckets = columns.last_t.len();
        if columns.fields[field as usize].len() == buckets {
            return Some(());
        }
        let bytes = &self.bytes[part.fields[field as usize].clone()];
        let values = match *bytes.first()? {
            AS => {
                // Only what lies before: no chain of these has no end.
                let same = *Field::ALL.get(usize::from(*bytes.get(1)?)).filter(|same| **same < field)?;
                self.unpack(part, same, columns)?;
                columns.fields[same as usize].clone()
            }
            PRODUCT if field == Field::Sum => {
                self.unpack(part, Field::Counts, columns)?;
                self.unpack(part, Field::Last, columns)?;
                products(&columns.fields)
            }
            _ => column::values(bytes, buckets)?,
        };
        columns.fields[field as usize] = values;
        Some(())
    }
}
