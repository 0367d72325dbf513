//! The disk guard: what the hub refuses when the disk of its data directory fills, so that what people rely on goes on.
//!
//! | at | what happens |
//! |---|---|
//! | 80 % | the event `hub.disk_filling`; the default rule on it pages |
//! | 85 % | logs are refused (there are none yet) |
//! | 90 % | samples are refused: agents keep their reports, remote_write is answered by 503 |
//! | no space | the reserve is given up: incidents and pages go on |
//!
//! Invariant: refusing is decided by the latest look, which is at most [`EVERY`] old; events tell of it, and are tried again until told.

mod level;
mod reserve;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use watchtower_model::Severity;

use crate::Hub;
use crate::error::HubError;
use crate::ingest::{Raise, raise};

pub use level::{Borders, Level};
use reserve::Reserve;

/// Between looks.
const EVERY: Duration = Duration::from_secs(1);

/// What the latest look saw.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    borders: Borders,
    level: AtomicU8,
    /// Hundredths of a percent.
    used: AtomicU64,
}

/// Space of a disk as an unprivileged writer sees it.
#[derive(Debug, Clone, Copy)]
struct Space {
    total: u64,
    free: u64,
}

impl Space {
    fn of(dir: &Path) -> Option<Space> {
        let stat = rustix::fs::statvfs(dir).ok()?;
        let used = stat.f_blocks.saturating_sub(stat.f_bfree);
        // As `df` does: what only root may use counts as neither.
        Some(Space { total: (used + stat.f_bavail) * stat.f_frsize, free: stat.f_bavail * stat.f_frsize })
    }

    fn used_percent(self) -> f64 {
        100.0 * (self.total - self.free) as f64 / self.total.max(1) as f64
    }
}

impl Disk {
    pub fn new(dir: &Path, borders: Borders) -> Disk {
        let disk = Disk {
            dir: dir.into(),
            borders,
            level: AtomicU8::new(Level::Fine as u8),
            used: AtomicU64::new(0),
        };
        disk.look();
        disk
    }

    pub fn level(&self) -> Level {
        let levels = [Level::Fine, Level::Filling, Level::NoLogs, Level::NoMetrics];
        levels[usize::from(self.level.load(Relaxed)).min(levels.len() - 1)]
    }

    pub fn used_percent(&self) -> f64 {
        self.used.load(Relaxed) as f64 / 100.0
    }

    /// An error says why samples are refused right now.
    pub fn takes_metrics(&self) -> Result<(), HubError> {
        match self.level() {
            Level::NoMetrics => Err(HubError::Unavailable(self.words())),
            _ => Ok(()),
        }
    }

    /// For people; nothing while all is fine.
    pub fn problem(&self) -> Option<String> {
        (self.level() > Level::Fine).then(|| self.words())
    }

    fn words(&self) -> String {
        let refused = match self.level() {
            Level::Fine | Level::Filling => "nothing is refused yet",
            Level::NoLogs => "logs are refused",
            Level::NoMetrics => "samples are refused until there is space: agents keep theirs",
        };
        format!("the disk of the hub's data directory is {:.0} % full: {refused}", self.used_percent())
    }

    fn look(&self) -> Option<Space> {
        let space = Space::of(&self.dir)?;
        self.used.store((space.used_percent() * 100.0) as u64, Relaxed);
        self.level.store(self.borders.next(self.level(), space.used_percent()) as u8, Relaxed);
        Some(space)
    }
}

/// Looks until the hub stops.
pub(crate) async fn run(hub: Hub) {
    let mut reserve = None;
    let mut told = Level::Fine;
    while hub.running() {
        if let Some(space) = hub.disk.look() {
            let path = hub.config.data_dir.join("reserve");
            keep(reserve.get_or_insert_with(|| Reserve::new(path, space.total)), space);
        }
        let level = hub.disk.level();
        if level != told {
            match tell(&hub, told, level).await {
                Ok(()) => told = level,
                Err(error) => tracing::error!("telling of the full disk, to be tried again: {error}"),
            }
        }
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Holds the reserve while there is space, and gives it up when there is none.
fn keep(reserve: &Reserve, space: Space) {
    let held = reserve.held();
    let result = if held && space.free < reserve.bytes() / 4 {
        tracing::warn!("the disk is full: the reserve is given up, so that incidents and pages go on");
        reserve.free()
    } else if !held && space.free > reserve.bytes() * 4 {
        reserve.take()
    } else {
        Ok(())
    };
    if let Err(error) = result {
        tracing::warn!("the reserve on the disk: {error}");
    }
}

async fn tell(hub: &Hub, before: Level, level: Level) -> Result<(), HubError> {
    let words = hub.disk.words();
    let event = match level {
        Level::Fine => {
            tracing::info!("{words}");
            Raise::hub(
                "hub.disk_ok",
                None,
                Severity::Info,
                "the disk of the hub's data directory has space again",
            )
        }
        _ => {
            tracing::warn!("{words}");
            let severity = if level > before { Severity::Critical } else { Severity::Warning };
            Raise::hub("hub.disk_filling", None, severity, words)
        }
    };
    raise(hub, event).await.map(drop)
}
