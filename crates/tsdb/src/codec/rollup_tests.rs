//! Rollups read back as they were written; one changed bit is an error; bytes of released formats stay readable.

use watchtower_model::{Sample, Timestamp, stale_nan};

use super::tests::Numbers;
use super::*;
use crate::rollup::{Bucket, buckets};

const MINUTE: i64 = 60_000;

fn series(value: impl Fn(i64) -> f64) -> Vec<Bucket> {
    let at = |i: i64| Sample { t: Timestamp(1_795_000_000_000 + i * 10_000 + i % 3), v: value(i) };
    buckets(&(0..2000).map(at).collect::<Vec<_>>(), MINUTE)
}

fn all_kinds() -> Vec<Vec<Bucket>> {
    vec![
        series(|_| 1.0),
        series(|i| (i * 1024) as f64),
        series(|i| (i % 300) as f64 / 100.0),
        series(|i| (i as f64).sqrt()),
        series(|i| if i % 50 == 7 { f64::NAN } else { i as f64 }),
        series(|i| if i % 50 == 49 { stale_nan() } else { (i * i % 1000) as f64 * 4096.0 }),
        series(|_| stale_nan()),
        series(|i| [f64::INFINITY, -0.0, f64::NEG_INFINITY, 5.0][i as usize % 4]),
        series(|i| i as f64)[..1].to_vec(),
    ]
}

fn read(bytes: &[u8], slot: u8) -> Vec<Bucket> {
    Rollup::open(bytes).unwrap().read(slot, &Field::ALL).unwrap().buckets()
}

/// NaN is what it was, and sums of decimals are the nearest decimal.
fn check(found: &[Bucket], written: &[Bucket], what: &str) {
    assert_eq!(found.len(), written.len(), "{what}");
    for (a, b) in found.iter().zip(written) {
        let bits = |b: &Bucket| [b.first.v, b.last.v, b.min, b.max].map(f64::to_bits);
        assert_eq!(
            (a.first.t, a.last.t, a.count, a.stale),
            (b.first.t, b.last.t, b.count, b.stale),
            "{what}"
        );
        assert_eq!(bits(a), bits(b), "{what}");
        for (a, b) in [(a.sum, b.sum), (a.resets, b.resets)] {
            let near = (a - b).abs() <= b.abs() * 4.0 * f64::EPSILON;
            assert!(near || a.to_bits() == b.to_bits(), "{what}: {a} {b}");
        }
    }
}

#[test]
fn every_bucket_comes_back() {
    let all = all_kinds();
    let parts: Vec<(u8, &[Bucket])> = (0..).zip(all.iter().map(Vec::as_slice)).collect();
    let bytes = encode_rollup(&parts);
    assert_eq!(Rollup::open(&bytes).unwrap().slots(), (0..all.len() as u8).collect::<Vec<_>>());
    for (slot, buckets) in &parts {
        check(&read(&bytes, *slot), buckets, &format!("series {slot}"));
    }
    let mut open = Rollup::open(&bytes).unwrap();
    let some = open.read(2, &[Field::Counts, Field::Sum]).unwrap();
    assert_eq!((some.count(3), some.get(Field::Sum, 3)), (all[2][3].count, all[2][3].sum));
    assert!(
        some.first_t.is_empty() && some.get(Field::Max, 3) == 0.0,
        "what was not asked for is not unpacked"
    );
}

#[test]
fn what_does_not_change_costs_nearly_nothing() {
    let bytes = encode_rollup(&[(0, &series(|_| 7.0))]).len();
    let times = encode_rollup(&[(0, &series(|_| 7.0)), (1, &series(|_| 8.0))]).len() - bytes;
    assert!(times < 100, "{times} bytes of a constant series more");
}

#[test]
fn a_changed_bit_is_an_error_and_hostile_bytes_do_not_panic() {
    let all = all_kinds();
    let bytes = encode_rollup(&[(0, &all[2][..40]), (5, &all[5][..40])]);
    for at in 0..bytes.len() * 8 {
        let mut broken = bytes.clone();
        broken[at / 8] ^= 1 << (at % 8);
        assert!(Rollup::open(&broken).is_err(), "{at}");
    }
    assert_eq!(Rollup::open(&[9, 0, 0]).err(), Some(ChunkError::Version(9)));
    let mut numbers = Numbers(3);
    for _ in 0..3000 {
        let mut broken = bytes[..bytes.len() - 4].to_vec();
        for _ in 0..1 + numbers.next() % 3 {
            let at = 1 + numbers.next() as usize % (broken.len() - 1);
            broken[at] ^= 1 << (numbers.next() % 8);
        }
        let sum = crc32fast::hash(&broken);
        broken.extend_from_slice(&sum.to_le_bytes());
        let Ok(mut rollup) = Rollup::open(&broken) else { continue };
        for slot in rollup.slots() {
            let _ = rollup.read(slot, &Field::ALL).map(|columns| columns.buckets());
        }
    }
}

/// Bytes that were written once must be read for ever: never change these, add others.
const ROLLUP_1: &str = "01030b000ca294b4e5bd68c0a90726010c04011041020010710200000000000438983a00000000002000005e56eea101\
    008060460426010c04011041020080a90300000000000438983a00000000002000005e56eea101008060460403000001\
    16090202020109030001162222222225160f0002166161020263090100080800040100100000000000000000000c00fe\
    0f00000000000000f03f030103010301040000000000000000000100080800040100100000000000000000000c00fe0f\
    0101020200040110010180fcffffffffffff3f020000000000000080aa0aaaa00a0a0101000200040110010180fcffff\
    ffffffff3f020000000000000080a80aaa0aaa000101000200040110010180fcffffffffffff3f020000000000000080\
    a80aaa912a080101020200040110010180fcffffffffffff3f020000000000000080aa0aaa289a010101020200040110\
    010100ebffffffffffff3f03000000000000008037cf033c4fa13c4a010101001300040100100000000000000000000c\
    0080040100080600040100100000000000000000000c00fe0f020401001000700949a070c49cffb50100000000000040\
    18618bef0794840949a070c49c593f93ed3945784cfba63b649a609243415ea8b6c884245038624ea6a1d663c1249bcc\
    60f571ec8ba8b6b430af048d6ae12b9c9e5dbcf66b7f26d157b302040100100068def933f30435ffb501000000000000\
    00df40baea92d3c5a87ce7db7b20164d38147679a3673cb45279ebab396c511552961b4f361b5b6308036a975e7c0cca\
    61c4b28da35ab4529435adfd841d358266ee437b27a0b22546fde403020301020401001000a0f8453aea46f7ffbd0100\
    0000000000008bb761c8b02b5466a57b7be3808c2b6001f3abbfd61060879f1595b322b03086eae181943f166880fb54\
    789891e56282f7fa83d18a5142fdfdf625f6afe1c903066ae017f1ca882c8f4faa08000000000000000000bfa8f1c8";

fn golden() -> [Vec<Bucket>; 3] {
    [
        series(|_| 1.0)[..12].to_vec(),
        series(|i| (i % 20) as f64 / 10.0)[..12].to_vec(),
        series(|i| if i % 6 == 2 { stale_nan() } else { (i as f64 + 0.5).sqrt() })[..12].to_vec(),
    ]
}

#[test]
fn golden_bytes_stay_readable() {
    let golden = golden();
    let parts = [(0, golden[0].as_slice()), (3, golden[1].as_slice()), (15, golden[2].as_slice())];
    let hex: String = encode_rollup(&parts).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, ROLLUP_1);
    for (slot, buckets) in parts {
        check(&read(&unhex(ROLLUP_1), slot), buckets, &format!("series {slot}"));
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
