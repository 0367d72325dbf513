//! Automations with a cron trigger: what is checked when they are saved, and what their page shows.

use watchtower_api_types as api;
use watchtower_api_types::{FiringState, RunState};
use watchtower_automation::cron::{CronError, Schedule};
use watchtower_matchers::Matchers;
use watchtower_model::{AutomationId, Timestamp};
use watchtower_store::{FiringRow, Object, Statement, Store, Stored, objects as stored};

use super::automations::{Automations, view_gate};
use super::{Noun, find, save, seconds};
use crate::Hub;
use crate::access::Principal;
use crate::error::HubError;
use crate::jobs::cron::{ZONE_DEFAULT, schedule};
use crate::jobs::firing::{self, Claim, FiringBody, Occasion};
use crate::jobs::rollout;
use crate::objects::AutomationBody;

/// The longest a missed firing may be made up for.
const GRACE_SECONDS_MAX: f64 = 7.0 * 86_400.0;
/// Firings that a preview shows.
const PREVIEWED: usize = 5;

fn refused(error: CronError) -> HubError {
    HubError::invalid(if error.is_of_zone() { "trigger.timezone" } else { "trigger.cron" }, error)
}

/// Checks what belongs to a cron trigger, and writes down what was left to be assumed.
pub(super) fn check(input: &mut api::AutomationInput, now: Timestamp) -> Result<(), HubError> {
    if input.trigger.rule_id.is_some() || input.trigger.matchers.is_some() {
        return Err(HubError::invalid("trigger", "is either the clock or alerts: make two automations"));
    }
    let zone = input.trigger.timezone.clone().unwrap_or_else(|| ZONE_DEFAULT.into());
    let cron = input.trigger.cron.clone().unwrap_or_default();
    let schedule = Schedule::new(&cron, &zone, now).map_err(refused)?;
    input.trigger.timezone = Some(schedule.zone_name().into());
    let on: Matchers =
        input.on.as_deref().unwrap_or_default().parse().map_err(|e| HubError::invalid("on", e))?;
    if on.is_empty() {
        let text = "selects nothing: name servers by labels, such as env=\"prod\" or name=\"web-1\"";
        return Err(HubError::invalid("on", text));
    }
    if let Some(rollout) = &input.rollout {
        rollout::resolve(rollout, 1)?;
    }
    let grace = *input.trigger.missed_grace_seconds.get_or_insert(0.0);
    seconds("trigger.missed_grace_seconds", grace, 0.0, GRACE_SECONDS_MAX)?;
    input.trigger.overlap.get_or_insert(api::Overlap::Skip);
    Ok(())
}

/// An automation that acts on alerts acts on their servers: what would say otherwise is not taken in silence.
pub(super) fn refuse_fields(input: &api::AutomationInput) -> Result<(), HubError> {
    let trigger = &input.trigger;
    for (field, given) in [
        ("on", input.on.is_some()),
        ("rollout", input.rollout.is_some()),
        ("trigger.timezone", trigger.timezone.is_some()),
        ("trigger.overlap", trigger.overlap.is_some()),
        ("trigger.missed_grace_seconds", trigger.missed_grace_seconds.is_some()),
    ] {
        if given {
            return Err(HubError::invalid(field, "is for cron triggers: alerts are acted on where they are"));
        }
    }
    Ok(())
}

/// What is to be written of when it is due. An edit that leaves the trigger as it was does not touch what may be due right now.
pub(super) fn timetable(
    id: AutomationId,
    old: Option<&AutomationBody>,
    new: &AutomationBody,
    now: Timestamp,
) -> Vec<Statement> {
    let when = |body: &AutomationBody| {
        body.enabled.then(|| (body.trigger.cron.clone(), body.trigger.timezone.clone()))
    };
    let next = schedule(&new.trigger, now).and_then(Result::ok).and_then(|schedule| schedule.next(now));
    vec![match next.filter(|_| new.enabled) {
        Some(next) if old.is_some_and(|old| when(old) == when(new)) => Store::ensure_due(id, next),
        Some(next) => Store::set_due(id, next),
        None => Store::clear_due(id),
    }]
}

/// The trigger in words, and the next due times of an automation that is switched on.
pub(super) fn shown(
    body: &AutomationBody,
    count: usize,
    now: Timestamp,
) -> (Option<String>, Vec<api::FiringTime>) {
    match schedule(&body.trigger, now) {
        None => (None, Vec::new()),
        Some(Err(error)) => (Some(error.to_string()), Vec::new()),
        Some(Ok(schedule)) => {
            let next = if body.enabled { times(&schedule, count, now) } else { Vec::new() };
            (Some(schedule.words()), next)
        }
    }
}

fn times(schedule: &Schedule, count: usize, now: Timestamp) -> Vec<api::FiringTime> {
    let time = |at: Timestamp| api::FiringTime { at: at.into(), local: schedule.local(at) };
    schedule.upcoming(now, count).into_iter().map(time).collect()
}

/// What an expression means, or what is wrong with it.
pub fn preview(hub: &Hub, input: api::CronPreviewInput) -> api::CronPreview {
    let now = hub.now();
    let zone = input.timezone.unwrap_or_else(|| ZONE_DEFAULT.into());
    match Schedule::new(&input.cron, &zone, now) {
        Ok(schedule) => api::CronPreview {
            timezone: schedule.zone_name().into(),
            words: schedule.words(),
            next: times(&schedule, PREVIEWED, now),
            error: None,
            error_field: None,
        },
        Err(error) => api::CronPreview {
            timezone: zone,
            words: String::new(),
            next: Vec::new(),
            error: Some(error.to_string()),
            error_field: Some(if error.is_of_zone() { "timezone" } else { "cron" }.into()),
        },
    }
}

/// The newest firings of an automation with a cron trigger.
pub(super) async fn firings(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    limit: i64,
) -> Result<Vec<api::Firing>, HubError> {
    let mut out = Vec::new();
    if automation.body.trigger.cron.is_some() {
        for row in hub.store.firings_of(AutomationId(automation.id), limit).await? {
            out.push(view(hub, &row).await?);
        }
    }
    Ok(out)
}

/// Leaves out the names of servers, some of which may not be the caller's to see.
pub(super) fn hide_servers(firing: &mut api::Firing) {
    firing.left_out.clear();
    for gate in firing.gates.iter_mut().filter(|gate| gate.name == "identity" && !gate.passed) {
        gate.reason = "who stands for it may not do this any more".into();
        firing.reason.clone_from(&gate.reason);
    }
}

async fn view(hub: &Hub, row: &FiringRow) -> Result<api::Firing, HubError> {
    let body = FiringBody::read(row)?;
    let run = match row.run_id {
        Some(id) => hub.store.run(id).await?,
        None => None,
    };
    let state = row.state.parse().map_err(HubError::Internal)?;
    let awaits = run.as_ref().is_some_and(|run| run.state == RunState::AwaitingApproval.as_str());
    Ok(api::Firing {
        id: row.id.to_string(),
        automation_id: row.automation_id,
        due_at: row.due_at.into(),
        state: if awaits { FiringState::AwaitingApproval } else { state },
        gates: body.gates.iter().map(view_gate).collect(),
        reason: body.reason,
        passed: body.passed,
        left_out: body.left_out,
        by: body.by,
        run_id: row.run_id,
        run_number: run.map(|run| run.number),
        created_at: row.created_at.into(),
        finished_at: row.finished_at.map(Into::into),
    })
}

/// Somebody else stands for it from now on; all else stays as it is.
pub async fn take_over(hub: &Hub, by: &Principal, name: &str) -> Result<api::Automation, HubError> {
    let old = find::<Automations>(hub, name)?;
    let now = hub.now();
    let body =
        AutomationBody { authority: by.authority.to_string(), person: by.person.clone(), ..old.body.clone() };
    let mut statements = stored::update(old.id, old.version, &body, &by.name, now);
    statements.push(Store::insert_change(AutomationBody::KIND, old.id, now));
    save::<Automations>(hub, &by.name, "take_over", &body.name, statements).await?;
    let made = find::<Automations>(hub, &old.id.to_string())?;
    Automations::view(hub, &made, true).await
}

/// Does now what the clock does when it is due, by the right of who asks.
pub async fn fire(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    by: &Principal,
) -> Result<api::Firing, HubError> {
    if automation.body.trigger.cron.is_none() {
        return Err(HubError::Conflict("it acts on alerts, not by the clock: run its script instead".into()));
    }
    let now = hub.now();
    let occasion = Occasion {
        automation,
        due_at: now,
        passed: 0,
        too_late: None,
        claim: Claim::ByHand,
        authority: by.authority.to_string(),
        by: Some(by.name.clone()),
    };
    match firing::fire(hub, occasion, now).await? {
        Some(row) => view(hub, &row).await,
        None => Err(HubError::Conflict("it was fired at this very moment already".into())),
    }
}
