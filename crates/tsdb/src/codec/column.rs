//! One column of a block: the times of samples, or their values.
//!
//! Invariant: what is read is what was written, bit for bit, whatever form was chosen.

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec};

use crate::limits::BLOCK_SAMPLES_MAX;
use crate::record::{Input, put_varint, unzigzag, zigzag};

/// Forms of a column of times.
const EVEN: u8 = 0;
const UNEVEN: u8 = 1;
/// Forms of a column of values.
const SAME: u8 = 0;
const DECIMALS: u8 = 1;
const FLOATS: u8 = 2;

/// An hour of an agent's series each second takes 0.45 bytes a value at level 2, 0.385 at 4, 0.366 at 8 and 0.365 at 10, and up to
/// there about the same time.
const LEVEL: usize = 8;
/// 10^0 to 10^6: what collectors round to.
const SCALES: [f64; 7] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
/// Integers beyond this have gaps as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// One value of so many may be none of the decimals that the others are: a stale marker, an infinity.
const STRAYS_ONE_IN: usize = 16;

pub(super) fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    let step = times.get(1).map_or(0, |second| second.wrapping_sub(times[0]));
    let even = times.windows(2).all(|w| w[1].wrapping_sub(w[0]) == step);
    out.push(if even { EVEN } else { UNEVEN });
    put_varint(out, times.len() as u64);
    if even {
        put_varint(out, zigzag(times.first().copied().unwrap_or(0)));
        put_varint(out, zigzag(step));
    } else {
        compress(out, times, DeltaSpec::TryConsecutive(1), ModeSpec::Classic);
    }
}

pub(super) fn times(bytes: &[u8]) -> Option<Vec<i64>> {
    let mut input = Input(bytes);
    let form = input.take(1)?[0];
    let count = usize::try_from(input.varint()?).ok().filter(|count| *count <= BLOCK_SAMPLES_MAX)?;
    match form {
        EVEN => {
            let (first, step) = (unzigzag(input.varint()?), unzigzag(input.varint()?));
            Some((0..count as i64).map(|i| first.wrapping_add(i.wrapping_mul(step))).collect())
        }
        UNEVEN => decompress(input.0, count),
        _ => None,
    }
}

pub(super) fn put_values(out: &mut Vec<u8>, values: &[f64]) {
    let bits = |v: &f64| v.to_bits();
    if values.windows(2).all(|w| bits(&w[0]) == bits(&w[1])) {
        out.push(SAME);
        out.extend_from_slice(&values.first().map_or(0, bits).to_le_bytes());
    } else if let Some(decimals) = Decimals::of(values) {
        out.push(DECIMALS);
        decimals.put(out, values);
    } else {
        out.push(FLOATS);
        compress(out, values, DeltaSpec::Auto, ModeSpec::Auto);
    }
}

/// The `count` values of a column.
pub(super) fn values(bytes: &[u8], count: usize) -> Option<Vec<f64>> {
    let mut input = Input(bytes);
    match input.take(1)?[0] {
        SAME => Some(vec![f64::from_bits(u64::from_le_bytes(input.take(8)?.try_into().ok()?)); count]),
        DECIMALS => decimals(input, count),
        FLOATS => decompress(input.0, count),
        _ => None,
    }
}

/// The power of ten by which these values are whole numbers, but for a few; `None` where there is none.
pub(super) fn scale(values: &[f64]) -> Option<f64> {
    Decimals::of(values).map(|decimals| SCALES[usize::from(decimals.scale)])
}

/// Values as `(first + i * step) / 10^scale`, with the integers `i` to be packed, and the places of those that are not such.
struct Decimals {
    scale: u8,
    first: i64,
    step: i64,
    integers: Vec<i64>,
    strays: Vec<usize>,
}

impl Decimals {
    fn of(values: &[f64]) -> Option<Decimals> {
        (0..SCALES.len() as u8).find_map(|scale| Decimals::at(values, scale))
    }

    fn at(values: &[f64], scale: u8) -> Option<Decimals> {
        let by = SCALES[usize::from(scale)];
        let mut integers: Vec<i64> = Vec::with_capacity(values.len());
        let mut strays = Vec::new();
        for (at, value) in values.iter().enumerate() {
            let scaled = (value * by).round();
            let integer = scaled as i64;
            // By way of the integer: there is no negative zero among those.
            if scaled.abs() < EXACT && (integer as f64 / by).to_bits() == value.to_bits() {
                integers.push(integer);
                continue;
            }
            strays.push(at);
            if strays.len() > values.len() / STRAYS_ONE_IN {
                return None;
            }
            integers.push(integers.last().copied().unwrap_or(0));
        }
        let first = integers[0];
        let step = integers.iter().fold(0, |step, i| gcd(step, i.abs_diff(first))).max(1) as i64;
        integers.iter_mut().for_each(|i| *i = (*i - first) / step);
        Some(Decimals { scale, first, step, integers, strays })
    }

    fn put(&self, out: &mut Vec<u8>, values: &[f64]) {
        out.push(self.scale);
        put_varint(out, zigzag(self.first));
        put_varint(out, self.step as u64);
        put_varint(out, self.strays.len() as u64);
        for at in &self.strays {
            put_varint(out, *at as u64);
            out.extend_from_slice(&values[*at].to_bits().to_le_bytes());
        }
        let differences: Vec<i64> = self.integers.windows(2).map(|w| w[1] - w[0]).collect();
        let delta = if spread(&differences) < spread(&self.integers) {
            DeltaSpec::TryConsecutive(1)
        } else {
            DeltaSpec::NoOp
        };
        compress(out, &self.integers, delta, ModeSpec::Classic);
    }
}

fn decimals(mut input: Input<'_>, count: usize) -> Option<Vec<f64>> {
    let by = *SCALES.get(usize::from(input.take(1)?[0]))?;
    let (first, step) = (unzigzag(input.varint()?), input.varint()? as i64);
    let mut strays = Vec::new();
    for _ in 0..input.varint()?.min(count as u64) {
        let at = usize::try_from(input.varint()?).ok().filter(|at| *at < count)?;
        strays.push((at, f64::from_bits(u64::from_le_bytes(input.take(8)?.try_into().ok()?))));
    }
    let integers: Vec<i64> = decompress(input.0, count)?;
    let value = |i: i64| first.wrapping_add(i.wrapping_mul(step)) as f64 / by;
    let mut values: Vec<f64> = integers.into_iter().map(value).collect();
    strays.into_iter().for_each(|(at, value)| values[at] = value);
    Some(values)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// About the bits that a number takes around the middle one.
fn spread(numbers: &[i64]) -> u64 {
    let mut sorted = numbers.to_vec();
    let middle = sorted.len() / 2;
    let (_, middle, _) = sorted.select_nth_unstable(middle);
    let middle = *middle;
    let bits = |n: &i64| u64::from(64 - n.abs_diff(middle).leading_zeros());
    numbers.iter().map(bits).sum::<u64>() * 64 / numbers.len() as u64
}

/// `numbers` in the wrapped form of pco: version, metadata, one page.
fn compress<T: Number>(out: &mut Vec<u8>, numbers: &[T], delta: DeltaSpec, mode: ModeSpec) {
    let config =
        ChunkConfig::default().with_compression_level(LEVEL).with_delta_spec(delta).with_mode_spec(mode);
    let mut write = || {
        let file = FileCompressor::default();
        file.write_header(&mut *out)?;
        let mut chunk = file.chunk_compressor(numbers, &config)?;
        chunk.write_meta(&mut *out)?;
        chunk.write_page(0, &mut *out).map(drop)
    };
    write().expect("a block is shorter than a page of pco, and memory takes every byte");
}

fn decompress<T: Number + Default>(bytes: &[u8], count: usize) -> Option<Vec<T>> {
    let mut numbers = vec![T::default(); count];
    let (file, rest) = FileDecompressor::new(bytes).ok()?;
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).ok()?;
    let mut page = chunk.page_decompressor(rest, count).ok()?;
    let read = page.read(&mut numbers).ok()?;
    (read.n_processed == count).then_some(numbers)
}
