//! The log of samples: segment files of checksummed records.
//!
//! Invariants: a record is acknowledged only after it was synced; a segment is written by one process run and
//! never again, so damage at its end can only be an unfinished write or a failing disk.
//!
//! Format: 8 bytes `WTLOG\0\0\x01`, then records: length (u32 LE), CRC-32 of length and payload (u32 LE, the
//! polynomial of zlib), payload. A position counts all bytes, headers too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::MetricsError;
use super::seam::{Disk, SegmentFile};

const MAGIC: [u8; 8] = *b"WTLOG\0\0\x01";
const FRAME: usize = 8;
/// A segment that is longer is closed.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of one record.
const RECORD_BYTES_MAX: usize = 512 * 1024 * 1024;

/// What reading found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    pub records: u64,
    /// Bytes behind the last whole record of each segment.
    pub lost_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Length by first position; the last one is being written when `open` is set.
    segments: BTreeMap<u64, u64>,
    open: Option<Box<dyn SegmentFile>>,
    end: u64,
}

impl Log {
    pub(super) fn open(dir: &Path, disk: Box<dyn Disk>) -> Result<Self, MetricsError> {
        let mut segments = BTreeMap::new();
        let failed = |e| MetricsError::io(dir, "listing the log", e);
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let start =
                name.to_str().and_then(|n| n.strip_suffix(".log")).and_then(|n| n.parse::<u64>().ok());
            if let Some(start) = start {
                segments.insert(start, entry.metadata().map_err(failed)?.len());
            }
        }
        let end = segments.last_key_value().map_or(0, |(start, len)| start + len);
        Ok(Log { dir: dir.to_path_buf(), disk, state: Mutex::new(State { segments, open: None, end }) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the log")
    }

    fn path(&self, start: u64) -> PathBuf {
        self.dir.join(format!("{start:020}.log"))
    }

    pub(super) fn append(&self, record: &[u8]) -> Result<u64, MetricsError> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(MetricsError::RecordTooLong { bytes: record.len(), limit: RECORD_BYTES_MAX });
        }
        let mut state = self.lock();
        let start = self.segment(&mut state)?;
        let synced = state.end - start;
        let file = state.open.as_mut().expect("a segment was just opened");
        let written = write_record(&mut **file, record);
        if let Err(error) = written {
            // What lies behind the last synced record is unknown now: never write to this file again.
            let _ = file.set_len(synced);
            state.open = None;
            state.end += (FRAME + record.len()) as u64;
            return Err(MetricsError::io(&self.path(start), "appending", error));
        }
        state.end += (FRAME + record.len()) as u64;
        let len = state.end - start;
        state.segments.insert(start, len);
        if len >= SEGMENT_BYTES {
            state.open = None;
        }
        Ok(state.end)
    }

    /// The first position of the open segment, made when there is none.
    fn segment(&self, state: &mut State) -> Result<u64, MetricsError> {
        if let (Some(_), Some((start, _))) = (&state.open, state.segments.last_key_value()) {
            return Ok(*start);
        }
        let start = state.end;
        let path = self.path(start);
        let mut file =
            self.disk.create(&path).map_err(|e| MetricsError::io(&path, "making a log segment", e))?;
        file.write(&MAGIC).map_err(|e| MetricsError::io(&path, "starting a log segment", e))?;
        self.sync_dir()?;
        state.segments.insert(start, MAGIC.len() as u64);
        state.end = start + MAGIC.len() as u64;
        state.open = Some(file);
        Ok(start)
    }

    fn sync_dir(&self) -> Result<(), MetricsError> {
        self.disk.sync_dir(&self.dir).map_err(|e| MetricsError::io(&self.dir, "syncing the folder", e))
    }

    pub(super) fn rotate(&self) -> Result<u64, MetricsError> {
        let mut state = self.lock();
        state.open = None;
        self.segment(&mut state)
    }

    pub(super) fn read(&self, each: &mut dyn FnMut(&[u8])) -> Result<LogSummary, MetricsError> {
        let starts: Vec<u64> = self.lock().segments.keys().copied().collect();
        let mut summary = LogSummary::default();
        for start in starts {
            let path = self.path(start);
            let bytes = fs::read(&path).map_err(|e| MetricsError::io(&path, "reading the log", e))?;
            let lost = read_segment(&bytes, |record| {
                summary.records += 1;
                each(record);
            });
            if lost > 0 {
                tracing::warn!(path = %path.display(), lost, "log segment ends in bytes that are no record");
                summary.lost_bytes += lost;
            }
        }
        Ok(summary)
    }

    pub(super) fn cut(&self, behind: u64) -> Result<(), MetricsError> {
        let mut state = self.lock();
        // The last segment stays: its name is what keeps positions growing over a restart.
        let next = state.segments.keys().skip(1).copied();
        let gone: Vec<u64> = state
            .segments
            .keys()
            .copied()
            .zip(next)
            .filter(|(_, end)| *end <= behind)
            .map(|(s, _)| s)
            .collect();
        for start in gone {
            let path = self.path(start);
            fs::remove_file(&path).map_err(|e| MetricsError::io(&path, "cutting the log", e))?;
            state.segments.remove(&start);
        }
        self.sync_dir()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().segments.values().sum()
    }
}

fn write_record(file: &mut dyn SegmentFile, record: &[u8]) -> std::io::Result<()> {
    let length = (record.len() as u32).to_le_bytes();
    let mut frame = Vec::with_capacity(FRAME + record.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&checksum(length, record).to_le_bytes());
    frame.extend_from_slice(record);
    file.write(&frame)?;
    file.sync()
}

fn checksum(length: [u8; 4], record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(record);
    hasher.finalize()
}

/// Hands every whole record to `each`; returns how many bytes are left behind the last one.
fn read_segment(bytes: &[u8], mut each: impl FnMut(&[u8])) -> u64 {
    let Some(mut rest) = bytes.strip_prefix(&MAGIC) else { return bytes.len() as u64 };
    while let Some((record, behind)) = next_record(rest) {
        each(record);
        rest = behind;
    }
    rest.len() as u64
}

fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    (checksum(*length, record) == u32::from_le_bytes(*sum)).then_some((record, rest))
}
