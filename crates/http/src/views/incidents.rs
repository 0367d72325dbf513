//! Incidents, alerts, timelines, deliveries, statistics.

use watchtower_api_types::{
    Alert, AlertState, ChartHint, Delivery, Incident, IncidentState, IncidentStats, PendingAction, Processes,
    Time, TimelineEntry,
};
use watchtower_hub::analytics::quantile;
use watchtower_hub::configure::condition_of;
use watchtower_hub::quiet::Look;
use watchtower_hub::respond::targets;
use watchtower_hub::{Hub, HubError, respond};
use watchtower_incident::{self as engine, PendingKind, Resolution};
use watchtower_model::{IncidentId, RunId, ServerId, Timestamp};
use watchtower_protocol::ProcessTable;
use watchtower_store::{AlertFilter, AlertRow, DbError, IncidentRow, OutboxRow, TimelineRow};

/// Without what only a single incident shows.
pub fn incident(hub: &Hub, row: &IncidentRow) -> Result<Incident, HubError> {
    let state = respond::read_state(row)?;
    let seconds = |to: Option<Timestamp>| to.map(|to| to.since(row.triggered_at) as f64 / 1000.0);
    let server = row
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.name.clone()));
    let name = |actor: &Option<engine::Actor>| actor.as_ref().map(|actor| targets::actor_name(hub, actor));
    Ok(Incident {
        id: row.id,
        number: row.number,
        title: row.title.clone(),
        state: row.state.parse().map_err(HubError::Internal)?,
        severity: row.severity,
        urgency: state.urgency,
        service_id: row.service_id,
        service: state.service.name.clone(),
        server_id: row.server_id,
        server,
        test: row.test,
        alert_count: state.alerts.len() as u32,
        open_alert_count: state.open_alerts().count() as u32,
        triggered_at: row.triggered_at.into(),
        acknowledged_at: row.acknowledged_at.map(Into::into),
        acknowledged_by: name(&state.acked_by),
        suppressed_by: state.suppressed.clone().filter(|_| !state.is_resolved()),
        resolved_at: row.resolved_at.map(Into::into),
        resolved_by: name(&state.resolved_by),
        resolve_reason: state.resolved_reason.map(|reason| resolution(reason).to_string()),
        reopened: state.reopened,
        merged_into: state.merged_into.map(|into| into.number),
        merged: state.merged.iter().map(|one| one.number).collect(),
        time_to_acknowledge_seconds: seconds(row.first_acknowledged_at),
        time_to_resolve_seconds: seconds(row.resolved_at),
        unanswered: state.unanswered,
        flapping: state.flapping,
        recurrence_of: state.recurrence_of,
        repair: row.repair.clone(),
        pending_actions: state.pending_actions.iter().map(|action| pending(hub, &state, action)).collect(),
        alerts: Vec::new(),
        in_common: None,
        chart: None,
        processes: None,
        runbook_url: None,
    })
}

fn resolution(reason: Resolution) -> &'static str {
    match reason {
        Resolution::AlertsResolved => "alerts_resolved",
        Resolution::Manual => "manual",
        Resolution::Timeout => "timeout",
        Resolution::Merged => "merged",
    }
}

fn pending(hub: &Hub, state: &engine::Incident, action: &engine::PendingAction) -> PendingAction {
    let step_targets = |step: usize| {
        let step = state.policy.steps.get(step);
        step.map(|step| respond::describe_asked(hub, step.strategy, &step.targets)).unwrap_or_default()
    };
    let steps = state.policy.steps.len();
    let (kind, text) = match action.kind {
        PendingKind::ReleaseHold => ("release_hold", format!("pages {}", step_targets(0))),
        PendingKind::Escalate if state.step + 1 < steps => {
            ("escalate", format!("pages {}", step_targets(state.step + 1)))
        }
        PendingKind::Escalate if state.loop_no < state.policy.repeat => {
            ("escalate", format!("pages {} again", step_targets(0)))
        }
        PendingKind::Escalate => ("escalate", "tells the catch-all channel that nobody answered".into()),
        PendingKind::Unacknowledge => ("unacknowledge", "the acknowledgement runs out".into()),
        PendingKind::AutoResolve => ("auto_resolve", "resolves by itself".into()),
        PendingKind::ResolveCalm => ("resolve_calm", "ends if nothing comes back until then".into()),
    };
    PendingAction { kind: kind.into(), at: action.at.into(), text }
}

/// With alerts, chart and processes.
pub async fn incident_alone(hub: &Hub, row: &IncidentRow) -> Result<Incident, HubError> {
    let mut out = incident(hub, row)?;
    let filter = AlertFilter { incident: Some(row.id), limit: 200, ..AlertFilter::default() };
    let rows = hub.store.alerts(&filter).await?;
    out.chart = rows.first().and_then(|alert| chart(hub, alert));
    let look = Look::now(hub).await?;
    out.alerts = rows.into_iter().map(|alert_row| alert(hub, &look, alert_row, Some(row.number))).collect();
    if out.alert_count > 1 {
        out.in_common = respond::in_common(hub, &hub.store.servers_of_incident(row.id).await?);
    }
    let waiting = respond::waiting_messages(&hub.store.outbox_of(row.id).await?, hub.now());
    out.pending_actions.extend(waiting.iter().map(|message| PendingAction {
        kind: "notify".into(),
        at: message.at.into(),
        text: format!("pages {}", message.addressee(hub)),
    }));
    out.pending_actions.sort_by_key(|action| action.at);
    out.processes = row.processes.as_deref().and_then(processes_of);
    out.runbook_url =
        hub.objects().service(row.service_id).and_then(|service| service.body.0.runbook_url.clone());
    Ok(out)
}

fn processes_of(text: &str) -> Option<Processes> {
    let (at, table): (Timestamp, ProcessTable) = serde_json::from_str(text).ok()?;
    Some(super::processes(at, &table))
}

/// The rule's expression on the alert's own series, and its threshold.
fn chart(hub: &Hub, alert: &AlertRow) -> Option<ChartHint> {
    let objects = hub.objects();
    let expr = objects.rule(alert.rule_id?)?.body.input.expr.clone()?;
    let instance = alert.labels.0.get("instance").map(String::from);
    let condition = condition_of(&expr, instance.as_deref())?;
    Some(ChartHint {
        expr: condition.expr,
        threshold: condition.threshold,
        direction: condition.direction.map(String::from),
    })
}

/// With the numbers of their incidents.
pub async fn alerts(hub: &Hub, rows: Vec<AlertRow>) -> Result<Vec<Alert>, DbError> {
    let ids: Vec<IncidentId> = rows.iter().filter_map(|row| row.incident_id).collect();
    let heads = hub.store.incident_heads(&ids).await?;
    let number = |row: &AlertRow| row.incident_id.and_then(|id| heads.get(&id)).map(|head| head.number);
    let look = Look::now(hub).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let number = number(&row);
            alert(hub, &look, row, number)
        })
        .collect())
}

fn alert(hub: &Hub, look: &Look, row: AlertRow, incident_number: Option<i64>) -> Alert {
    let server = row
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.name.clone()));
    let covering = if row.resolved_at.is_none() { look.reasons(&row) } else { Vec::new() };
    Alert {
        id: row.id,
        source: row.source,
        dedup_key: row.dedup_key,
        state: row.state.parse().unwrap_or(AlertState::Firing),
        severity: row.severity,
        summary: row.summary,
        description: row.description,
        labels: row.labels.0,
        value: row.value.filter(|v| v.is_finite()),
        rule_id: row.rule_id,
        server_id: row.server_id,
        server,
        incident_id: row.incident_id,
        incident_number,
        suppressed_by: covering.into_iter().next().map(|reason| reason.words),
        count: row.count,
        first_seen_at: row.first_seen_at.into(),
        last_seen_at: row.last_seen_at.into(),
        resolved_at: row.resolved_at.map(Into::into),
    }
}

/// With the numbers of their runs.
pub async fn timeline(hub: &Hub, rows: Vec<TimelineRow>) -> Result<Vec<TimelineEntry>, DbError> {
    let ids: Vec<RunId> = rows.iter().filter_map(|row| row.run_id).collect();
    let numbers = hub.store.run_numbers(&ids).await?;
    let entry = |row: TimelineRow| TimelineEntry {
        sequence: row.sequence,
        at: row.at.into(),
        kind: row.kind,
        actor: row.actor,
        text: row.text,
        detail: row.detail,
        run_id: row.run_id,
        run_number: row.run_id.and_then(|id| numbers.get(&id)).copied(),
    };
    Ok(rows.into_iter().map(entry).collect())
}

pub fn delivery(hub: &Hub, row: OutboxRow) -> Delivery {
    let channel = hub.objects().channel(row.channel_id).map(|channel| channel.body.name.clone());
    Delivery {
        id: row.id.to_string(),
        kind: row.kind,
        channel_id: row.channel_id,
        channel: channel.unwrap_or_else(|| "a removed channel".into()),
        state: row.state,
        attempts: row.attempts as u32,
        created_at: row.created_at.into(),
        next_at: row.next_at.map(Into::into),
        delivered_at: row.delivered_at.map(Into::into),
        last_error: row.last_error,
    }
}

/// Over the incidents of those servers that `sees` lets through.
pub async fn stats(
    hub: &Hub,
    since: Timestamp,
    sees: impl Fn(Option<ServerId>) -> bool,
) -> Result<IncidentStats, DbError> {
    let mut rows = hub.store.incident_stats(since).await?;
    rows.retain(|row| sees(row.server_id));
    let state = |state: IncidentState| rows.iter().filter(|row| row.state == state.as_str()).count() as u32;
    let mut to_ack: Vec<i64> =
        rows.iter().filter_map(|r| Some(r.first_acknowledged_at?.since(r.triggered_at))).collect();
    let mut to_resolve: Vec<i64> =
        rows.iter().filter_map(|r| Some(r.resolved_at?.since(r.triggered_at))).collect();
    let by_itself =
        |r: &&watchtower_store::StatsRow| r.resolved_at.is_some() && r.first_acknowledged_at.is_none();
    Ok(IncidentStats {
        since_at: Time(since),
        total: rows.len() as u32,
        open: state(IncidentState::Triggered) + state(IncidentState::Acknowledged),
        unacknowledged: state(IncidentState::Triggered),
        auto_resolved: rows.iter().filter(by_itself).count() as u32,
        time_to_acknowledge_p50_seconds: quantile(&mut to_ack, 0.5),
        time_to_acknowledge_p90_seconds: quantile(&mut to_ack, 0.9),
        time_to_resolve_p50_seconds: quantile(&mut to_resolve, 0.5),
        time_to_resolve_p90_seconds: quantile(&mut to_resolve, 0.9),
    })
}
