//! The files of one kind, each named by the first day of its period.
//!
//! Invariant: one damaged file costs its period and nothing else, and never a start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use watchtower_model::Timestamp;

use super::file::{Formats, SIDE_FILES, file_bytes, with_suffix};
use super::period::PeriodFile;
use super::{MetricsError, sync_dir};

const DAY_MS: i64 = 86_400_000;
/// Day files with open connections.
const OPEN_DAYS_MAX: usize = 8;

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The first of its period.
    pub day: i32,
    /// Where it is now.
    pub path: PathBuf,
    pub reason: String,
}

#[derive(Debug)]
pub(super) struct DayFiles {
    dir: PathBuf,
    formats: Formats,
    days: Mutex<BTreeMap<i32, Arc<PeriodFile>>>,
    set_aside: Mutex<Vec<SetAside>>,
    /// Counts uses of files, and new files.
    clock: AtomicU64,
}

impl DayFiles {
    pub(super) fn open(dir: &Path, formats: Formats) -> Result<Self, MetricsError> {
        fs::create_dir_all(dir).map_err(|e| MetricsError::io(dir, "making the folder", e))?;
        let mut days = BTreeMap::new();
        let failed = |e| MetricsError::io(dir, "listing the day files", e);
        for entry in fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".db"));
            let start = name.and_then(|n| Timestamp::parse_rfc3339(&format!("{n}T00:00:00Z")).ok());
            if let Some(start) = start {
                let number = days.len() as u64;
                days.insert(
                    start.0.div_euclid(DAY_MS) as i32,
                    Arc::new(PeriodFile::new(path, number, formats)),
                );
            }
        }
        let clock = AtomicU64::new(days.len() as u64);
        let (days, set_aside) = (Mutex::new(days), Mutex::default());
        Ok(DayFiles { dir: dir.to_path_buf(), formats, days, set_aside, clock })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, Arc<PeriodFile>>> {
        self.days.lock().expect("no code panics while it holds the list of days")
    }

    pub(super) fn list(&self) -> Vec<i32> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn set_aside(&self) -> Vec<SetAside> {
        self.set_aside.lock().expect("no code panics while it holds the list").clone()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lock().values().map(|d| file_bytes(&d.path)).sum()
    }

    /// `work` on a file that is made where there is none, or where it turns out damaged.
    pub(super) fn with_new(
        &self,
        day: i32,
        work: impl Fn(&PeriodFile) -> Result<(), MetricsError>,
    ) -> Result<(), MetricsError> {
        match work(&*self.get_or_make(day)?) {
            Err(MetricsError::Damaged { reason, .. }) => {
                self.quarantine(day, &reason)?;
                work(&*self.get_or_make(day)?)
            }
            other => other,
        }
    }

    /// `work` on a day that there is; without one, or where it turns out damaged, nothing was there.
    pub(super) fn with<T: Default>(
        &self,
        day: i32,
        work: impl FnOnce(&PeriodFile) -> Result<T, MetricsError>,
    ) -> Result<T, MetricsError> {
        let Some(file) = self.get(day) else { return Ok(T::default()) };
        match work(&file) {
            Err(MetricsError::Damaged { reason, .. }) => self.quarantine(day, &reason).map(|()| T::default()),
            other => other,
        }
    }

    pub(super) fn remove(&self, day: i32) -> Result<(), MetricsError> {
        let Some(file) = self.lock().remove(&day) else { return Ok(()) };
        file.close();
        for suffix in SIDE_FILES {
            let path = with_suffix(&file.path, suffix);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MetricsError::io(&path, "removing a day", e));
                }
                _ => {}
            }
        }
        sync_dir(&self.dir)
    }

    fn get(&self, day: i32) -> Option<Arc<PeriodFile>> {
        let days = self.lock();
        let file = Arc::clone(days.get(&day)?);
        file.used.store(self.clock.fetch_add(1, Relaxed) + 1, Relaxed);
        let mut open: Vec<_> = days.values().filter(|d| d.used.load(Relaxed) > 0).cloned().collect();
        drop(days);
        if open.len() > OPEN_DAYS_MAX {
            open.sort_by_key(|d| d.used.load(Relaxed));
            open[0].close();
        }
        Some(file)
    }

    fn get_or_make(&self, day: i32) -> Result<Arc<PeriodFile>, MetricsError> {
        if let Some(file) = self.get(day) {
            return Ok(file);
        }
        let name = Timestamp(i64::from(day) * DAY_MS).day();
        let number = self.clock.fetch_add(1, Relaxed);
        let file = Arc::new(PeriodFile::new(self.dir.join(format!("{name}.db")), number, self.formats));
        self.lock().entry(day).or_insert(file);
        let file = self.get(day).ok_or_else(|| MetricsError::Damaged {
            path: self.dir.join(format!("{name}.db")),
            reason: "the day was dropped while it was being written".into(),
        })?;
        drop(file.open_writer()?);
        sync_dir(&self.dir)?;
        Ok(file)
    }

    /// Moves a damaged day out of the way and remembers it.
    fn quarantine(&self, day: i32, reason: &str) -> Result<(), MetricsError> {
        let Some(file) = self.lock().remove(&day) else { return Ok(()) };
        file.close();
        let free = |n: &u32| !with_suffix(&file.path, &format!(".damaged-{n}")).exists();
        let suffix = format!(".damaged-{}", (1..u32::MAX).find(free).unwrap_or(u32::MAX));
        for side in SIDE_FILES {
            let from = with_suffix(&file.path, side);
            let to = with_suffix(&file.path, &format!("{suffix}{side}"));
            match fs::rename(&from, &to) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MetricsError::io(&from, "setting a damaged day aside", e));
                }
                _ => {}
            }
        }
        sync_dir(&self.dir)?;
        let path = with_suffix(&file.path, &suffix);
        tracing::error!(path = %path.display(), reason, "a file of metrics is damaged and was set aside");
        let mut list = self.set_aside.lock().expect("no code panics while it holds the list");
        list.push(SetAside { day, path, reason: reason.to_string() });
        Ok(())
    }
}
