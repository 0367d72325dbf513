//! One report: events first, then samples, then the acknowledgement.
//!
//! Invariant: when [`accept`] returns, everything the report says is durable. A report that comes again changes nothing: its events
//! are named by (agent, epoch, seq, index), its samples are duplicates.

use std::sync::Arc;
use std::time::Instant;

use watchtower_model::limits::SERIES_PER_AGENT_MAX;
use watchtower_model::{AgentId, Event, Labels, METRIC_NAME, ServerId, Severity, Timestamp, stale_nan};
use watchtower_protocol::{Dictionary, Lane, Report};
use watchtower_store::{Statement, Store};
use watchtower_tsdb::{Progress, SeriesRef, Tsdb};

use super::appender::{Append, AppendError, Points};
use super::events::{Raise, store_statements};
use super::vitals::VitalsPlan;
use crate::error::HubError;
use crate::servers::{ResolvedDictionary, Server, ServerState};
use crate::{Hub, live, random};

/// What became of a report.
#[derive(Debug, PartialEq, Eq)]
pub enum Accepted {
    Durable,
    /// Its dictionary is not known: nothing of it was taken.
    NeedDictionary,
}

/// Finds the dictionary's series in the index, making those that are new.
pub fn learn_dictionary(tsdb: &Tsdb, server: &Server, dictionary: &Dictionary) {
    let labels: Vec<Labels> = dictionary
        .series
        .iter()
        .take(SERIES_PER_AGENT_MAX)
        .map(|entry| {
            let mut labels = entry.labels.to_builder();
            labels.set(METRIC_NAME, &entry.name);
            labels.build()
        })
        .collect();
    let resolved = tsdb.resolve(Some(server.id.0), &labels);
    if let Some(limit) = &resolved.limit {
        tracing::warn!(server = %server.id, refused = resolved.refused, "series refused: {limit:?}");
    }
    let up = tsdb.resolve(Some(server.id.0), &[Labels::from_pairs([(METRIC_NAME, "up")])]).refs[0];
    let dictionary_hash = dictionary.hash();
    let resolved = Arc::new(ResolvedDictionary { refs: resolved.refs, vitals: VitalsPlan::new(dictionary) });
    server.with(|state| {
        state.up = up;
        state.remember_dictionary(dictionary_hash, resolved);
    });
}

/// Takes a report that passed [`Report::check`].
pub async fn accept(
    hub: &Hub,
    server: &Arc<Server>,
    agent: AgentId,
    report: Report,
) -> Result<Accepted, HubError> {
    let (dictionary, up) = server.with(|state| (state.dictionary(&report.dictionary), state.up));
    let Some(dictionary) = dictionary else {
        return Ok(Accepted::NeedDictionary);
    };
    let now = hub.now();
    let live_lane = report.lane == Lane::Live;
    let gone =
        if live_lane { server.with(|state| state.gone(report.epoch, &dictionary)) } else { Vec::new() };
    if live_lane {
        // Also of a report that cannot be stored: a server is not lost because this disk is full.
        server.with(|state| state.last_live = Some(Instant::now()));
    }
    store_events(hub, server.id, agent, &report, now).await?;
    hub.disk.takes_metrics()?;
    let mut values: Vec<(SeriesRef, f64)> = Vec::with_capacity(report.samples.len() + 1);
    for (id, value) in &report.samples {
        if let Some(Some(series)) = dictionary.refs.get(*id as usize) {
            values.push((*series, value.0));
        }
    }
    values.extend(up.map(|up| (up, 1.0)));
    values.extend(gone.into_iter().map(|series| (series, stale_nan())));
    let progress = Some(Progress { agent, epoch: report.epoch, seq: report.seq });
    let points = Points::Report { t: report.t, values };
    let append = Append { progress, received_at: now, backfill: !live_lane, points };
    hub.appender.append(append).await.map_err(|error| match error {
        AppendError::Store(error) => HubError::from(error),
        AppendError::Stopped => HubError::Unavailable(error.to_string()),
    })?;
    hub.meters.reports.add(1);
    hub.meters.samples.add(report.samples.len() as u64);
    if live_lane {
        server.with(|state| state.said = Some((report.epoch, Arc::clone(&dictionary))));
        take_live(hub, server, &dictionary, &report, now).await?;
        crate::evaluate::on_report(hub, server, report.t);
    }
    Ok(Accepted::Durable)
}

async fn store_events(
    hub: &Hub,
    server: ServerId,
    agent: AgentId,
    report: &Report,
    now: Timestamp,
) -> Result<(), HubError> {
    let mut statements = Vec::new();
    for (index, event) in report.events.iter().enumerate() {
        let origin = format!("{agent}/{}/{}/{index}", report.epoch, report.seq);
        let event = Event {
            id: random::id(now).into(),
            kind: event.kind.clone(),
            source: "agent".into(),
            server_id: Some(server),
            severity: event.severity,
            message: event.message.clone(),
            labels: event.labels.clone(),
            at: event.t,
        };
        statements.extend(store_statements(&event, Some(&origin), now));
    }
    if !statements.is_empty() {
        hub.store.commit(statements).await?;
        hub.wake_events();
    }
    Ok(())
}

/// How often a server's time of last report is written while nothing else about it changes.
const LAST_REPORT_EVERY_MS: i64 = 30_000;
/// One process snapshot a minute is kept.
const PROCESSES_EVERY_MS: i64 = 60_000;

async fn take_live(
    hub: &Hub,
    server: &Arc<Server>,
    dictionary: &ResolvedDictionary,
    report: &Report,
    now: Timestamp,
) -> Result<(), HubError> {
    let mut by_id = vec![f64::NAN; dictionary.refs.len()];
    for (id, value) in &report.samples {
        if let Some(slot) = by_id.get_mut(*id as usize) {
            *slot = value.0;
        }
    }
    let values = |id: u32| by_id.get(id as usize).copied().filter(|v| !v.is_nan());
    let mut statements: Vec<Statement> = Vec::new();
    let (was_lost, vitals) = server.with(|state| {
        let total = report
            .processes
            .as_ref()
            .map(|table| table.total)
            .or(state.vitals.as_ref().and_then(|v| v.processes));
        let (vitals, inputs) = dictionary.vitals.compute(report.t, &values, state.vitals_inputs, total);
        let first = state.last_report_at.is_none();
        let was_lost = state.lost_at.take();
        let came_back = was_lost.is_some();
        let said_goodbye = state.goodbye.take().is_some();
        let stale_row = state.last_report_at.is_none_or(|at| now.since(at) >= LAST_REPORT_EVERY_MS);
        if report.interval_ms >= hub.config.timing.interval_ms {
            state.base_interval_ms = report.interval_ms;
        }
        if first || came_back || said_goodbye || stale_row {
            state.last_report_at = Some(now);
            statements.push(Store::set_last_report(server.id, now, state.base_interval_ms.into()));
        }
        if first || came_back || said_goodbye {
            statements.push(Store::insert_change("server", server.id, now));
        }
        if came_back {
            let text = format!("{} reports again", state.name);
            let event = Raise::hub("server.recovered", Some(server.id), Severity::Info, text);
            statements.extend(store_statements(&event.into_event(now), None, now));
        }
        state.interval_ms = report.interval_ms;
        state.vitals = Some(vitals.clone());
        state.vitals_inputs = Some(inputs);
        statements.extend(note_contents(state, server.id, report, now));
        (was_lost, vitals)
    });
    if !statements.is_empty()
        && let Err(error) = hub.store.commit(statements).await
    {
        // The report comes again; that the server had been lost must still be known then.
        server.with(|state| state.lost_at = state.lost_at.or(was_lost));
        return Err(error.into());
    }
    if was_lost.is_some() {
        hub.wake_events();
    }
    live::publish_vitals(hub, server.id, report.t, &vitals);
    Ok(())
}

/// What the report says beside its samples: facts that changed, and the process table, once a minute on disk.
fn note_contents(
    state: &mut ServerState,
    server: ServerId,
    report: &Report,
    now: Timestamp,
) -> Vec<Statement> {
    let mut statements = Vec::new();
    if let Some(facts) = report.facts.as_ref().filter(|facts| state.facts.as_ref() != Some(facts)) {
        statements.push(Store::set_facts(server, &serde_json::to_string(facts).unwrap_or_default()));
        statements.push(Store::insert_change("server", server, now));
        state.facts = Some(facts.clone());
    }
    if let Some(table) = &report.processes {
        state.processes = Some((report.t, Arc::new(table.clone())));
        if now.since(state.processes_saved_at) >= PROCESSES_EVERY_MS {
            state.processes_saved_at = now;
            let body = serde_json::to_string(table).unwrap_or_default();
            statements.push(Store::insert_processes(server, report.t, &body));
        }
    }
    statements
}
