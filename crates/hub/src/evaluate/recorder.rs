//! Recording rules: run before the alerting rules of the same data, their results readable at once and durable with the next commit.
//!
//! What a server's own series decide is stored as that server's: labels it has anyway are not stored again, and who may see the
//! server may see it. Everything else belongs to no server.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use watchtower_model::{Labels, RuleId, ServerId, Timestamp, stale_nan};
use watchtower_promql::{Answer, Limits, QueryError, Settings, eval_instant};
use watchtower_rules::RecordingRule;
use watchtower_tsdb::{Batch, Samples, SeriesRef, Tsdb};

use super::evaluator::Part;
use crate::forward::Forward;
use crate::query::Source;

/// A recording rule ready to run.
pub struct Recording {
    pub id: RuleId,
    pub rule: RecordingRule,
    pub partitioned: bool,
}

/// How a part of a rule went last.
#[derive(Default)]
struct Recorded {
    at: Option<Timestamp>,
    series: HashSet<SeriesRef>,
    error: Option<String>,
}

#[derive(Default)]
pub struct Recorder(Mutex<HashMap<Part, Recorded>>);

impl Recorder {
    fn parts(&self) -> MutexGuard<'_, HashMap<Part, Recorded>> {
        self.0.lock().expect("no code panics while it holds what was recorded")
    }

    pub fn error(&self, rule: RuleId) -> Option<String> {
        self.parts().iter().find(|((id, _), r)| *id == rule && r.error.is_some())?.1.error.clone()
    }

    pub fn recorded_at(&self, rule: RuleId) -> Option<Timestamp> {
        self.parts().iter().filter(|((id, _), _)| *id == rule).filter_map(|(_, r)| r.at).max()
    }

    pub fn forget(&self, gone: impl Fn(&Part) -> bool) {
        self.parts().retain(|part, _| !gone(part));
    }

    /// Runs one rule and writes what it says; series that it no longer says end with a stale marker.
    pub fn run(
        &self,
        forward: &Forward,
        recording: &Recording,
        server: Option<ServerId>,
        at: Timestamp,
        source: &Source,
        settings: &Settings,
        limits: &Limits<'_>,
    ) {
        let part = (recording.id, server);
        let before = std::mem::take(&mut self.parts().entry(part).or_default().series);
        let result = results(&recording.rule, at, source, settings, limits)
            .map_err(|error| error.to_string())
            .and_then(|results| write(&source.tsdb, forward, server, at, &results, &before));
        let next = match result {
            Ok(series) => Recorded { at: Some(at), series, error: None },
            Err(error) => Recorded { at: Some(at), series: before, error: Some(error) },
        };
        self.parts().insert(part, next);
    }
}

fn results(
    rule: &RecordingRule,
    at: Timestamp,
    source: &Source,
    settings: &Settings,
    limits: &Limits<'_>,
) -> Result<Vec<(Labels, f64)>, QueryError> {
    Ok(match eval_instant(&rule.expr, at, source, settings, limits)? {
        Answer::Vector(elements) => elements.into_iter().map(|e| (rule.labels_of(&e.labels), e.v)).collect(),
        Answer::Scalar(sample) => vec![(rule.labels_of(&Labels::empty()), sample.v)],
        Answer::String(..) | Answer::Matrix(_) => Vec::new(),
    })
}

fn write(
    tsdb: &Tsdb,
    forward: &Forward,
    server: Option<ServerId>,
    at: Timestamp,
    results: &[(Labels, f64)],
    before: &HashSet<SeriesRef>,
) -> Result<HashSet<SeriesRef>, String> {
    let owner = server.map(|server| server.0);
    let labels: Vec<Labels> = results.iter().map(|(labels, _)| tsdb.own_labels(owner, labels)).collect();
    let resolved = tsdb.resolve(owner, &labels);
    if let Some(limit) = resolved.limit {
        return Err(limit.to_string());
    }
    let refs: Vec<SeriesRef> = resolved.refs.into_iter().flatten().collect();
    let now: HashSet<SeriesRef> = refs.iter().copied().collect();
    if now.len() < results.len() {
        return Err("two results have the same labels once the rule's labels are set".into());
    }
    let mut points: Vec<_> = refs.iter().zip(results).map(|(series, (_, v))| (*series, at, *v)).collect();
    points.extend(before.difference(&now).map(|series| (*series, at, stale_nan())));
    let samples = Samples::Loose(&points);
    let batch = Batch { progress: None, received_at: at, backfill: false, samples };
    tsdb.enqueue(&[batch]).map_err(|error| error.to_string())?;
    forward.offer(points);
    Ok(now)
}
