//! The process table: all processes are measured, the busiest are shown.
//!
//! Invariant: two vectors of fixed-size rows are swapped between tables; only rows that are shown read their
//! command line and owner.

mod mask;
mod stat;
mod users;

pub use stat::Stat;

pub use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt;

use watchtower_model::Timestamp;
use watchtower_protocol::{Process, ProcessTable};

use super::cpu::TICKS_PER_SECOND;
use super::source::{CollectError, Source};
use crate::clock::Moment;
use users::UserNames;

/// Rows of a table.
pub const ROWS_MAX: usize = 50;
/// Processes that are measured; a fork bomb beyond it is counted but not ranked.
const MEASURED_MAX: usize = 20_000;
/// Milliseconds of one clock tick.
const TICK_MS: i64 = (1000.0 / TICKS_PER_SECOND) as i64;

/// One process as measured now.
#[derive(Clone, Copy, Debug)]
struct Row {
    stat: Stat,
    read_bytes: u64,
    written_bytes: u64,
    cpu_percent: f64,
    read_rate: u64,
    write_rate: u64,
    score: f64,
}

#[derive(Debug, Default)]
pub struct Processes {
    /// Sorted by pid.
    previous: Vec<Row>,
    current: Vec<Row>,
    measured_at_mono_ms: u64,
    users: UserNames,
}

impl Processes {
    /// Measures and ranks; rates are zero in the first table, for want of a table before.
    pub fn table(&mut self, source: &mut Source, now: Moment) -> Result<ProcessTable, CollectError> {
        std::mem::swap(&mut self.previous, &mut self.current);
        let (total, threads) = self.measure(source, now)?;
        self.users.refresh(source);
        let booted_at = booted_at(source);
        let page_bytes = rustix::param::page_size() as u64;
        let items = self
            .ranked()
            .into_iter()
            .filter_map(|at| show(source, &mut self.users, &self.current[at], booted_at, page_bytes))
            .collect();
        Ok(ProcessTable { total, threads, items })
    }

    fn measure(&mut self, source: &mut Source, now: Moment) -> Result<(u32, u32), CollectError> {
        let seconds = now.mono_ms.saturating_sub(self.measured_at_mono_ms) as f64 / 1000.0;
        self.measured_at_mono_ms = now.mono_ms;
        self.current.clear();
        let (mut total, mut threads) = (0, 0);
        let mut path = String::with_capacity(32);
        let wrap = |source| CollectError::Read { path: "proc".into(), source };
        for entry in std::fs::read_dir(source.path("proc")).map_err(wrap)? {
            let name = entry.map_err(wrap)?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            total += 1;
            if self.current.len() >= MEASURED_MAX {
                continue;
            }
            path.clear();
            write!(path, "proc/{pid}/stat").expect("writing to a string does not fail");
            // Gone since the listing.
            let Some(stat) = source.read_bytes(&path).ok().and_then(|bytes| Stat::parse(pid, bytes)) else {
                continue;
            };
            threads += stat.threads;
            let before = self
                .previous
                .binary_search_by_key(&pid, |row| row.stat.pid)
                .ok()
                .map(|at| self.previous[at])
                .filter(|row| row.stat.start_ticks == stat.start_ticks);
            // Kernel threads have neither memory nor accounts of IO.
            let (read_bytes, written_bytes) =
                if stat.rss_pages == 0 { (0, 0) } else { read_io(source, &mut path, pid) };
            self.current.push(Row::new(stat, read_bytes, written_bytes, before, seconds));
        }
        self.current.sort_unstable_by_key(|row| row.stat.pid);
        Ok((total, threads))
    }

    /// Places in `current` of the busiest by CPU, memory and IO together, busiest first.
    fn ranked(&mut self) -> Vec<usize> {
        let sum = |value: fn(&Row) -> f64, rows: &[Row]| rows.iter().map(value).sum::<f64>().max(1e-9);
        let cpu = sum(|row| row.cpu_percent, &self.current);
        let memory = sum(|row| row.stat.rss_pages as f64, &self.current);
        let io = sum(Row::io_rate, &self.current);
        for row in &mut self.current {
            row.score = row.cpu_percent / cpu + row.stat.rss_pages as f64 / memory + row.io_rate() / io;
        }
        let mut order: Vec<usize> = (0..self.current.len()).collect();
        let by_score = |a: &usize, b: &usize| self.current[*b].score.total_cmp(&self.current[*a].score);
        if order.len() > ROWS_MAX {
            order.select_nth_unstable_by(ROWS_MAX, by_score);
            order.truncate(ROWS_MAX);
        }
        order.sort_unstable_by(by_score);
        order
    }
}

impl Row {
    fn new(stat: Stat, read_bytes: u64, written_bytes: u64, before: Option<Row>, seconds: f64) -> Self {
        let mut row = Row {
            stat,
            read_bytes,
            written_bytes,
            cpu_percent: 0.0,
            read_rate: 0,
            write_rate: 0,
            score: 0.0,
        };
        if let Some(before) = before.filter(|_| seconds > 0.0) {
            let ticks = stat.cpu_ticks.saturating_sub(before.stat.cpu_ticks) as f64;
            // One decimal is what the counter can tell over an interval of seconds.
            row.cpu_percent = (ticks / TICKS_PER_SECOND / seconds * 1000.0).round() / 10.0;
            let rate = |now: u64, then: u64| (now.saturating_sub(then) as f64 / seconds) as u64;
            row.read_rate = rate(read_bytes, before.read_bytes);
            row.write_rate = rate(written_bytes, before.written_bytes);
        }
        row
    }

    fn io_rate(&self) -> f64 {
        (self.read_rate + self.write_rate) as f64
    }
}

/// Zero where another user's accounts are not for the agent to see.
fn read_io(source: &mut Source, path: &mut String, pid: u32) -> (u64, u64) {
    path.clear();
    write!(path, "proc/{pid}/io").expect("writing to a string does not fail");
    let Ok(text) = source.read(path) else { return (0, 0) };
    let field =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0);
    (field("read_bytes:"), field("write_bytes:"))
}

fn booted_at(source: &mut Source) -> i64 {
    source
        .read("proc/stat")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<i64>().ok())
        })
        .unwrap_or(0)
        * 1000
}

/// `None` when the process has ended since it was measured.
fn show(
    source: &mut Source,
    users: &mut UserNames,
    row: &Row,
    booted_at: i64,
    page_bytes: u64,
) -> Option<Process> {
    let stat = &row.stat;
    let uid = std::fs::metadata(source.path(&format!("proc/{}", stat.pid))).ok()?.uid();
    let command = mask::command_line(source.read_bytes(&format!("proc/{}/cmdline", stat.pid)).ok()?);
    Some(Process {
        pid: stat.pid,
        ppid: stat.ppid,
        started_at: Timestamp(booted_at + stat.start_ticks as i64 * TICK_MS),
        user: users.name(uid),
        state: (stat.state as char).to_string(),
        threads: stat.threads,
        cpu_percent: row.cpu_percent,
        rss_bytes: stat.rss_pages * page_bytes,
        read_bytes_per_second: row.read_rate,
        write_bytes_per_second: row.write_rate,
        name: super::one_line(stat.name()),
        command,
    })
}

#[cfg(test)]
mod tests;
