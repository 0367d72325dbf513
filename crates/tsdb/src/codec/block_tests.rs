//! Blocks read back bit for bit; one changed bit is an error; bytes of released formats stay readable.

use watchtower_model::{Sample, Timestamp, is_stale, stale_nan};

use super::tests::{Numbers, same_bits};
use super::*;
use crate::limits::BLOCK_SAMPLES_MAX;

fn series(times: impl IntoIterator<Item = i64>, value: impl Fn(usize) -> f64) -> Vec<Sample> {
    times.into_iter().enumerate().map(|(i, t)| Sample { t: Timestamp(t), v: value(i) }).collect()
}

fn read(bytes: &[u8], slot: u8) -> Vec<Sample> {
    let mut out = Vec::new();
    Block::open(bytes).unwrap().read(slot, i64::MIN, i64::MAX, &mut out).unwrap();
    out
}

fn even(count: i64) -> impl Iterator<Item = i64> {
    (0..count).map(|i| 1_795_000_000_000 + i * 10_000)
}

/// Each form of values, and times that are even, uneven, at the ends of what there is, or alone.
fn all_kinds() -> Vec<Vec<Sample>> {
    let uneven = || (0..700).map(|i| -5_000 + i * 10_000 + (i * i) % 7);
    let odd = [
        f64::NAN,
        stale_nan(),
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::from_bits(u64::MAX),
        f64::MIN_POSITIVE,
    ];
    vec![
        series(even(700), |_| 1.0),
        series(even(700), |_| stale_nan()),
        series(even(700), |i| (i * 1024) as f64),
        series(uneven(), |i| i as f64 / 100.0),
        series(uneven(), |i| (i as f64).sqrt()),
        // Few strays among decimals, and too many of them.
        series(even(700), |i| if i % 100 == 7 { odd[i / 100 % odd.len()] } else { i as f64 * 0.25 }),
        series(even(700), |i| if i % 3 == 0 { odd[i % odd.len()] } else { i as f64 }),
        series(even(7), |i| odd[i]),
        series(even(3), |i| [9_007_199_254_740_991.0, -9_007_199_254_740_991.0, 9_007_199_254_740_993.0][i]),
        series([i64::MIN, -1, 0, i64::MAX], |i| i as f64),
        series([7], |_| f64::from_bits(1)),
        series(even(BLOCK_SAMPLES_MAX as i64), |i| (i % 97) as f64 * 0.1),
    ]
}

#[test]
fn every_value_and_time_comes_back() {
    let all = all_kinds();
    let parts: Vec<(u8, &[Sample])> = all.iter().enumerate().map(|(i, s)| (i as u8, s.as_slice())).collect();
    let bytes = encode_block(&parts);
    assert_eq!(Block::open(&bytes).unwrap().slots(), (0..all.len() as u8).collect::<Vec<_>>());
    for (slot, samples) in all.iter().enumerate() {
        assert!(same_bits(&read(&bytes, slot as u8), samples), "series {slot}");
        assert!(
            same_bits(&read(&encode_block(&parts[slot..=slot]), slot as u8), samples),
            "series {slot} alone"
        );
    }
    assert!(read(&bytes, 15).is_empty());
    assert!(read(&bytes, 1).iter().all(|s| is_stale(s.v)));
    let mut part = Vec::new();
    let (from, to) = (all[3][100].t.0, all[3][200].t.0 + 1);
    Block::open(&bytes).unwrap().read(3, from, to, &mut part).unwrap();
    assert!(same_bits(&part, &all[3][100..=200]));
}

#[test]
fn random_series_come_back() {
    let mut numbers = Numbers(5);
    for round in 0..150 {
        let mut next = |below: u64| numbers.next() % below;
        let count = 1 + next(900) as usize;
        let mut t = next(1 << 40) as i64;
        let samples: Vec<Sample> = (0..count)
            .map(|_| {
                t += 1 + next([1, 20_000, 1 << 30][round % 3]) as i64;
                let v = match round % 5 {
                    0 => f64::from_bits(next(u64::MAX) << 16 | next(1 << 16)),
                    1 => next(100_000) as f64 / 1000.0,
                    2 => next(1 << 48) as f64 * 4096.0,
                    3 => next(100) as f64 - 1e15,
                    _ => next(1 << 40) as f64 * 1e-9,
                };
                Sample { t: Timestamp(t), v }
            })
            .collect();
        assert!(same_bits(&read(&encode_block(&[(9, &samples)]), 9), &samples), "round {round}");
    }
}

#[test]
fn a_changed_bit_is_an_error() {
    let samples = series(even(600), |i| i as f64 / 7.0);
    let bytes = encode_block(&[(0, &samples), (5, &samples)]);
    for cut in 0..bytes.len() {
        assert!(Block::open(&bytes[..cut]).is_err(), "{cut}");
    }
    for at in 0..bytes.len() * 8 {
        let mut broken = bytes.clone();
        broken[at / 8] ^= 1 << (at % 8);
        assert!(Block::open(&broken).is_err(), "{at}");
    }
    assert_eq!(Block::open(&[9, 0, 0]).err(), Some(ChunkError::Version(9)));
}

/// Also behind a checksum that fits, as of a writer that errs.
#[test]
fn hostile_bytes_do_not_panic() {
    let samples = series(even(300).map(|t| t + t % 7), |i| (i * i % 1000) as f64 / 7.0);
    let decimals = series(even(300), |i| (i * i % 1000) as f64 / 10.0);
    let bytes = encode_block(&[(0, &samples), (5, &decimals)]);
    let mut numbers = Numbers(3);
    for _ in 0..3000 {
        let mut broken = bytes[..bytes.len() - 4].to_vec();
        for _ in 0..1 + numbers.next() % 3 {
            let at = 1 + numbers.next() as usize % (broken.len() - 1);
            broken[at] ^= 1 << (numbers.next() % 8);
        }
        let sum = crc32fast::hash(&broken);
        broken.extend_from_slice(&sum.to_le_bytes());
        let Ok(mut block) = Block::open(&broken) else { continue };
        for slot in block.slots() {
            let _ = block.read(slot, i64::MIN, i64::MAX, &mut Vec::new());
        }
    }
}

#[test]
fn series_of_one_sender_share_their_times() {
    let mut numbers = Numbers(1);
    let times: Vec<i64> = even(600).map(|t| t + (numbers.next() % 100) as i64).collect();
    let one = series(times.iter().copied(), |i| i as f64);
    let alone = encode_block(&[(0, &one)]).len();
    let parts: Vec<(u8, &[Sample])> = (0..16).map(|slot| (slot, one.as_slice())).collect();
    let together = encode_block(&parts).len();
    assert!(together < alone * 4, "{together} bytes of sixteen series, {alone} of one");
}

/// Bytes that were written once must be read for ever: never change these, add others.
const CHUNK_1: &str = "011400000001a1ee565e0040c81c8000000000e02712ee16ec1fbdf21ffc16177b8dc161e9bdee2705e2479dee1782c5e9ee\
    f715c161fbdf027cf058468c77b84f059be0";
const BLOCK_2: &str = "02020b001480f8b2e5bd68a09c0121011404011001018086130000000000c001005e56eea10100802d8a16458ba245010400\
    000902012d04012a0601930100000000000000f03f0100f2c001010004011001018000000000000000400300000000000000\
    8080401888c23890445998c679a04802010100010109020000000000f07f0401100101000000000000000040010000000000\
    00008055555855150204011002010062aaa33ced5dfcbf19cd3b7f669ea0e6bf61e589adeff70c0000000000000068a8aab3\
    6997b1357de81ac86af5ce6caf3c0adcab190090c071c3a30f7a8292dbce443c51ac1cfce14facece59054a494993287e7a2\
    9e71a8b9060a0726bfcd4b2ff28113710e6ea145e89c739a118c0e6e9d5326ca7df3f03b42a7b011fadfe004cd67a540ff4b\
    2a4b69073a1bfd5f47";

fn golden() -> [Vec<Sample>; 4] {
    let jitter = |i: i64| 1_795_000_000_000 + i * 10_000 + (i * 7) % 5;
    [
        series(even(20), |_| 1.0),
        series((0..20).map(jitter), |i| 12_345.0 + (i * i) as f64),
        series((0..20).map(jitter), |i| if i == 9 { stale_nan() } else { i as f64 / 10.0 }),
        series((0..20).map(jitter), |i| (i as f64 + 0.5).sqrt()),
    ]
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn golden_bytes_stay_readable() {
    let [_, counter, ..] = golden();
    assert!(same_bits(&decode_chunk(&unhex(CHUNK_1)).unwrap(), &counter));
    assert_eq!(encode_chunk(&counter), unhex(CHUNK_1));
    let bytes = unhex(BLOCK_2);
    for (i, samples) in golden().iter().enumerate() {
        assert!(same_bits(&read(&bytes, i as u8 * 2), samples), "series {i}");
    }
}
