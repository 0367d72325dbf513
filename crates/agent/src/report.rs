//! One report: the collected families, the processes, facts and events, under one dictionary.
//!
//! Invariant: every report is a complete snapshot, but for what is scraped on an interval of its own; the dictionary is rebuilt only when the set of series
//! changed, and `(epoch, seq)` is never used twice.

use std::path::PathBuf;

use watchtower_model::limits::{EVENTS_PER_REPORT_MAX, SERIES_PER_AGENT_MAX};
use watchtower_protocol::{
    AgentEvent, Dictionary, Facts, Lane, NamedMetadata, ProcessTable, Report, SeriesEntry, Value,
};

use crate::clock::Moment;
use crate::collect::process::Processes;
use crate::collect::segment::Segment;
use crate::collect::source::Source;
use crate::collect::{Collectors, facts, slow_interval_ms};
use crate::scrape::Scraper;

/// What the agent says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AgentStats {
    /// Reports dropped by the spool before the hub had them: events lane, metrics lane.
    pub dropped: [u64; 2],
    /// Reports in the spool that the hub has not acknowledged, per lane.
    pub pending: [u64; 2],
    /// Hub's clock minus ours; absent until measured.
    pub clock_offset_seconds: Option<f64>,
    pub executions: usize,
}

/// What goes into one report beside the families.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub interval_ms: u32,
    /// Somebody looks at this server: processes in every report rather than once a minute.
    pub watched: bool,
    /// The hub may not know them yet.
    pub facts: bool,
    /// What to add to the agent's clock where it is known to be wrong.
    pub correction_ms: i64,
}

#[derive(Debug)]
pub struct Reporter {
    collectors: Collectors,
    scraper: Scraper,
    processes: Processes,
    tables: u32,
    own: Segment,
    dictionary: Dictionary,
    hash: String,
    epoch: u64,
    seq: u64,
    facts: Facts,
    slow_at_mono_ms: Option<u64>,
    events: Vec<AgentEvent>,
}

impl Reporter {
    /// `epoch` must be larger than any used before by this agent.
    pub fn new(source: Source, epoch: u64) -> Self {
        Reporter {
            collectors: Collectors::new(source),
            scraper: Scraper::default(),
            processes: Processes::default(),
            tables: 0,
            own: Segment::default(),
            dictionary: Dictionary::default(),
            hash: Dictionary::default().hash(),
            epoch,
            seq: 0,
            facts: Facts::default(),
            slow_at_mono_ms: None,
            events: Vec::new(),
        }
    }

    /// Also scrapes what the files of this directory name.
    pub fn scraping(self, dir: PathBuf) -> Self {
        Reporter { scraper: Scraper::new(dir), ..self }
    }

    /// Adds an event to the next report; the oldest wait, the newest beyond the bound are dropped and told.
    pub fn push_event(&mut self, event: AgentEvent) {
        if self.events.len() < EVENTS_PER_REPORT_MAX {
            self.events.push(event);
        } else {
            crate::log::warn("too many events at once; one is dropped", &[("kind", &event.kind.0)]);
        }
    }

    /// Collects everything and returns the report, live and of age zero.
    pub fn report(
        &mut self,
        now: Moment,
        stats: &AgentStats,
        policy: (&str, Option<&str>),
        wanted: Wanted,
    ) -> Report {
        let mut found = Vec::new();
        self.collectors.collect(now, wanted.interval_ms, &mut found);
        found.into_iter().for_each(|event| self.push_event(event));
        self.push_own(stats);
        self.scraper.poll(now);
        self.refresh_dictionary();
        let slow_ms = slow_interval_ms(wanted.interval_ms);
        let slow_due = self.slow_at_mono_ms.is_none_or(|at| now.mono_ms.saturating_sub(at) >= slow_ms);
        if slow_due {
            self.slow_at_mono_ms = Some(now.mono_ms);
        }
        // The first table has no rates: the next report brings them.
        let table_due = slow_due || wanted.watched || self.tables == 1;
        let processes = if table_due { self.process_table(now) } else { None };
        let facts_changed = (slow_due || wanted.facts) && self.refresh_facts(policy);
        self.seq += 1;
        Report {
            epoch: self.epoch,
            seq: self.seq,
            lane: Lane::Live,
            t: now.wall.plus_ms(wanted.correction_ms),
            age_ms: 0,
            interval_ms: wanted.interval_ms,
            dictionary: self.hash.clone(),
            samples: self.samples(),
            processes,
            facts: (facts_changed || wanted.facts).then(|| self.facts.clone()),
            events: self.take_events(wanted.correction_ms),
        }
    }

    pub fn dictionary(&self) -> (&str, &Dictionary) {
        (&self.hash, &self.dictionary)
    }

    /// Part of what scraped targets and textfiles say of names and the hub was not told; nothing was on a new connection.
    pub fn described(&mut self, new_connection: bool) -> Vec<NamedMetadata> {
        let mut part = Vec::new();
        for told in self.collectors.told().into_iter().chain([self.scraper.told()]) {
            if new_connection {
                told.forget();
            }
            if part.is_empty() {
                part = told.take();
            }
        }
        part
    }

    pub fn collectors(&mut self) -> &mut Collectors {
        &mut self.collectors
    }

    fn push_own(&mut self, stats: &AgentStats) {
        let own = &mut self.own;
        own.begin();
        own.push("watchtower_agent_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        for (at, lane) in ["events", "metrics"].iter().enumerate() {
            let labels = [("lane", *lane)];
            own.push("watchtower_agent_spool_dropped_total", &labels, stats.dropped[at] as f64);
            own.push("watchtower_agent_spool_pending_reports", &labels, stats.pending[at] as f64);
        }
        own.push("watchtower_agent_executions_running", &[], stats.executions as f64);
        if let Some(offset) = stats.clock_offset_seconds {
            own.push("watchtower_agent_clock_offset_seconds", &[], offset);
        }
        own.finish();
    }

    fn refresh_dictionary(&mut self) {
        let mut changed = false;
        for (segment, _) in self.segments() {
            changed |= segment.take_changed();
        }
        if !changed {
            return;
        }
        let mut series: Vec<SeriesEntry> = Vec::with_capacity(self.dictionary.series.len());
        for (segment, _) in self.segments() {
            series.extend_from_slice(segment.entries());
        }
        series.truncate(SERIES_PER_AGENT_MAX);
        self.dictionary = Dictionary { series };
        self.hash = self.dictionary.hash();
    }

    /// In the fixed order that numbers the series, and whether their values belong into this report.
    fn segments(&mut self) -> impl Iterator<Item = (&mut Segment, bool)> {
        let families = self.collectors.segments().map(|segment| (segment, true));
        families.chain([(&mut self.own, true)]).chain(self.scraper.segments())
    }

    fn samples(&mut self) -> Vec<(u32, Value)> {
        let mut samples = Vec::with_capacity(self.dictionary.series.len());
        let mut id = 0;
        for (segment, fresh) in self.segments() {
            if fresh {
                samples.extend((id..).zip(segment.values().iter().map(|value| Value(*value))));
            }
            id += segment.values().len() as u32;
        }
        samples.retain(|(id, _)| (*id as usize) < SERIES_PER_AGENT_MAX);
        samples
    }

    fn process_table(&mut self, now: Moment) -> Option<ProcessTable> {
        self.tables = self.tables.saturating_add(1);
        match self.processes.table(self.collectors.source(), now) {
            Ok(table) => Some(table),
            Err(error) => {
                crate::log::warn("no process table", &[("error", &error)]);
                None
            }
        }
    }

    /// Whether they differ from those of the last time.
    fn refresh_facts(&mut self, (policy, refuses): (&str, Option<&str>)) -> bool {
        let mut facts = facts::read(self.collectors.source());
        facts.policy = policy.to_string();
        facts.refuses = refuses.map(str::to_string);
        let changed = facts != self.facts;
        self.facts = facts;
        changed
    }

    fn take_events(&mut self, correction_ms: i64) -> Vec<AgentEvent> {
        let mut events = std::mem::take(&mut self.events);
        for event in &mut events {
            event.t = event.t.plus_ms(correction_ms);
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use watchtower_protocol::{BEGINNINGS, FAMILIES, Family, describe};

    use super::*;

    const WANTED: Wanted = Wanted { interval_ms: 10_000, watched: false, facts: false, correction_ms: 0 };

    #[test]
    fn reports_pass_the_protocols_checks_and_share_a_dictionary() {
        let mut reporter = Reporter::new(Source::new("/"), 7);
        let stats = AgentStats::default();
        let now = crate::clock::now();
        let first = reporter.report(now, &stats, ("monitor", None), Wanted { facts: true, ..WANTED });
        let second = reporter.report(now, &stats, ("monitor", None), WANTED);
        for report in [&first, &second] {
            report.check().unwrap();
            assert_eq!(report.samples.len(), reporter.dictionary().1.series.len());
        }
        reporter.dictionary().1.check().unwrap();
        assert_eq!((first.epoch, first.seq, second.seq), (7, 1, 2));
        assert!(first.facts.is_some() && second.facts.is_none());
        assert!(first.processes.is_some() && second.processes.is_some(), "rates need two tables");
        assert!(reporter.report(now, &stats, ("full", None), WANTED).processes.is_none());
        let watched = reporter.report(now, &stats, ("full", None), Wanted { watched: true, ..WANTED });
        assert!(watched.processes.is_some());
    }

    /// What the hub says of names is what this agent means by them.
    #[test]
    fn names_and_their_descriptions_are_the_same_set() {
        let mut reporter = Reporter::new(Source::new("/"), 1);
        let stats = AgentStats { clock_offset_seconds: Some(0.0), ..AgentStats::default() };
        reporter.report(crate::clock::now(), &stats, ("monitor", None), WANTED);
        let names = reporter.dictionary().1.series.iter().map(|entry| entry.name.as_str());
        let golden = include_str!("collect/golden.txt").lines();
        let golden = golden.filter_map(|line| line.split(['{', ' ']).next());
        for name in names.chain(golden) {
            assert!(describe(name).is_some(), "{name}");
        }
        let sources = sources(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"));
        let beginnings = BEGINNINGS.iter().map(|family| family.name);
        for Family { name, .. } in FAMILIES {
            let field = beginnings.clone().find_map(|beginning| name.strip_prefix(beginning));
            let word = field.map_or(*name, |field| field.rsplit('_').next().unwrap());
            assert!(sources.contains(&format!("\"{word}\"")), "nothing makes {name}");
        }
        for beginning in beginnings {
            assert!(sources.contains(&format!("\"{beginning}")), "nothing makes {beginning}");
        }
    }

    fn sources(dir: &std::path::Path) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                text += &sources(&path);
            } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
                // Names of tests do not count.
                text += std::fs::read_to_string(&path)
                    .unwrap()
                    .split("#[cfg(test)]\nmod tests {")
                    .next()
                    .unwrap();
            }
        }
        text
    }

    #[test]
    fn a_known_clock_error_is_corrected() {
        let mut reporter = Reporter::new(Source::new("/nowhere"), 1);
        let now = Moment { wall: watchtower_model::Timestamp(10_000), mono_ms: 5 };
        let stats = AgentStats { clock_offset_seconds: Some(5.0), ..AgentStats::default() };
        let report =
            reporter.report(now, &stats, ("monitor", None), Wanted { correction_ms: 5_000, ..WANTED });
        assert_eq!(report.t.0, 15_000);
        assert!(
            reporter.dictionary().1.series.iter().any(|s| s.name == "watchtower_agent_clock_offset_seconds")
        );
    }
}
