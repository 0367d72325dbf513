//! The first page, and the hub's own health.

use std::collections::HashSet;

use axum::Json;
use watchtower_api_types::{Activity, HubStatus, IncidentState, Overview, ServerCounts, ServerStatus};
use watchtower_hub::Hub;
use watchtower_hub::jobs::send;
use watchtower_model::Severity;

use crate::caller::{Caller, Reply};
use crate::health::resident_bytes;
use crate::views;

const STATS_MS: i64 = 7 * 86_400_000;
const NEEDS_ACTION: usize = 8;
const ACTIVITY: usize = 20;
/// Lines that are looked at for it.
const ACTIVITY_READ: i64 = 200;

pub async fn overview(caller: Caller) -> Reply<Overview> {
    let hub = &caller.hub;
    let open = hub.store.open_incidents().await?;
    let mut needs_action: Vec<_> = open
        .iter()
        .filter(|row| row.state == IncidentState::Triggered.as_str() && caller.sees_server(row.server_id))
        .map(|row| views::incident(hub, row))
        .collect::<Result<_, _>>()?;
    needs_action.sort_by_key(|incident| (std::cmp::Reverse(incident.severity), incident.triggered_at));
    needs_action.truncate(NEEDS_ACTION);
    Ok(Json(Overview {
        servers: counts(&caller).await?,
        stats: views::stats(hub, hub.now().plus_ms(-STATS_MS), |server| caller.sees_server(server)).await?,
        needs_action,
        runs_in_progress: hub.store.runs_in_progress().await? as u32,
        deployments_in_progress: hub.store.deployments_in_progress().await? as u32,
        activity: activity(&caller).await?,
    }))
}

async fn counts(caller: &Caller) -> Result<ServerCounts, crate::problem::Failure> {
    let trouble = views::Trouble::load(&caller.hub).await?;
    let now = caller.hub.now();
    let mut counts = ServerCounts::default();
    for server in caller.hub.servers.all() {
        if !caller.sees(&server) {
            continue;
        }
        counts.total += 1;
        match server.with(|state| state.status(now)) {
            ServerStatus::Up => counts.up += 1,
            ServerStatus::Lost => counts.lost += 1,
            ServerStatus::Away => counts.away += 1,
            ServerStatus::Pending => counts.pending += 1,
            ServerStatus::Maintenance => counts.maintenance += 1,
        }
        match trouble.worst(server.id) {
            Some(severity) if severity >= Severity::Error => counts.critical += 1,
            Some(_) => counts.warning += 1,
            None => {}
        }
    }
    Ok(counts)
}

/// The newest of each incident: one that many lines are about must not push all else out.
async fn activity(caller: &Caller) -> Result<Vec<Activity>, crate::problem::Failure> {
    let mut out = Vec::new();
    let mut told = HashSet::new();
    let mut entries = caller.hub.store.recent_timeline(ACTIVITY_READ).await?;
    entries.retain(|entry| told.insert(entry.incident_id));
    let incidents: Vec<_> = entries.iter().map(|entry| entry.incident_id).collect();
    let heads = caller.hub.store.incident_heads(&incidents).await?;
    for entry in entries.into_iter().take(ACTIVITY) {
        let Some(row) = heads.get(&entry.incident_id) else { continue };
        if caller.sees_server(row.server_id) {
            out.push(Activity {
                at: entry.at.into(),
                kind: entry.kind,
                text: format!("INC-{} {}: {} ({})", row.number, row.title, entry.text, entry.actor),
                severity: Some(row.severity),
                link: Some(format!("/incidents/{}", row.number)),
            });
        }
    }
    Ok(out)
}

pub async fn status(caller: Caller) -> Reply<HubStatus> {
    let hub = &caller.hub;
    let stats = hub.tsdb.stats();
    let lag_ms = send::lag_ms(hub).await?;
    let disk_free_bytes = views::disk_free_bytes(&hub.config.data_dir);
    let up_seconds = hub.now().since(hub.started_at).max(1) as f64 / 1000.0;
    let mut problems = Vec::new();
    if lag_ms > 60_000 {
        problems.push(format!("the oldest message to people is {} s late", lag_ms / 1000));
    }
    problems.extend(hub.disk.problem());
    if hub.objects().channels.iter().all(|channel| !channel.body.catch_all || !channel.body.enabled) {
        problems.push("no channel hears of incidents that nobody answered: mark one as catch-all".into());
    }
    if let Some(halt) = hub.halt.current() {
        problems.push(format!("all work on servers is halted by {}: {}", halt.by, halt.reason));
    }
    if let Some(hold) = hub.page_hold.current() {
        problems.push(format!("messages to people are held by {}: {}", hold.by, hold.reason));
    }
    problems.extend(audited(hub));
    if hub.store.clock().offset_ms().abs() > 2000 {
        problems
            .push(format!("this machine's clock is {} ms off the database's", hub.store.clock().offset_ms()));
    }
    Ok(Json(HubStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: hub.started_at.into(),
        database: hub.store.db().kind().into(),
        bus: hub.bus.kind().into(),
        agents_connected: hub.links.len() as u32,
        series: stats.series as u64,
        samples_per_second: hub.meters.samples.get() as f64 / up_seconds,
        outbox_lag_seconds: lag_ms as f64 / 1000.0,
        memory_bytes: resident_bytes(),
        disk_free_bytes,
        problems,
    }))
}

/// What the last audit found, and whether anybody outside would notice that this hub has stopped.
fn audited(hub: &Hub) -> Vec<String> {
    let audit = hub.audits.last();
    let mut out = Vec::new();
    if hub.config.heartbeat_url.is_none() {
        out.push(
            "nobody outside would notice that this hub has stopped: start it with --heartbeat-url".into(),
        );
    }
    if let Some(error) = audit.beat_error {
        let last = audit.beat_at.map_or("never".into(), |at| at.to_rfc3339());
        out.push(format!("the heartbeat to --heartbeat-url fails (last taken: {last}): {error}"));
    }
    out.extend(audit.warnings);
    out
}
