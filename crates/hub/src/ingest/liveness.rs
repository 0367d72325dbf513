//! A silent agent is an event too: `server.lost`, `server.recovered`, `hub.cut_off`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watchtower_model::{Labels, METRIC_NAME, Severity, format_duration_ms};
use watchtower_store::Store;

use super::appender::Append;
use super::events::{Raise, raise, store_statements};
use crate::Hub;
use crate::error::HubError;
use crate::servers::Server;

const TICK: Duration = Duration::from_millis(500);
/// A tick that comes this late means that the hub itself stood still: its view of everybody's silence is worth nothing.
const STALL: Duration = Duration::from_secs(3);
/// Intervals without a report.
const INTERVALS: u32 = 3;
/// Goodbye delays `server.lost` by this much: a restart of the agent, a reboot of the server.
const RESTART_GRACE_MS: i64 = 120_000;
const REBOOT_GRACE_MS: i64 = 600_000;
/// More than this share of the fleet lost at once means that the hub is cut off rather than all of them gone.
const CUT_OFF_SHARE: f64 = 0.3;
const CUT_OFF_SERVERS_MIN: usize = 4;

/// Watches for silence until the hub stops.
pub async fn run(hub: Hub) {
    // Silence is counted from here: a hub that was away knows nothing of the time before.
    let mut baseline = Instant::now();
    let mut last_tick = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let grace = Duration::from_millis(hub.config.timing.lost_grace_ms.max(0) as u64);
    let started = Instant::now();
    while hub.running() {
        ticks.tick().await;
        if last_tick.elapsed() > STALL {
            baseline = Instant::now();
        }
        last_tick = Instant::now();
        if started.elapsed() < grace {
            continue;
        }
        if let Err(error) = check(&hub, baseline).await {
            tracing::warn!("checking for lost servers: {error}");
        }
    }
}

async fn check(hub: &Hub, baseline: Instant) -> Result<(), HubError> {
    let now = hub.now();
    let all = hub.servers.all();
    let mut newly = Vec::new();
    let (mut watched, mut lost) = (0, 0);
    for server in &all {
        let state = server.get();
        if state.last_report_at.is_none() {
            continue;
        }
        watched += 1;
        let silence = state.last_live.map_or(baseline.elapsed(), |at| at.max(baseline).elapsed());
        let allowed =
            Duration::from_millis(u64::from(state.base_interval_ms.max(state.interval_ms) * INTERVALS));
        let away = state.goodbye.as_ref().is_some_and(|(reason, at)| {
            now.since(*at) < if reason == "reboot" { REBOOT_GRACE_MS } else { RESTART_GRACE_MS }
        });
        if state.lost_at.is_some() {
            lost += 1;
        } else if silence > allowed && !away {
            lost += 1;
            newly.push((Arc::clone(server), silence));
        }
    }
    let cut_off = watched >= CUT_OFF_SERVERS_MIN && lost as f64 > watched as f64 * CUT_OFF_SHARE;
    if cut_off != hub.cut_off.swap(cut_off, std::sync::atomic::Ordering::Relaxed) {
        tell_cut_off(hub, cut_off, lost, watched).await?;
    }
    for (server, silence) in newly {
        mark_lost(hub, &server, silence, cut_off).await?;
    }
    Ok(())
}

async fn tell_cut_off(hub: &Hub, cut_off: bool, lost: usize, watched: usize) -> Result<(), HubError> {
    let event = if cut_off {
        let text = format!(
            "{lost} of {watched} servers stopped reporting at once: the hub may be cut off; automations stop"
        );
        Raise::hub("hub.cut_off", None, Severity::Critical, text)
    } else {
        Raise::hub("hub.reconnected", None, Severity::Info, "most servers report again")
    };
    raise(hub, event).await.map(drop)
}

async fn mark_lost(
    hub: &Hub,
    server: &Arc<Server>,
    silence: Duration,
    cut_off: bool,
) -> Result<(), HubError> {
    let now = hub.now();
    let (name, up) = server.with(|state| {
        state.lost_at = Some(now);
        (state.name.clone(), state.up)
    });
    let text =
        format!("{name} stopped reporting {} ago", format_duration_ms((silence.as_secs() * 1000) as i64));
    let mut event = Raise::hub("server.lost", Some(server.id), Severity::Critical, text).into_event(now);
    if cut_off {
        event.labels = Labels::from_pairs([("cut_off", "true")]);
    }
    let mut statements = store_statements(&event, None, now);
    statements.push(Store::set_lost(server.id, Some(now)));
    statements.push(Store::insert_change("server", server.id, now));
    hub.store.commit(statements).await?;
    hub.wake_events();
    if let Some(up) = up
        .or_else(|| hub.tsdb.resolve(Some(server.id.0), &[Labels::from_pairs([(METRIC_NAME, "up")])]).refs[0])
    {
        let append =
            Append { progress: None, received_at: now, backfill: false, t: now, values: vec![(up, 0.0)] };
        if let Err(error) = hub.appender.append(append).await {
            tracing::warn!(server = %server.id, "writing up 0: {error}");
        }
    }
    Ok(())
}

/// Called when a lost server's live report arrives.
pub(super) async fn recovered(hub: &Hub, server: &Arc<Server>) -> Result<(), HubError> {
    let name = server.with(|state| state.name.clone());
    raise(
        hub,
        Raise::hub("server.recovered", Some(server.id), Severity::Info, format!("{name} reports again")),
    )
    .await
    .map(drop)
}
