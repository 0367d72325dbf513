//! `collect`: one report as JSON, with names resolved; two samples a second apart, for rates.

use std::time::Duration;

use serde::Serialize;
use watchtower_agent::clock;
use watchtower_agent::collect::source::Source;
use watchtower_agent::policy::Policy;
use watchtower_agent::report::{AgentStats, Reporter, Wanted};
use watchtower_model::Labels;
use watchtower_protocol::{Report, Value};

use super::{CommandError, print};
use crate::args::Args;

const BETWEEN_SAMPLES: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    series: Vec<Series<'a>>,
}

#[derive(Serialize)]
struct Series<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    value: Value,
}

pub fn print_one(args: &Args) -> Result<(), CommandError> {
    let policy = Policy::load(&args.policy);
    let mut reporter = Reporter::new(Source::new("/"), 1);
    let wanted = Wanted { interval_ms: 1_000, watched: true, facts: true, correction_ms: 0 };
    let stats = AgentStats::default();
    reporter.report(clock::now(), &stats, (policy.mode.as_str(), None), wanted);
    let mut events = Vec::new();
    reporter.collectors().wait_for_slow(clock::now, &mut events);
    std::thread::sleep(BETWEEN_SAMPLES);
    events.into_iter().for_each(|event| reporter.push_event(event));
    let report = reporter.report(clock::now(), &stats, (policy.mode.as_str(), None), wanted);
    let entries = &reporter.dictionary().1.series;
    let series = report
        .samples
        .iter()
        .filter_map(|(id, value)| {
            let entry = entries.get(*id as usize)?;
            Some(Series { name: &entry.name, labels: &entry.labels, value: *value })
        })
        .collect();
    let text = serde_json::to_string_pretty(&Printed { report: &report, series })
        .expect("a report holds no maps with keys other than strings");
    print(&text)
}
