//! A silent agent is an event too: `server.lost`, `server.recovered`, `hub.cut_off`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use watchtower_model::{Labels, METRIC_NAME, Severity, Timestamp, format_duration_ms};
use watchtower_store::Store;

use super::appender::{Append, Points};
use super::events::{Raise, raise, store_statements};
use crate::error::HubError;
use crate::servers::{Server, ServerState};
use crate::{Hub, evaluate};

const TICK: Duration = Duration::from_millis(500);
/// A tick that comes this late means that the hub itself stood still: its view of everybody's silence is worth nothing.
const STALL: Duration = Duration::from_secs(3);
/// Intervals without a report.
const INTERVALS: u64 = 3;
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

/// How a server stands as far as its silence tells.
enum Silence {
    Never,
    Fine,
    Lost,
    Newly(Duration),
}

fn silence_of(state: &ServerState, baseline: Instant, now: Timestamp) -> Silence {
    if state.last_report_at.is_none() {
        return Silence::Never;
    }
    if state.lost_at.is_some() {
        return Silence::Lost;
    }
    let silence = state.last_live.map_or(baseline.elapsed(), |at| at.max(baseline).elapsed());
    let interval = u64::from(state.base_interval_ms.max(state.interval_ms));
    let away = state.goodbye.as_ref().is_some_and(|(reason, at)| {
        now.since(*at) < if reason == "reboot" { REBOOT_GRACE_MS } else { RESTART_GRACE_MS }
    });
    if silence > Duration::from_millis(interval * INTERVALS) && !away {
        Silence::Newly(silence)
    } else {
        Silence::Fine
    }
}

async fn check(hub: &Hub, baseline: Instant) -> Result<(), HubError> {
    let now = hub.now();
    let mut newly = Vec::new();
    let (mut watched, mut lost) = (0, 0);
    for server in hub.servers.unordered() {
        let silence = server.with(|state| silence_of(state, baseline, now));
        watched += usize::from(!matches!(silence, Silence::Never));
        match silence {
            Silence::Never | Silence::Fine => {}
            Silence::Lost => {
                lost += 1;
                still_down(hub, &server, now).await;
            }
            Silence::Newly(_) => {
                lost += 1;
                newly.push(server);
            }
        }
    }
    let cut_off = watched >= CUT_OFF_SERVERS_MIN && lost as f64 > watched as f64 * CUT_OFF_SHARE;
    if cut_off != hub.cut_off.load(Ordering::Relaxed) {
        // Only what has been told counts: else it is tried again with the next tick.
        tell_cut_off(hub, cut_off, lost, watched).await?;
        hub.cut_off.store(cut_off, Ordering::Relaxed);
    }
    for server in newly {
        mark_lost(hub, &server, baseline, cut_off).await?;
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
    baseline: Instant,
    cut_off: bool,
) -> Result<(), HubError> {
    let now = hub.now();
    let marked = server.with(|state| match silence_of(state, baseline, now) {
        Silence::Newly(silence) => {
            state.lost_at = Some(now);
            Some((silence, state.name.clone()))
        }
        // It reported while the others were looked at.
        _ => None,
    });
    let Some((silence, name)) = marked else { return Ok(()) };
    let text =
        format!("{name} stopped reporting {} ago", format_duration_ms((silence.as_secs() * 1000) as i64));
    let mut event = Raise::hub("server.lost", Some(server.id), Severity::Critical, text).into_event(now);
    if cut_off {
        event.labels = Labels::from_pairs([("cut_off", "true")]);
    }
    let mut statements = store_statements(&event, None, now);
    statements.push(Store::set_lost(server.id, Some(now)));
    statements.push(Store::insert_change("server", server.id, now));
    if let Err(error) = hub.store.commit(statements).await {
        // Nobody has been told: the next tick finds it lost again.
        server.with(|state| state.lost_at = None);
        return Err(error.into());
    }
    hub.wake_events();
    still_down(hub, server, now).await;
    Ok(())
}

/// `up 0` at each interval while a server is lost, and the rules that read nothing but `up`. All other rules of it rest.
async fn still_down(hub: &Hub, server: &Arc<Server>, now: Timestamp) {
    let due = server.with(|state| {
        let interval = Duration::from_millis(u64::from(state.base_interval_ms));
        let due = state.down_told_at.is_none_or(|at| at.elapsed() >= interval);
        if due {
            state.down_told_at = Some(Instant::now());
        }
        due.then_some(state.up)
    });
    let Some(known) = due else { return };
    let up = known.or_else(|| {
        hub.tsdb.resolve(Some(server.id.0), &[Labels::from_pairs([(METRIC_NAME, "up")])]).refs[0]
    });
    let Some(up) = up else { return };
    let append = Append {
        progress: None,
        received_at: now,
        backfill: false,
        points: Points::Report { t: now, values: vec![(up, 0.0)] },
    };
    match hub.appender.append(append).await {
        Ok(_) => evaluate::on_silence(hub, server, now),
        Err(error) => tracing::warn!(server = %server.id, "writing up 0: {error}"),
    }
}
