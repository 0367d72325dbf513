//! What was executed: the record that makes an execution happen at most once.
//!
//! A preallocated file of slots; a slot has two halves of one disk sector each, written in turn, so that a torn
//! write leaves the half before it: `magic u32, length u32, generation u64, JSON, CRC-32 in the last four bytes`.
//!
//! Invariant: a state is on the disk before anyone is told of it; an entry stays for a week and past the command's
//! own deadline, and its end a month longer for a hub that lacks it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use watchtower_model::{ExecutionId, Timestamp, truncate};
use watchtower_protocol::{ExecutionState, ExecutionUpdate};

/// Executions that are remembered: one every two and a half minutes for a week.
pub const SLOTS: u32 = 4096;
/// How long an ended execution is remembered at least.
pub const KEEP_MS: i64 = 7 * 86_400_000;

/// How much longer an end is kept that no hub has asked for: after that the hub has surely been replaced.
const UNACKED_KEEP_MS: i64 = 30 * 86_400_000;

const HALF_BYTES: usize = 512;
const PAYLOAD_AT: usize = 16;
const CRC_AT: usize = HALF_BYTES - 4;
const PAYLOAD_BYTES_MAX: usize = CRC_AT - PAYLOAD_AT;
const MAGIC: u32 = 0x4a54_5753;
/// Bytes of a reason: escapes may sextuple them and it must still fit.
pub(super) const REASON_BYTES_MAX: usize = 120;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal cannot be written: {0}; check the state directory's disk")]
    Io(#[from] io::Error),
    #[error("the journal is in use: another agent works with this state directory; stop one of the two")]
    InUse,
    #[error("the journal is full: {SLOTS} executions of the last week are remembered")]
    Full,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub update: ExecutionUpdate,
    pub keep_until: Timestamp,
    pub acked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    at: u32,
    generation: u64,
    /// An end that the hub lacks.
    unacked_end: bool,
    /// When the slot may be given to another.
    free_at: Timestamp,
}

impl Slot {
    fn of(at: u32, generation: u64, entry: &Entry) -> Self {
        let unacked_end = is_end(&entry.update.state) && !entry.acked;
        let free_at = match (is_end(&entry.update.state), entry.acked) {
            (false, _) => Timestamp::MAX,
            (true, false) => entry.keep_until.plus_ms(UNACKED_KEEP_MS),
            (true, true) => entry.keep_until,
        };
        Slot { at, generation, unacked_end, free_at }
    }
}

#[derive(Debug)]
pub struct Journal {
    file: File,
    slots: HashMap<ExecutionId, Slot>,
    unused: Vec<u32>,
}

impl Journal {
    /// Opens or creates. What had begun and has no end is told by [`Journal::begun`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(JournalError::InUse),
            locked => locked.map_err(io::Error::from)?,
        }
        let bytes = u64::from(SLOTS) * 2 * HALF_BYTES as u64;
        if file.metadata()?.len() != bytes {
            file.set_len(bytes)?;
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)
                .map_err(io::Error::from)?;
            file.sync_all()?;
        }
        let mut journal = Journal { file, slots: HashMap::new(), unused: Vec::new() };
        for at in 0..SLOTS {
            match journal.read_slot(at)? {
                Some((generation, entry)) => {
                    let slot = Slot::of(at, generation, &entry);
                    journal.slots.insert(entry.update.execution_id, slot);
                }
                None => journal.unused.push(at),
            }
        }
        journal.unused.reverse();
        Ok(journal)
    }

    /// What was accepted and has no end.
    pub fn begun(&self) -> Vec<ExecutionUpdate> {
        let begun = self.slots.values().filter(|slot| slot.free_at == Timestamp::MAX);
        let entries = begun.filter_map(|slot| self.read_slot(slot.at).ok().flatten());
        entries.map(|(_, entry)| entry.update).collect()
    }

    pub fn knows(&self, execution_id: ExecutionId) -> bool {
        self.slots.contains_key(&execution_id)
    }

    /// Writes a state, durable when this returns. `not_after` is the command's own deadline.
    pub fn record(
        &mut self,
        update: ExecutionUpdate,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let known = self.entry(update.execution_id)?.map_or(now, |entry| entry.keep_until);
        let keep_until = known.max(not_after).max(now.plus_ms(KEEP_MS));
        self.write(Entry { update, keep_until, acked: false }, now)
    }

    /// The hub has the end of it.
    pub fn ack(&mut self, execution_id: ExecutionId, now: Timestamp) -> Result<(), JournalError> {
        match self.entry(execution_id)? {
            Some(entry) if is_end(&entry.update.state) && !entry.acked => {
                self.write(Entry { acked: true, ..entry }, now)
            }
            _ => Ok(()),
        }
    }

    pub fn entry(&self, execution_id: ExecutionId) -> Result<Option<Entry>, JournalError> {
        match self.slots.get(&execution_id) {
            Some(slot) => Ok(self.read_slot(slot.at)?.map(|(_, entry)| entry)),
            None => Ok(None),
        }
    }

    /// Ends that the hub has not acknowledged.
    pub fn unacked_ends(&self) -> Vec<ExecutionUpdate> {
        let mut ids: Vec<_> =
            self.slots.iter().filter(|(_, slot)| slot.unacked_end).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.entry(id).ok().flatten()).map(|entry| entry.update).collect()
    }

    fn write(&mut self, mut entry: Entry, now: Timestamp) -> Result<(), JournalError> {
        shorten(&mut entry.update.state);
        let id = entry.update.execution_id;
        let (at, generation) = match self.slots.get(&id) {
            Some(slot) => (slot.at, slot.generation + 1),
            None => (self.take_slot(now)?, 1),
        };
        let half = encode(&entry, generation);
        let offset = (u64::from(at) * 2 + generation % 2) * HALF_BYTES as u64;
        let written = self.file.write_all_at(&half, offset).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            if !self.slots.contains_key(&id) {
                self.unused.push(at);
            }
            return Err(error.into());
        }
        self.slots.insert(id, Slot::of(at, generation, &entry));
        Ok(())
    }

    fn take_slot(&mut self, now: Timestamp) -> Result<u32, JournalError> {
        if let Some(at) = self.unused.pop() {
            return Ok(at);
        }
        let oldest = self.slots.iter().min_by_key(|(_, slot)| slot.free_at).map(|(id, slot)| (*id, *slot));
        let (id, slot) = oldest.filter(|(_, slot)| slot.free_at <= now).ok_or(JournalError::Full)?;
        // Both halves go: an old one must not come back beside the new entry's first.
        self.file.write_all_at(&[0; 2 * HALF_BYTES], u64::from(slot.at) * 2 * HALF_BYTES as u64)?;
        self.slots.remove(&id);
        Ok(slot.at)
    }

    fn read_slot(&self, at: u32) -> Result<Option<(u64, Entry)>, JournalError> {
        let mut bytes = [0; 2 * HALF_BYTES];
        self.file.read_exact_at(&mut bytes, u64::from(at) * 2 * HALF_BYTES as u64)?;
        let (first, second) = bytes.split_at(HALF_BYTES);
        let newest =
            [decode(first), decode(second)].into_iter().flatten().max_by_key(|(generation, _)| *generation);
        Ok(newest)
    }
}

pub fn is_end(state: &ExecutionState) -> bool {
    !matches!(state, ExecutionState::Accepted | ExecutionState::Running { .. })
}

fn shorten(state: &mut ExecutionState) {
    if let ExecutionState::Rejected { reason, .. } | ExecutionState::Lost { reason } = state {
        let clean: String = reason.chars().filter(|c| !c.is_control()).collect();
        *reason = truncate(&clean, REASON_BYTES_MAX).to_string();
    }
}

fn encode(entry: &Entry, generation: u64) -> [u8; HALF_BYTES] {
    let json = serde_json::to_vec(entry).expect("an entry holds only strings and numbers");
    assert!(json.len() <= PAYLOAD_BYTES_MAX, "reasons and codes are bounded so that an entry fits");
    let mut half = [0; HALF_BYTES];
    half[..4].copy_from_slice(&MAGIC.to_le_bytes());
    half[4..8].copy_from_slice(&(json.len() as u32).to_le_bytes());
    half[8..16].copy_from_slice(&generation.to_le_bytes());
    half[PAYLOAD_AT..PAYLOAD_AT + json.len()].copy_from_slice(&json);
    let crc = crc32fast::hash(&half[..CRC_AT]);
    half[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    half
}

fn decode(half: &[u8]) -> Option<(u64, Entry)> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(half.get(at..at + 4)?.try_into().ok()?));
    if u32_at(0)? != MAGIC || u32_at(CRC_AT)? != crc32fast::hash(&half[..CRC_AT]) {
        return None;
    }
    let generation = u64::from_le_bytes(half.get(8..16)?.try_into().ok()?);
    let json = half.get(PAYLOAD_AT..PAYLOAD_AT + u32_at(4)? as usize)?;
    Some((generation, serde_json::from_slice(json).ok()?))
}

#[cfg(test)]
mod tests;
