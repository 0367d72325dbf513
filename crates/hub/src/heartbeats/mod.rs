//! Heartbeats: a job tells that it ran; one that does not is an alert, which its next success ends.
//!
//! Invariant: what is known of a heartbeat, the ping that said so and the alert change in one commit, guarded by the row's revision.

mod rhythm;
mod ping;
mod due;

pub use due::{end, reckon, tick};
pub use ping::{PING_BODY_BYTES_MAX, Ping, by_key, by_slug, ping};
pub use rhythm::{Every, Rhythm};

use watchtower_api_types::HeartbeatState;
use watchtower_automation::cron::Schedule;
use watchtower_model::{Labels, Severity, Timestamp};
use watchtower_store::{HeartbeatRow, Stored};

use crate::error::HubError;
use crate::objects::HeartbeatBody;
use crate::respond::{AlertResolve, AlertTrigger};
use rhythm::{Beat, State};

/// A heartbeat has one alert at a time.
const DEDUP_KEY: &str = "missed";

/// When it is missed, by what a person wrote.
///
/// # Errors
/// If its cron expression or zone is not known any more.
pub fn rhythm_of(body: &HeartbeatBody, now: Timestamp) -> Result<Rhythm, HubError> {
    let every = match &body.cron {
        Some(cron) => {
            let zone = body.timezone.as_deref().unwrap_or("UTC");
            let schedule = Schedule::new(cron, zone, now)
                .map_err(|e| HubError::invalid(if e.is_of_zone() { "timezone" } else { "cron" }, e))?;
            Every::Cron(Box::new(schedule))
        }
        None => Every::PeriodMs(body.period_ms),
    };
    Ok(Rhythm { every, grace_ms: body.grace_ms, finish_ms: body.finish_ms })
}

pub fn state_of(body: &HeartbeatBody, row: &HeartbeatRow) -> HeartbeatState {
    match (body.enabled, State::read(&row.state), row.started_at) {
        (false, ..) => HeartbeatState::Paused,
        (true, State::Down, _) => HeartbeatState::Down,
        (true, _, Some(_)) => HeartbeatState::Started,
        (true, State::New, None) => HeartbeatState::New,
        (true, State::Up, None) => HeartbeatState::Up,
    }
}

fn beat_of(row: &HeartbeatRow) -> Beat {
    Beat {
        state: State::read(&row.state),
        last_success_at: row.last_success_at,
        started_at: row.started_at,
        rid: row.rid.clone(),
    }
}

/// The row with another beat, and when that is missed.
fn with_beat(row: HeartbeatRow, beat: Beat, due_at: Option<Timestamp>) -> HeartbeatRow {
    HeartbeatRow {
        state: beat.state.as_str().into(),
        last_success_at: beat.last_success_at,
        started_at: beat.started_at,
        rid: beat.rid,
        due_at,
        ..row
    }
}

fn source_of(heartbeat: &Stored<HeartbeatBody>) -> String {
    format!("heartbeat:{}", heartbeat.id)
}

fn begins(heartbeat: &Stored<HeartbeatBody>, reason: &str, description: String) -> AlertTrigger {
    let body = &heartbeat.body;
    let slug = body.slug.as_deref().unwrap_or_default();
    let labels = [("heartbeat", body.name.as_str()), ("slug", slug)];
    AlertTrigger {
        source: source_of(heartbeat),
        dedup_key: DEDUP_KEY.into(),
        severity: Severity::Error,
        summary: format!("{}: {reason}", body.name),
        description,
        labels: Labels::from_pairs(labels.into_iter().filter(|(_, value)| !value.is_empty())),
        value: None,
        rule_id: None,
        server_id: None,
        paging: true,
        test: false,
        service: body.service_id,
        ends_at: None,
    }
}

fn ends(heartbeat: &Stored<HeartbeatBody>) -> AlertResolve {
    AlertResolve { source: source_of(heartbeat), dedup_key: DEDUP_KEY.into() }
}
