//! A file system that fails on purpose: what could not be synced is never acknowledged, and nothing else is lost for it.

use std::io::{Error, ErrorKind};
use std::sync::{Mutex, MutexGuard};

use watchtower_tsdb::{StoreError, TsdbError};

use super::*;
use crate::metrics::seam::SegmentFile;

/// What fails next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Create,
    /// Half of it is written.
    Write,
    Sync,
    SyncDir,
}

#[derive(Debug, Default)]
struct Shared {
    fault: Option<Fault>,
    /// Bytes written behind the last sync, of all files.
    unsynced: usize,
    syncs: usize,
}

/// A real file system in a folder, with faults.
#[derive(Clone, Debug, Default)]
struct Faulty(Arc<Mutex<Shared>>);

impl Faulty {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap()
    }

    fn set(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    fn check(&self, fault: Fault) -> std::io::Result<()> {
        match self.lock().fault {
            Some(found) if found == fault => Err(Error::new(ErrorKind::StorageFull, format!("{fault:?}"))),
            _ => Ok(()),
        }
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> std::io::Result<Box<dyn SegmentFile>> {
        self.check(Fault::Create)?;
        Ok(Box::new(FaultyFile { inner: RealDisk.create(path)?, shared: self.clone() }))
    }

    fn sync_dir(&self, dir: &Path) -> std::io::Result<()> {
        self.check(Fault::SyncDir)?;
        RealDisk.sync_dir(dir)
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Box<dyn SegmentFile>,
    shared: Faulty,
}

impl SegmentFile for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Err(error) = self.shared.check(Fault::Write) {
            self.inner.write(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.shared.lock().unsynced += bytes.len();
        self.inner.write(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.shared.check(Fault::Sync)?;
        let mut shared = self.shared.lock();
        (shared.unsynced, shared.syncs) = (0, shared.syncs + 1);
        drop(shared);
        self.inner.sync()
    }

    fn set_len(&mut self, bytes: u64) -> std::io::Result<()> {
        self.inner.set_len(bytes)
    }
}

fn engine(dir: &Path, disk: &Faulty) -> Tsdb {
    let files = MetricFiles::open_on(dir, Box::new(disk.clone())).unwrap();
    Tsdb::open(Arc::new(Files(files)), Options::default()).unwrap().0
}

fn samples(db: &Tsdb) -> Vec<(i64, f64)> {
    let matchers = Matchers::default();
    let (from, to) = (Timestamp(0), Timestamp(i64::MAX));
    let query =
        Query { matchers: &matchers, from, to, owner: Owner::Any, max_series: 10, max_samples: 10_000 };
    let windows = db.select(&query).unwrap();
    windows.iter().flat_map(|w| &w.samples).map(|s| (s.t.0, s.v)).collect()
}

fn append(db: &Tsdb, agent: AgentId, n: i64) -> Result<(), TsdbError> {
    let series = db.resolve(None, &[Labels::from_pairs([("__name__", "m")])]).refs[0].unwrap();
    let now = Timestamp(T0 + n * 1000);
    let samples = Samples::Report { t: now, values: &[(series, n as f64)] };
    let progress = Some(Progress { agent, epoch: 1, seq: n as u64 });
    db.append(&[Batch { progress, received_at: now, backfill: false, samples }]).map(drop)
}

#[test]
fn an_acknowledgement_comes_behind_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    let db = engine(dir.path(), &disk);
    for n in 0..5 {
        let syncs = disk.lock().syncs;
        append(&db, AgentId(Id::from_bytes([7; 16])), n).unwrap();
        let shared = disk.lock();
        assert_eq!((shared.unsynced, shared.syncs), (0, syncs + 1));
    }
}

#[test]
fn what_cannot_be_synced_is_not_acknowledged_and_loses_nothing_else() {
    let agent = AgentId(Id::from_bytes([7; 16]));
    for fault in [Fault::Create, Fault::Write, Fault::Sync, Fault::SyncDir] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Faulty::default();
        let db = engine(dir.path(), &disk);
        append(&db, agent, 0).unwrap();
        db.flush_all(Timestamp(T0)).unwrap();
        append(&db, agent, 1).unwrap();
        disk.set(Some(fault));
        // It begins a new segment, which two of the faults need to be met.
        assert_eq!(db.flush_all(Timestamp(T0)).is_err(), fault != Fault::Sync, "{fault:?}");
        for n in 2..5 {
            let refused = append(&db, agent, n);
            assert!(
                matches!(refused, Err(TsdbError::Store(StoreError::Full { .. }))),
                "{fault:?} {refused:?}"
            );
        }
        assert_eq!(db.progress(agent), Some((1, 1)), "{fault:?}");
        // The power fails now: what was acknowledged is there, and nothing that would be wrong.
        let copy = dir.path().join("copy");
        copy_dir(&dir.path().join("log"), &copy.join("log"));
        for name in fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()) {
            if dir.path().join(&name).is_file() {
                fs::copy(dir.path().join(&name), copy.join(&name)).unwrap();
            }
        }
        let after = engine(&copy, &Faulty::default());
        let all: Vec<(i64, f64)> = (0..5).map(|n| (T0 + n * 1000, n as f64)).collect();
        let found = samples(&after);
        assert!(found.len() >= 2 && found == all[..found.len()], "{fault:?}: {found:?}");
        assert!(after.progress(agent).is_some_and(|(_, seq)| seq >= 1));
        // Or the disk heals, and the sender repeats.
        disk.set(None);
        for n in 2..5 {
            append(&db, agent, n).unwrap();
        }
        assert_eq!(samples(&db), all, "{fault:?}");
        drop(db);
        assert_eq!(samples(&engine(dir.path(), &Faulty::default())), all, "{fault:?}");
    }
}

/// Bytes of the header that SQLite looks at behind its magic number.
#[test]
fn a_day_whose_header_is_damaged_takes_new_samples() {
    let dir = tempfile::tempdir().unwrap();
    let chunk = [ChunkRow { series: 1, min_t: 0, max_t: 1, bytes: &[7; 30] }];
    MetricFiles::open(dir.path()).unwrap().put_chunks(20_700, &chunk).unwrap();
    let days = || fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = days().find(|path| path.to_string_lossy().ends_with("2026-09-04.db")).unwrap();
    let whole = fs::read(&file).unwrap();
    // The format for writers, the schema's, and a format of ours that is older than the tables.
    for (at, value) in [(18, 9), (47, 9), (63, 1)] {
        let mut damaged = whole.clone();
        damaged[at] = value;
        fs::write(&file, &damaged).unwrap();
        let files = MetricFiles::open(dir.path()).unwrap();
        files.put_chunks(20_700, &chunk).unwrap();
        assert_eq!(files.set_aside().len(), 1, "byte {at}");
    }
}
