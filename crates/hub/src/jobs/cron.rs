//! The clock of automations with a cron trigger: what is due is answered, what waited goes on.
//!
//! Invariant: nothing is kept in memory. Automations are read from the database, since another hub may have changed them.

use watchtower_api_types::{AutomationTrigger, FiringState, RunState};
use watchtower_automation::cron::{CronError, Schedule};
use watchtower_automation::{self as engine, Due};
use watchtower_model::Timestamp;
use watchtower_store::{DueRow, FiringRow, Store, Stored};

use super::firing::{self, Claim, FiringBody, Occasion};
use super::targets;
use crate::Hub;
use crate::error::HubError;
use crate::objects::AutomationBody;

/// Due times answered in one go.
const DUE_AT_ONCE: i64 = 100;
/// Agents of a hub that has just started have this long to come back before what is due goes on without them.
const SETTLE_MS: i64 = 45_000;
/// What would be too late by then does not wait any longer for them.
const MARGIN_MS: i64 = 5_000;
pub const ZONE_DEFAULT: &str = "UTC";

/// The schedule of a trigger, if it has one.
pub fn schedule(trigger: &AutomationTrigger, now: Timestamp) -> Option<Result<Schedule, CronError>> {
    let zone = trigger.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    trigger.cron.as_ref().map(|cron| Schedule::new(cron, zone, now))
}

/// Answers what is due at `now`. One that cannot be answered does not hold up the others.
pub async fn tick(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    for open in hub.store.open_firings().await? {
        told(&open, go_on(hub, &open, now).await);
    }
    for due in hub.store.due_at(now, DUE_AT_ONCE).await? {
        if let Err(error) = answer(hub, &due, now).await {
            tracing::error!(automation = %due.automation_id, "firing: {error}");
        }
    }
    Ok(())
}

fn told(firing: &FiringRow, outcome: Result<(), HubError>) {
    if let Err(error) = outcome {
        tracing::error!(automation = %firing.automation_id, due = %firing.due_at, "firing: {error}");
    }
}

/// A firing whose run has ended unnoticed ends; one that waits is asked about again.
async fn go_on(hub: &Hub, firing: &FiringRow, now: Timestamp) -> Result<(), HubError> {
    match firing.run_id {
        Some(run) => {
            let ended = hub.store.run(run).await?.is_some_and(|run| run.finished_at.is_some());
            if ended { firing::run_ended(hub, run).await } else { Ok(()) }
        }
        None => start_waiting(hub, firing, now).await,
    }
}

async fn start_waiting(hub: &Hub, firing: &FiringRow, now: Timestamp) -> Result<(), HubError> {
    let automation = hub.store.object::<AutomationBody>(firing.automation_id.0).await?;
    let Some(automation) = automation else { return Ok(()) };
    if still_settling(hub, &automation, now) {
        return Ok(());
    }
    let body = FiringBody::read(firing)?;
    let occasion = Occasion {
        automation: &automation,
        due_at: firing.due_at,
        passed: body.passed,
        // What it waited for may have taken until it was switched off.
        too_late: (!automation.body.enabled)
            .then(|| (FiringState::Skipped, "the automation was disabled meanwhile".into())),
        claim: Claim::Waiting(firing.clone()),
        authority: body.authority,
        by: body.by,
    };
    firing::fire(hub, occasion, now).await.map(drop)
}

async fn answer(hub: &Hub, row: &DueRow, now: Timestamp) -> Result<(), HubError> {
    let automation = hub.store.object::<AutomationBody>(row.automation_id.0).await?;
    let Some(automation) = automation.filter(|automation| automation.body.enabled) else {
        return forget(hub, row).await;
    };
    let grace = grace_ms(&automation);
    let due = match schedule(&automation.body.trigger, now) {
        None => return forget(hub, row).await,
        // The zone is gone from this version's list, or no such day comes any more: it stops, and says so.
        Some(Err(error)) => Due {
            at: row.due_at,
            passed: 0,
            missed: Some(format!("it does not fire again: {error}")),
            next: None,
        },
        Some(Ok(schedule)) => {
            let Some(due) = engine::due(&schedule, row.due_at, grace, now) else { return Ok(()) };
            if in_time(due.at, grace, now) && still_settling(hub, &automation, now) {
                return Ok(());
            }
            due
        }
    };
    let occasion = Occasion {
        automation: &automation,
        due_at: due.at,
        passed: due.passed,
        too_late: due.missed.map(|reason| (FiringState::Missed, reason)),
        claim: Claim::Due { from: row.due_at, to: due.next },
        authority: automation.body.authority.clone(),
        by: None,
    };
    firing::fire(hub, occasion, now).await.map(drop)
}

/// Some agents are not back since the hub started.
fn still_settling(hub: &Hub, automation: &Stored<AutomationBody>, now: Timestamp) -> bool {
    let just_started = (0..SETTLE_MS).contains(&now.since(hub.started_at));
    just_started && targets::some_are_away(hub, &automation.body)
}

/// Whether a firing may still wait a little before it is too late.
fn in_time(due_at: Timestamp, grace_ms: i64, now: Timestamp) -> bool {
    now.since(due_at) + MARGIN_MS < engine::ON_TIME_MS.max(grace_ms)
}

fn grace_ms(automation: &Stored<AutomationBody>) -> i64 {
    (automation.body.trigger.missed_grace_seconds.unwrap_or(0.0) * 1000.0) as i64
}

/// It has no cron trigger any more, or is disabled.
async fn forget(hub: &Hub, row: &DueRow) -> Result<(), HubError> {
    hub.store.commit(vec![Store::clear_due(row.automation_id)]).await?;
    Ok(())
}

/// Whether a run that ended so says anything about the automation: what a person ended, or did not approve, does not.
pub(super) fn tells(state: RunState) -> bool {
    !matches!(state, RunState::Cancelled | RunState::Expired)
}
