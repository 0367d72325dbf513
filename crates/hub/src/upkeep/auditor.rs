//! Watches the watchman: nothing that is due may be overdue, and somebody outside hears each minute that this is so.
//!
//! Invariant: the outside hears nothing of a hub whose audit fails, cannot be made, or whose messages are held.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use watchtower_egress::{HttpRequest, Method};
use watchtower_model::{RuleId, ServiceId, Severity, Timestamp, Urgency};

use crate::Hub;
use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::jobs::send;
use crate::respond::{self, on_call};

/// Something due for longer than this means that a loop is stuck.
const OVERDUE_MS: i64 = 60_000;
/// Time for whoever watches this hub to answer.
const BEAT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is said of the configuration; the first are as good as all.
const WARNINGS_MAX: usize = 20;

/// What the last audit found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// What is late, in words.
    pub overdue: Option<String>,
    /// Whether something being late was what was told last; not known before this hub's first audit.
    told: Option<bool>,
    /// People who would not be reached, in words.
    pub warnings: Vec<String>,
    /// When the outside last took the heartbeat.
    pub beat_at: Option<Timestamp>,
    /// Why it did not take the last one.
    pub beat_error: Option<String>,
}

/// The last audit, shared with whoever asks for the hub's health.
#[derive(Default)]
pub struct Audits(Mutex<Audit>);

impl Audits {
    pub fn last(&self) -> Audit {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut Audit)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    let overdue = overdue(&hub).await?;
    let warnings = warnings(&hub).await?;
    hub.audits.set(|audit| {
        audit.overdue.clone_from(&overdue);
        audit.warnings = warnings;
    });
    tell(&hub, overdue.as_deref()).await?;
    if overdue.is_none() && !hub.page_hold.is_on() {
        beat(&hub).await;
    }
    Ok(())
}

/// What is late although nobody holds it.
async fn overdue(hub: &Hub) -> Result<Option<String>, HubError> {
    let late_timers = hub.store.due_incidents(hub.now().plus_ms(-OVERDUE_MS), 100).await?.len();
    let lag_ms = if hub.page_hold.is_on() { 0 } else { send::lag_ms(hub).await? };
    if late_timers == 0 && lag_ms < OVERDUE_MS {
        return Ok(None);
    }
    hub.meters.overdue.add(late_timers.max(1) as u64);
    Ok(Some(format!("{late_timers} timers and the oldest message ({} s) are overdue", lag_ms / 1000)))
}

/// Once when it begins, once when it is over; what cannot be stored is told by the next audit.
async fn tell(hub: &Hub, overdue: Option<&str>) -> Result<(), HubError> {
    let told = match hub.audits.last().told {
        Some(told) => told,
        None => left_open(hub).await?,
    };
    match overdue {
        Some(text) if !told => {
            raise(hub, Raise::hub("hub.overdue", None, Severity::Critical, text)).await?;
        }
        None if told => {
            let text = "nothing is overdue any more";
            raise(hub, Raise::hub("hub.on_time", None, Severity::Info, text)).await?;
        }
        _ => {}
    }
    hub.audits.set(|audit| audit.told = Some(overdue.is_some()));
    Ok(())
}

/// Whether a hub that ended before it could tell left an alert about what was late.
async fn left_open(hub: &Hub) -> Result<bool, HubError> {
    let objects = hub.objects();
    let about = |id: RuleId| {
        objects.rule(id).is_some_and(|rule| rule.body.input.event_kind.as_deref() == Some("hub.overdue"))
    };
    Ok(hub.store.open_alerts().await?.iter().any(|alert| alert.rule_id.is_some_and(about)))
}

/// Schedules with gaps, and services whose pages reach nobody.
async fn warnings(hub: &Hub) -> Result<Vec<String>, HubError> {
    let (objects, now) = (hub.objects(), hub.now());
    let schedules = objects.schedules.iter().filter_map(|schedule| {
        let at = on_call::people(hub, schedule, now).is_empty();
        at.then(|| format!("nobody is on call for {} now", schedule.body.name))
    });
    let mut warnings: Vec<String> = schedules.collect();
    for service in &objects.services {
        let plan = respond::page_plan(hub, service, Urgency::High, now).await?;
        if plan.messages.is_empty() && is_routed(hub, ServiceId(service.id)) {
            warnings.push(format!("a page for service {} reaches nobody but the catch-all", plan.service));
        }
    }
    warnings.truncate(WARNINGS_MAX);
    Ok(warnings)
}

/// Whether alerts come to a service by themselves.
fn is_routed(hub: &Hub, service: ServiceId) -> bool {
    hub.objects().routes.iter().any(|route| route.body.service_id == service)
}

/// Tells the outside that all is well. What it does not hear, it reports.
async fn beat(hub: &Hub) {
    let Some(url) = &hub.config.heartbeat_url else { return };
    let request = HttpRequest {
        method: Method::GET,
        url: url.clone(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: BEAT_TIMEOUT,
    };
    let error = match hub.egress.http(request).await {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) => Some(format!("it answered {}", answer.status)),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = &error {
        tracing::warn!("the heartbeat to --heartbeat-url: {error}");
    }
    let now = hub.now();
    hub.audits.set(|audit| {
        audit.beat_at = if error.is_none() { Some(now) } else { audit.beat_at };
        audit.beat_error = error;
    });
}
