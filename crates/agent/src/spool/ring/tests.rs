//! The ring against a model, across reopening, and killed at every byte of a write.

use super::*;
use crate::clock::Moment;
use watchtower_model::Timestamp;
use watchtower_protocol::Progress;

const BYTES: u64 = 4096;

fn meta(seq: u64) -> Meta {
    Meta {
        progress: Progress { epoch: 1, seq },
        collected: Moment { wall: Timestamp(seq as i64), mono_ms: seq },
        boot: 9,
    }
}

fn payload(seq: u64) -> Vec<u8> {
    vec![seq as u8; (seq * 37 % 300) as usize]
}

fn seqs(ring: &Ring) -> Vec<u64> {
    let mut found = Vec::new();
    let mut at = ring.tail();
    let mut bytes = Vec::new();
    while let Some((place, header)) = ring.next(at, &mut bytes).unwrap() {
        assert_eq!(bytes, payload(header.meta.progress.seq));
        found.push(header.meta.progress.seq);
        at = behind(place, &header);
    }
    found
}

#[test]
fn oldest_give_way_and_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let mut ring = Ring::open(&path, BYTES).unwrap();
    for seq in 1..=500 {
        ring.append(&meta(seq), &payload(seq)).unwrap();
        let kept = seqs(&ring);
        assert_eq!(*kept.last().unwrap(), seq);
        assert!(kept.windows(2).all(|w| w[1] == w[0] + 1), "{kept:?}");
        assert_eq!(ring.dropped() + kept.len() as u64, seq);
        assert_eq!(ring.unacked(), kept.len() as u64);
        if seq % 7 == 0 {
            let reopened = Ring::open(&path, BYTES).unwrap();
            assert_eq!(seqs(&reopened), kept);
            assert_eq!((reopened.head(), reopened.unacked()), (ring.head(), ring.unacked()));
        }
    }
    assert!(ring.append(&meta(501), &vec![0; BYTES as usize]).is_err());
}

#[test]
fn acked_records_are_not_counted_as_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let mut ring = Ring::open(&path, BYTES).unwrap();
    for seq in 1..=200 {
        let place = ring.append(&meta(seq), &payload(seq)).unwrap();
        ring.mark_acked(place).unwrap();
        ring.mark_acked(place).unwrap();
    }
    assert_eq!((ring.dropped(), ring.unacked()), (0, 0));
    assert_eq!(Ring::open(&path, BYTES).unwrap().unacked(), 0);
}

#[test]
fn a_kill_at_any_byte_loses_only_the_record_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let torn_path = dir.path().join("torn");
    let mut ring = Ring::open(&path, BYTES).unwrap();
    for seq in 1..=60 {
        let kept_before = seqs(&ring);
        let before = std::fs::read(&path).unwrap();
        ring.append(&meta(seq), &payload(seq)).unwrap();
        let after = std::fs::read(&path).unwrap();
        let kept_after = seqs(&ring);
        let changed: Vec<usize> = (0..after.len()).filter(|at| before[*at] != after[*at]).collect();
        for cut in changed.iter().step_by(13) {
            let mut torn = after[..*cut].to_vec();
            torn.extend_from_slice(&before[*cut..]);
            std::fs::write(&torn_path, &torn).unwrap();
            let mut reopened = Ring::open(&torn_path, BYTES).unwrap();
            let found = seqs(&reopened);
            for seq_kept in kept_after.iter().filter(|s| **s != seq) {
                assert!(
                    found.contains(seq_kept),
                    "record {seq_kept} is gone after a tear at {cut} writing {seq}"
                );
            }
            assert!(found.iter().all(|s| kept_before.contains(s) || *s == seq));
            // And it goes on.
            reopened.append(&meta(1000), &payload(1000)).unwrap();
            assert_eq!(seqs(&reopened).last(), Some(&1000));
        }
    }
}
