//! Reads the machine: a table of collectors with node_exporter's names, labels and units.
//!
//! Invariant: a collector that fails or hangs costs only its own series; what each costs is a metric.

pub mod facts;
pub mod process;
pub mod segment;
pub mod source;
pub mod watch;

mod cpu;
mod disk;
mod filesystem;
mod hwmon;
mod kernel;
mod memory;
mod mount_probe;
mod network;
mod sockets;
#[cfg(test)]
mod tests;
mod textfile;
mod units;

use std::time::Instant;

use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::truncate;
use watchtower_protocol::AgentEvent;

use crate::clock::Moment;
use crate::exposition::Told;
use filesystem::Filesystems;
use segment::Segment;
use source::{CollectError, Source};
use units::Units;
use watch::OomWatch;

/// The longest and the shortest interval of the slow collectors.
const SLOW_INTERVAL_MS: (u64, u64) = (60_000, 5_000);

/// Interval of the slow collectors: six reports, so that a server which is watched or being repaired is looked at more
/// often.
pub fn slow_interval_ms(interval_ms: u32) -> u64 {
    (u64::from(interval_ms) * 6).clamp(SLOW_INTERVAL_MS.1, SLOW_INTERVAL_MS.0)
}

/// Reads files and pushes what they say.
type ReadFiles = fn(&mut Source, &mut Segment) -> Result<(), CollectError>;

/// How a collector is run.
#[derive(Debug)]
enum Run {
    /// Reads files of the kernel, which answer at once.
    Files(ReadFiles),
    /// Reads files that a device answers (sensors may take long): on the slow interval, reported until the next.
    SlowFiles(ReadFiles),
    /// Reads files of other programs, and what they say of their names.
    Textfiles(Told),
    Filesystems(Filesystems),
    /// Runs in the background on the slow interval; its last answer is reported until the next one.
    Units(Units),
}

#[derive(Debug)]
struct Collector {
    name: &'static str,
    run: Run,
    segment: Segment,
    seconds: f64,
    success: bool,
}

/// All collectors of one machine.
#[derive(Debug)]
pub struct Collectors {
    source: Source,
    table: Vec<Collector>,
    own: Segment,
    oom: OomWatch,
    slow_at_mono_ms: Option<u64>,
}

impl Collectors {
    pub fn new(source: Source) -> Self {
        let files: [(&'static str, ReadFiles); 12] = [
            ("cpu", cpu::collect),
            ("loadavg", kernel::collect_loadavg),
            ("meminfo", memory::collect_meminfo),
            ("vmstat", memory::collect_vmstat),
            ("pressure", memory::collect_pressure),
            ("diskstats", disk::collect),
            ("netdev", network::collect_traffic),
            ("netclass", network::collect_link),
            ("sockstat", sockets::collect_sockstat),
            ("netstat", sockets::collect_netstat),
            ("filefd", kernel::collect_filefd),
            ("uname", kernel::collect_uname),
        ];
        let mut table: Vec<Collector> =
            files.into_iter().map(|(name, run)| Collector::new(name, Run::Files(run))).collect();
        table.push(Collector::new("textfile", Run::Textfiles(Told::default())));
        table.push(Collector::new("hwmon", Run::SlowFiles(hwmon::collect)));
        table.push(Collector::new("filesystem", Run::Filesystems(Filesystems::default())));
        table.push(Collector::new("systemd", Run::Units(Units::default())));
        Collectors { source, table, own: Segment::default(), oom: OomWatch::default(), slow_at_mono_ms: None }
    }

    pub fn source(&mut self) -> &mut Source {
        &mut self.source
    }

    /// One collection of every family; events found on the way are added to `events`.
    pub fn collect(&mut self, now: Moment, interval_ms: u32, events: &mut Vec<AgentEvent>) {
        let slow_ms = slow_interval_ms(interval_ms);
        let slow_due = self.slow_at_mono_ms.is_none_or(|at| now.mono_ms.saturating_sub(at) >= slow_ms);
        if slow_due {
            self.slow_at_mono_ms = Some(now.mono_ms);
        }
        for collector in &mut self.table {
            collector.collect(&mut self.source, now, slow_due, events);
            if collector.name == "vmstat" {
                self.oom.look(&collector.segment, now.wall, events);
            }
        }
        self.own.begin();
        self.own.push("node_time_seconds", &[], now.wall.secs_f64());
        for collector in &self.table {
            let labels = [("collector", collector.name)];
            self.own.push("watchtower_agent_collector_duration_seconds", &labels, collector.seconds);
            let success = if collector.success { 1.0 } else { 0.0 };
            self.own.push("watchtower_agent_collector_success", &labels, success);
        }
        self.own.finish();
    }

    /// Waits for collectors that run in the background: for a single collection whose answer is printed.
    pub fn wait_for_slow(&mut self, now: fn() -> Moment, events: &mut Vec<AgentEvent>) {
        let deadline = now().mono_ms + units::LISTING_MS;
        while now().mono_ms < deadline && self.table.iter().any(Collector::is_busy) {
            std::thread::sleep(std::time::Duration::from_millis(20));
            for collector in self.table.iter_mut().filter(|collector| collector.is_busy()) {
                collector.collect(&mut self.source, now(), false, events);
            }
        }
    }

    /// What textfiles say of their metrics' names.
    pub fn told(&mut self) -> Option<&mut Told> {
        self.table.iter_mut().find_map(|collector| match &mut collector.run {
            Run::Textfiles(told) => Some(told),
            _ => None,
        })
    }

    /// The segments in the fixed order that numbers the series.
    pub fn segments(&mut self) -> impl Iterator<Item = &mut Segment> {
        std::iter::once(&mut self.own).chain(self.table.iter_mut().map(|collector| &mut collector.segment))
    }
}

impl Collector {
    fn new(name: &'static str, run: Run) -> Self {
        Collector { name, run, segment: Segment::default(), seconds: 0.0, success: true }
    }

    fn is_busy(&self) -> bool {
        matches!(&self.run, Run::Units(units) if units.is_busy())
    }

    fn collect(&mut self, source: &mut Source, now: Moment, slow_due: bool, events: &mut Vec<AgentEvent>) {
        if matches!(self.run, Run::SlowFiles(_)) && !slow_due {
            return;
        }
        let started = Instant::now();
        let outcome = match &mut self.run {
            Run::Files(run) | Run::SlowFiles(run) => {
                self.segment.begin();
                let outcome = run(source, &mut self.segment);
                self.segment.finish();
                outcome
            }
            Run::Textfiles(told) => {
                self.segment.begin();
                let outcome = textfile::collect(source, &mut self.segment, told);
                self.segment.finish();
                outcome
            }
            Run::Filesystems(filesystems) => {
                self.segment.begin();
                let outcome = filesystems.collect(source, &mut self.segment, now.wall, events);
                self.segment.finish();
                outcome
            }
            Run::Units(units) => {
                let polled = units.poll(&mut self.segment, now.mono_ms, now.wall, events).map(|_| ());
                if slow_due { polled.and(units.start(source, now.mono_ms)) } else { polled }
            }
        };
        // Whole microseconds: more digits are noise that travels and is stored.
        self.seconds = started.elapsed().as_micros() as f64 / 1e6;
        self.note(outcome);
    }

    /// Told once per change, not once per collection.
    fn note(&mut self, outcome: Result<(), CollectError>) {
        let failure = match outcome {
            Err(error) if !error.is_absent() => Some(error.to_string()),
            _ if self.segment.is_truncated() => Some("too many series; the rest is left out".to_string()),
            _ => None,
        };
        if let (true, Some(why)) = (self.success, &failure) {
            crate::log::warn("a collector failed", &[("collector", &self.name), ("error", why)]);
        }
        self.success = failure.is_none();
    }
}

/// Text of the machine as a single line within the protocol's bounds.
pub fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    truncate(&clean, LINE_BYTES_MAX).to_string()
}
