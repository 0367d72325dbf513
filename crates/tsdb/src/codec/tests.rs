//! Chunks read back bit for bit, and hostile bytes do not panic.

use watchtower_model::{Sample, Timestamp, is_stale, stale_nan};

use super::*;

/// A small linear congruential generator: the same numbers in every run.
pub(crate) struct Numbers(pub u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }
}

pub(super) fn same_bits(a: &[Sample], b: &[Sample]) -> bool {
    let bits = |s: &[Sample]| s.iter().map(|s| (s.t.0, s.v.to_bits())).collect::<Vec<_>>();
    bits(a) == bits(b)
}

#[test]
fn every_value_and_gap_comes_back() {
    let values = [
        0.0,
        -0.0,
        1.0,
        1.5,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NAN,
        stale_nan(),
        1e-300,
        -1.0,
        f64::from_bits(1),
        f64::from_bits(u64::MAX),
        3.0,
    ];
    let gaps = [1, 10_000, 10_001, 10_063, 12_000, 9_000, 600_000, 1, 5_000_000_000, 7, 7, 7, 8];
    let mut t = -5_000;
    let mut samples = vec![Sample { t: Timestamp(t), v: values[0] }];
    for (i, gap) in gaps.iter().cycle().take(200).enumerate() {
        t += gap;
        samples.push(Sample { t: Timestamp(t), v: values[(i + 1) % values.len()] });
    }
    let decoded = decode_chunk(&encode_chunk(&samples)).unwrap();
    assert!(same_bits(&decoded, &samples));
    assert!(decoded.iter().any(|s| is_stale(s.v)));
}

#[test]
fn random_samples_come_back_and_the_range_is_kept() {
    let mut numbers = Numbers(7);
    for round in 0..200 {
        let mut t = (numbers.next() % 1_000_000) as i64;
        let samples: Vec<Sample> = (0..1 + numbers.next() % 130)
            .map(|_| {
                t += 1 + (numbers.next() % [10, 20_000, 1 << 40][round % 3]) as i64;
                let v = match numbers.next() % 4 {
                    0 => f64::from_bits(numbers.next() << 16 | numbers.next() & 0xffff),
                    1 => (numbers.next() % 1000) as f64 / 100.0,
                    _ => (numbers.next() % 3) as f64,
                };
                Sample { t: Timestamp(t), v }
            })
            .collect();
        let bytes = encode_chunk(&samples);
        assert!(same_bits(&decode_chunk(&bytes).unwrap(), &samples));
        let (from, to) = (samples[samples.len() / 3].t.0, samples[samples.len() / 2].t.0);
        let mut part = Vec::new();
        decode_into(&bytes, from, to, &mut part).unwrap();
        assert!(same_bits(&part, &samples[samples.len() / 3..=samples.len() / 2]));
    }
}

#[test]
fn damage_is_an_error() {
    let samples: Vec<Sample> = (0..50).map(|i| Sample { t: Timestamp(i * 997), v: i as f64 / 7.0 }).collect();
    let bytes = encode_chunk(&samples);
    for cut in 0..bytes.len() {
        assert!(matches!(decode_chunk(&bytes[..cut]), Err(ChunkError::Short { .. })), "{cut}");
    }
    assert_eq!(decode_chunk(&[9, 0, 0]), Err(ChunkError::Version(9)));
    let mut numbers = Numbers(3);
    for _ in 0..2000 {
        let mut broken = bytes.clone();
        let at = numbers.next() as usize % broken.len();
        broken[at] ^= 1 << (numbers.next() % 8);
        let _ = decode_chunk(&broken);
    }
}

#[test]
fn regular_series_are_small() {
    let constant: Vec<Sample> = (0..120).map(|i| Sample { t: Timestamp(i * 10_000), v: 1.0 }).collect();
    assert!(encode_chunk(&constant).len() < 60, "{}", encode_chunk(&constant).len());
    let counter: Vec<Sample> =
        (0..120).map(|i| Sample { t: Timestamp(i * 10_000), v: (i * 1024) as f64 }).collect();
    assert!(encode_chunk(&counter).len() < 480, "{}", encode_chunk(&counter).len());
}
