//! What one log record holds: entries, one after the other, written by every append since the last commit.
//!
//! Invariant: replaying the entries in order into an empty head gives the head that wrote them; entries hold
//! only what was accepted, so replay checks nothing again.
//!
//! Layout: a kind byte, then
//! ```text
//! 1 series    number, key length, key
//! 2 samples   count, then per sample: zigzag of series - previous, zigzag of time - previous, 8 bytes of value
//! 3 progress  16 bytes of agent, epoch, seq
//! 4 removed   count, then series numbers
//! ```
//! Numbers are LEB128 varints.

use watchtower_model::{AgentId, Id};

use crate::ingest::Progress;

const SERIES: u8 = 1;
const SAMPLES: u8 = 2;
const PROGRESS: u8 = 3;
const REMOVED: u8 = 4;

/// One accepted sample: series, time, value.
pub(crate) type LogSample = (u32, i64, f64);

pub(crate) fn put_series(out: &mut Vec<u8>, series: u64, key: &[u8]) {
    out.push(SERIES);
    put_varint(out, series);
    put_varint(out, key.len() as u64);
    out.extend_from_slice(key);
}

pub(crate) fn put_samples(out: &mut Vec<u8>, samples: &[LogSample]) {
    out.push(SAMPLES);
    put_varint(out, samples.len() as u64);
    let (mut series, mut time) = (0i64, 0i64);
    for (s, t, v) in samples {
        put_varint(out, zigzag(i64::from(*s) - series));
        put_varint(out, zigzag(t.wrapping_sub(time)));
        out.extend_from_slice(&v.to_bits().to_le_bytes());
        (series, time) = (i64::from(*s), *t);
    }
}

pub(crate) fn put_progress(out: &mut Vec<u8>, progress: &Progress) {
    out.push(PROGRESS);
    out.extend_from_slice(progress.agent.0.as_bytes());
    put_varint(out, progress.epoch);
    put_varint(out, progress.seq);
}

pub(crate) fn put_removed(out: &mut Vec<u8>, series: &[u32]) {
    out.push(REMOVED);
    put_varint(out, series.len() as u64);
    for number in series {
        put_varint(out, u64::from(*number));
    }
}

/// Takes what a record says.
pub(crate) trait Replay {
    fn series(&mut self, series: u64, key: &[u8]);
    fn sample(&mut self, series: u32, t: i64, v: f64);
    fn progress(&mut self, progress: Progress);
    fn removed(&mut self, series: u32);
}

/// Plays a record into `to`; `None` when it ends early or holds an unknown kind. What came before is played.
pub(crate) fn replay(record: &[u8], to: &mut impl Replay) -> Option<()> {
    let mut input = Input(record);
    while !input.0.is_empty() {
        match input.take(1)?[0] {
            SERIES => {
                let series = input.varint()?;
                let len = usize::try_from(input.varint()?).ok()?;
                to.series(series, input.take(len)?);
            }
            SAMPLES => samples(&mut input, to)?,
            PROGRESS => {
                let agent = AgentId(input.id()?);
                to.progress(Progress { agent, epoch: input.varint()?, seq: input.varint()? });
            }
            REMOVED => {
                for _ in 0..input.varint()? {
                    to.removed(u32::try_from(input.varint()?).ok()?);
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn samples(input: &mut Input<'_>, to: &mut impl Replay) -> Option<()> {
    let (mut series, mut time) = (0i64, 0i64);
    for _ in 0..input.varint()? {
        series = series.wrapping_add(unzigzag(input.varint()?));
        time = time.wrapping_add(unzigzag(input.varint()?));
        let bits = u64::from_le_bytes(input.take(8)?.try_into().ok()?);
        to.sample(u32::try_from(series).ok()?, time, f64::from_bits(bits));
    }
    Some(())
}

pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn id(&mut self) -> Option<Id> {
        Some(Id::from_bytes(self.take(16)?.try_into().ok()?))
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn zigzag(v: i64) -> u64 {
    ((v << 1) ^ (v >> 63)) as u64
}

pub(crate) fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}
