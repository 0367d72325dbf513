//! Event rules: stored events become alerts, at once or after the rule's delay, and end with the event that says so.
//!
//! An event counts as handled only after what it caused is stored: a crash in between matches it again, and alerts are unique by key.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use watchtower_api_types::{RuleInput, RuleKind};
use watchtower_model::{Event, Labels, RuleId, ServerId, Severity, Timestamp};
use watchtower_rules::{EventVerdict, Transition, TransitionKind};
use watchtower_store::{Statement, Store};

use super::alerts::{AlertResolve, AlertTrigger, resolve, trigger, trigger_together};
use crate::error::HubError;
use crate::evaluate::event_rule;
use crate::{Hub, WAKE_EVENTS};

const BATCH: i64 = 200;
const POLL: Duration = Duration::from_millis(500);
/// Prefix of the part under which a delayed alert waits.
const WAITING: &str = "event/";

/// A delayed alert.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    due: Timestamp,
    dedup_key: String,
    severity: Severity,
    summary: String,
    description: String,
    labels: Labels,
    server_id: Option<ServerId>,
    paging: bool,
}

/// Matches events until the hub stops.
pub async fn run(hub: Hub) {
    let Ok(mut waiter) = hub.bus.waiter(WAKE_EVENTS) else { return };
    while hub.running() {
        match tick(&hub).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!("event rules: {error}"),
        }
        tokio::select! {
            () = hub.stopped() => return,
            () = tokio::time::sleep(POLL) => {}
            () = waiter.wait() => {}
        }
    }
}

/// Whether there may be more to do at once.
async fn tick(hub: &Hub) -> Result<bool, HubError> {
    let rows = hub.store.unhandled_events(BATCH).await?;
    let full = rows.len() as i64 == BATCH;
    let mut failed = 0;
    for row in rows {
        let event = row.into_event();
        // One that cannot be stored now is matched again; it does not hold up those behind it.
        if let Err(error) = match_event(hub, &event).await {
            tracing::error!(event = %event.id, kind = %event.kind.0, "matching event rules: {error}");
            failed += 1;
        }
    }
    fire_due(hub).await?;
    Ok(full && failed == 0)
}

async fn match_event(hub: &Hub, event: &Event) -> Result<(), HubError> {
    let objects = hub.objects();
    let mut acts = Vec::new();
    for stored in objects.rules.iter().filter(|stored| stored.body.input.enabled) {
        let input = &stored.body.input;
        if input.kind != RuleKind::Event {
            continue;
        }
        let Some(rule) = event_rule(input) else { continue };
        if let EventVerdict::Alert(transition) = rule.judge(event, hub.now()) {
            acts.push((RuleId(stored.id), input, transition));
        }
    }
    // Handled in the same transaction as the last of what it causes: a crash cannot page for it twice.
    let mut handled = vec![Store::mark_event_handled(event.id)];
    let last = acts.len().saturating_sub(1);
    for (i, (rule, input, transition)) in acts.iter().enumerate() {
        let also = if i == last { std::mem::take(&mut handled) } else { Vec::new() };
        act(hub, *rule, input, event, transition, also).await?;
    }
    hub.store.commit(handled).await?;
    Ok(())
}

async fn act(
    hub: &Hub,
    rule: RuleId,
    input: &RuleInput,
    event: &Event,
    transition: &Transition,
    mut also: Vec<Statement>,
) -> Result<(), HubError> {
    let key = transition.key.to_string();
    let part = format!("{WAITING}{key}");
    let source = format!("rule:{rule}");
    if transition.kind == TransitionKind::Resolved {
        also.push(Store::delete_rule_state(rule, &part));
        resolve(hub, AlertResolve { source, dedup_key: key }, also).await?;
        return Ok(());
    }
    let now = hub.now();
    let delay_ms = (input.for_seconds * 1000.0) as i64;
    let waiting = waiting(hub, input, event, transition, now.plus_ms(delay_ms));
    // A cut-off hub has one page of its own; the servers behind it are only seen.
    if delay_ms > 0 && hub.store.open_alert(&source, &key).await?.is_none() {
        let body = serde_json::to_string(&waiting).unwrap_or_default();
        // One that waits already keeps its time: an event that repeats itself must not put it off for ever.
        also.push(Store::insert_rule_state(rule, &part, &body, now));
        hub.store.commit(also).await?;
        return Ok(());
    }
    trigger(hub, alert(rule, waiting), also).await.map(drop)
}

fn waiting(hub: &Hub, input: &RuleInput, event: &Event, transition: &Transition, due: Timestamp) -> Waiting {
    let text = |name: &str| transition.annotations.get(name).cloned().filter(|text| !text.is_empty());
    let server = event
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.name.clone()));
    let summary = text("summary").unwrap_or_else(|| match &server {
        Some(name) if !event.message.contains(name.as_str()) => format!("{name}: {}", event.message),
        _ => event.message.clone(),
    });
    let mut labels = transition.labels.to_builder();
    if let Some(name) = &server {
        labels.set("instance", name);
    }
    Waiting {
        due,
        dedup_key: transition.key.to_string(),
        severity: transition.severity,
        summary,
        description: text("description").unwrap_or_default(),
        labels: labels.build(),
        server_id: event.server_id,
        paging: input.paging && event.labels.get("cut_off").is_none(),
    }
}

fn alert(rule: RuleId, waiting: Waiting) -> AlertTrigger {
    AlertTrigger {
        source: format!("rule:{rule}"),
        dedup_key: waiting.dedup_key,
        severity: waiting.severity,
        summary: waiting.summary,
        description: waiting.description,
        labels: waiting.labels,
        value: None,
        rule_id: Some(rule),
        server_id: waiting.server_id,
        paging: waiting.paging,
        test: false,
        service: None,
        ends_at: None,
    }
}

/// The alerts that wait for the delay of one of these rules: the server of each, where it has one.
pub async fn waiting_of(hub: &Hub, rules: &[RuleId]) -> Result<Vec<Option<ServerId>>, HubError> {
    let rows = hub.store.waiting_rule_states().await?;
    let theirs = rows.iter().filter(|row| rules.contains(&row.rule_id));
    Ok(theirs
        .filter_map(|row| serde_json::from_str::<Waiting>(&row.body).ok())
        .map(|waiting| waiting.server_id)
        .collect())
}

/// Delayed alerts whose time has come, and whose rule still wants them: all at once, so that what happened together is told together.
async fn fire_due(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    let mut due = Vec::new();
    for row in hub.store.waiting_rule_states().await? {
        let gone = Store::delete_rule_state(row.rule_id, &row.part);
        let Ok(body) = serde_json::from_str::<Waiting>(&row.body) else {
            hub.store.commit(vec![gone]).await?;
            continue;
        };
        let objects = hub.objects();
        let rule = objects.rule(row.rule_id).filter(|rule| rule.body.input.enabled);
        let present = body.server_id.is_none_or(|id| hub.servers.get(id).is_some());
        match rule.filter(|_| present) {
            None => drop(hub.store.commit(vec![gone]).await?),
            Some(rule) if body.due <= now => {
                // The first servers to fall silent were told of before it was known that most of them are.
                let behind_cut_off = rule.body.input.event_kind.as_deref() == Some("server.lost")
                    && hub.cut_off.load(std::sync::atomic::Ordering::Relaxed);
                let waiting = Waiting { paging: body.paging && !behind_cut_off, ..body };
                due.push((alert(row.rule_id, waiting), vec![gone]));
            }
            Some(_) => {}
        }
    }
    if !due.is_empty() {
        trigger_together(hub, due).await?;
    }
    Ok(())
}
