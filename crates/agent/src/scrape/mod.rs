//! Scraping: targets that root named in a file on this server, read on their intervals and reported with the rest.
//!
//! Invariant: the hub names no target, so a stolen one cannot make agents call anything. Each target is a task of its own that
//! keeps its last answer until the next report takes it; one that hangs or lies costs only its own series.

mod config;
mod fetch;
mod relabel;
mod take;
mod target;
mod tls;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use crate::clock::Moment;
use crate::collect::segment::Segment;
use crate::exposition::Told;
use config::Job;
use fetch::{Client, Outcome};
use take::Budget;
use target::Target;

/// How often the files are read again.
const RELOAD_MS: u64 = 10_000;

#[derive(Debug, Default)]
pub struct Scraper {
    dir: Option<PathBuf>,
    loaded_mono_ms: Option<u64>,
    /// Why a file does not count.
    error: Option<String>,
    running: Vec<Running>,
    told: Told,
    own: Segment,
}

/// One target and its task.
#[derive(Debug)]
struct Running {
    job: Arc<Job>,
    target: Target,
    latest: Arc<Mutex<Option<Outcome>>>,
    task: JoinHandle<()>,
    segment: Segment,
    /// A scrape ended since the last report.
    fresh: bool,
    up: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scraper {
    /// Reads `*.toml` in `dir`.
    pub fn new(dir: PathBuf) -> Scraper {
        Scraper { dir: Some(dir), ..Scraper::default() }
    }

    /// Takes what was scraped since the last report. Needs a runtime around it once there are targets.
    pub fn poll(&mut self, now: Moment) {
        self.reload(now);
        let mut budget = Budget::default();
        for running in &mut self.running {
            running.poll(&mut budget, &mut self.told);
        }
        self.own.begin();
        if !self.running.is_empty() || self.error.is_some() {
            self.own.push("watchtower_agent_scrape_targets", &[], self.running.len() as f64);
            let failed = if self.error.is_some() { 1.0 } else { 0.0 };
            self.own.push("watchtower_agent_scrape_config_error", &[], failed);
        }
        self.own.finish();
    }

    /// The segments in the fixed order that numbers the series, and whether their values are new.
    pub fn segments(&mut self) -> impl Iterator<Item = (&mut Segment, bool)> {
        let targets = self.running.iter_mut().map(|running| (&mut running.segment, running.fresh));
        std::iter::once((&mut self.own, true)).chain(targets)
    }

    /// What targets say of their metrics' names.
    pub fn told(&mut self) -> &mut Told {
        &mut self.told
    }

    fn reload(&mut self, now: Moment) {
        let due = self.loaded_mono_ms.is_none_or(|at| now.mono_ms.saturating_sub(at) >= RELOAD_MS);
        let Some(dir) = self.dir.as_ref().filter(|_| due) else { return };
        self.loaded_mono_ms = Some(now.mono_ms);
        let (jobs, mut error) = config::load(dir);
        let (wanted, cut) = target::all(&jobs);
        error = error.or(cut);
        if let Some(why) = error.as_ref().filter(|why| self.error.as_ref() != Some(why)) {
            crate::log::warn("scraping is not as its files want it", &[("error", why)]);
        }
        self.error = error;
        // A target that is as it was goes on undisturbed; the order is that of the files.
        let mut before = std::mem::take(&mut self.running);
        for (job, target) in wanted {
            let at = before.iter().position(|old| old.job == job && old.target == target);
            self.running.push(at.map_or_else(|| Running::start(job, target), |at| before.swap_remove(at)));
        }
    }
}

impl Running {
    fn start(job: Arc<Job>, target: Target) -> Running {
        let latest: Arc<Mutex<Option<Outcome>>> = Arc::default();
        let (slot, whom) = (Arc::clone(&latest), target.clone());
        let mut client = Client::new(Arc::clone(&job));
        let interval = Duration::from_secs(job.interval_seconds);
        let task = tokio::spawn(async move {
            let mut ticks = interval_at(Instant::now(), interval);
            loop {
                ticks.tick().await;
                let outcome = client.fetch(&whom).await;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
        });
        Running { job, target, latest, task, segment: Segment::default(), fresh: false, up: true }
    }

    fn poll(&mut self, budget: &mut Budget, told: &mut Told) {
        let outcome = self.latest.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.fresh = outcome.is_some();
        let Some(outcome) = outcome else {
            budget.keep(&self.segment);
            return;
        };
        let failure = take::take(&self.job, &self.target, &outcome, budget, &mut self.segment).err();
        if let (true, Some(why)) = (self.up, &failure) {
            crate::log::warn("a scrape failed", &[("target", &self.target.address), ("error", why)]);
        }
        self.up = failure.is_none();
        if let (true, Ok((text, format))) = (self.up, &outcome.answer) {
            told.look(text, *format);
        }
    }
}
