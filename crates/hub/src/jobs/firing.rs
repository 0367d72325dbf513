//! One firing of a cron trigger: the gates are asked, and it runs, waits, or says why not.
//!
//! Invariant: a due time is answered in one commit: the timetable moves on, the firing is recorded, and its run exists or does not.

use serde::{Deserialize, Serialize};
use watchtower_api_types::{ExecutionState, FiringState, RunState};
use watchtower_automation::{self as engine, Action, FiringAction, Gate, GateName};
use watchtower_model::{AutomationId, Event, Id, Labels, RunId, Severity, Timestamp, format_duration_ms};
use watchtower_store::objects as stored;
use watchtower_store::{DbError, FiringRow, RunRow, Statement, Store, Stored};

use super::ids::{self, Ids};
use super::targets::{self, Targets};
use super::{cron, runs};
use crate::error::HubError;
use crate::ingest::{Raise, store_statements};
use crate::objects::AutomationBody;
use crate::{Hub, WAKE_CHANGES, WAKE_RUNS};

const TRIES: usize = 8;

/// A firing as stored beside its columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FiringBody {
    pub gates: Vec<Gate>,
    pub reason: String,
    /// Due times before it that were missed too.
    pub passed: u32,
    pub left_out: Vec<String>,
    /// Who fired it by hand.
    pub by: Option<String>,
    /// By whose right.
    pub authority: String,
}

impl FiringBody {
    pub fn read(row: &FiringRow) -> Result<FiringBody, HubError> {
        serde_json::from_str(&row.body).map_err(|e| HubError::Internal(format!("firing {}: {e}", row.id)))
    }
}

/// What is to be answered.
pub struct Occasion<'a> {
    pub automation: &'a Stored<AutomationBody>,
    pub due_at: Timestamp,
    pub passed: u32,
    /// Why it does not run any more, if so: missed, or skipped.
    pub too_late: Option<(FiringState, String)>,
    pub claim: Claim,
    pub authority: String,
    pub by: Option<String>,
}

/// What makes the answer stale when another hub was quicker.
pub enum Claim {
    /// The timetable, which moves on.
    Due {
        from: Timestamp,
        to: Option<Timestamp>,
    },
    /// A firing that waited.
    Waiting(FiringRow),
    ByHand,
}

impl Occasion<'_> {
    pub(super) fn id(&self) -> AutomationId {
        AutomationId(self.automation.id)
    }

    /// What is said of a run that no hub could start in time.
    fn made_up_for(&self, now: Timestamp) -> Option<String> {
        let late = now.since(self.due_at) / 1000 * 1000;
        let by_clock = matches!(self.claim, Claim::Due { .. }) && late > engine::ON_TIME_MS;
        by_clock
            .then(|| format!("made up for, {} late: no hub ran when it was due", format_duration_ms(late)))
    }

    /// The same wherever and whenever this due time is answered.
    fn cause(&self) -> String {
        format!("{}/{}", self.automation.id, self.due_at.0)
    }

    fn row(&self, state: FiringState, body: &FiringBody, now: Timestamp) -> FiringRow {
        let open = matches!(state, FiringState::Waiting | FiringState::Running);
        FiringRow {
            id: ids::derived(&self.cause()),
            automation_id: self.id(),
            due_at: self.due_at,
            state: state.as_str().into(),
            body: serde_json::to_string(body).unwrap_or_default(),
            run_id: (state == FiringState::Running).then(|| ids::run_id(&self.cause())),
            created_at: now,
            finished_at: (!open).then_some(now),
        }
    }

    /// What answers the due time; stale or not unique when another was quicker.
    fn statements(&self, row: &FiringRow, now: Timestamp) -> Vec<Statement> {
        let mut out = match &self.claim {
            Claim::Due { from, to } => {
                vec![Store::move_due(self.id(), *from, *to), Store::insert_firing(row)]
            }
            Claim::Waiting(_) => vec![Store::answer_waiting_firing(row)],
            Claim::ByHand => vec![Store::insert_firing(row)],
        };
        out.extend([Store::trim_firings(self.id()), Store::insert_change("automation", self.id(), now)]);
        out
    }
}

/// Answers a due time; `None` when another hub did, or it goes on waiting.
pub async fn fire(hub: &Hub, occasion: Occasion<'_>, now: Timestamp) -> Result<Option<FiringRow>, HubError> {
    let mut body = FiringBody {
        passed: occasion.passed,
        by: occasion.by.clone(),
        authority: occasion.authority.clone(),
        ..FiringBody::default()
    };
    if let Some((state, reason)) = &occasion.too_late {
        body.reason.clone_from(reason);
        let event = (*state == FiringState::Missed)
            .then(|| told(&occasion, "automation.missed", format!("did not run: {reason}"), now));
        return record(hub, &occasion, *state, &body, event, now).await;
    }
    let targets = targets::gather(hub, &occasion, now).await?;
    let (action, decision) =
        engine::decide_firing(targets.mode, targets.overlap, engine::Rate::default(), &targets.facts, now);
    body.reason = decision.refusal().or_else(|| occasion.made_up_for(now)).unwrap_or_default();
    body.gates = decision.gates;
    body.left_out.clone_from(&targets.left_out);
    match action {
        FiringAction::Wait if matches!(occasion.claim, Claim::Waiting(_)) => Ok(None),
        FiringAction::Wait => record(hub, &occasion, FiringState::Waiting, &body, None, now).await,
        FiringAction::Do(Action::Observe) => {
            body.reason = "every gate passed: it would have run".into();
            record(hub, &occasion, FiringState::Observed, &body, None, now).await
        }
        FiringAction::Do(Action::Refuse) => {
            let event = refusal_event(hub, &occasion, &targets, now).await?;
            record(hub, &occasion, FiringState::Skipped, &body, event, now).await
        }
        FiringAction::Do(action) => {
            start(hub, &occasion, targets, body, action == Action::AwaitApproval, now).await
        }
    }
}

/// Stores an answer that starts no run.
async fn record(
    hub: &Hub,
    occasion: &Occasion<'_>,
    state: FiringState,
    body: &FiringBody,
    event: Option<Event>,
    now: Timestamp,
) -> Result<Option<FiringRow>, HubError> {
    let row = occasion.row(state, body, now);
    let mut statements = occasion.statements(&row, now);
    statements.extend(event.iter().flat_map(|event| store_statements(event, None, now)));
    match hub.store.commit(statements).await {
        Err(DbError::Stale | DbError::Unique(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    hub.bus.wake(WAKE_CHANGES);
    if event.is_some() {
        hub.wake_events();
    }
    Ok(Some(row))
}

async fn start(
    hub: &Hub,
    occasion: &Occasion<'_>,
    targets: Targets,
    mut body: FiringBody,
    needs_approval: bool,
    now: Timestamp,
) -> Result<Option<FiringRow>, HubError> {
    let row = occasion.row(FiringState::Running, &body, now);
    let automation = &occasion.automation.body;
    let work = targets.work.ok_or_else(|| HubError::Internal("a firing without a script".into()))?;
    let names: Vec<String> =
        targets.ready.iter().map(|server| server.with(|state| state.name.clone())).collect();
    let start = runs::Start {
        name: work.name,
        script: Some(work.script),
        command: work.command,
        selector: automation.on.clone().unwrap_or_default(),
        targets: targets.ready,
        started_by: occasion.by.clone().unwrap_or_else(|| format!("automation {}", automation.name)),
        person: targets.person,
        authority: occasion.authority.clone(),
        automation: Some(occasion.id()),
        incident: None,
        rollout: automation.rollout.clone(),
        needs_approval,
        ids: Ids::From(occasion.cause()),
        with: occasion.statements(&row, now),
    };
    match runs::start(hub, start).await {
        Ok(run) => {
            let actor = occasion.by.clone().unwrap_or_else(|| format!("automation {}", automation.name));
            let detail = format!("run {} on {}", run.number, names.join(", "));
            hub.store.append_audit(hub.now(), &actor, "automation.fire", &automation.name, &detail).await?;
            Ok(Some(row))
        }
        // Another hub was quicker; or the run was made, and what follows failed: it is taken up like any other.
        Err(error) if answered(hub, row.id).await? => {
            tracing::debug!(firing = %row.id, "not started here: {error}");
            Ok(None)
        }
        Err(error) => {
            body.reason = error.public_text();
            record(hub, occasion, FiringState::Skipped, &body, None, now).await
        }
    }
}

async fn answered(hub: &Hub, id: Id) -> Result<bool, HubError> {
    let stored = hub.store.firing(id).await?;
    Ok(stored.is_some_and(|row| row.state != FiringState::Waiting.as_str()))
}

/// Tells that its maker has lost the right: the first time, not at every due time after it.
async fn refusal_event(
    hub: &Hub,
    occasion: &Occasion<'_>,
    targets: &Targets,
    now: Timestamp,
) -> Result<Option<Event>, HubError> {
    let Some(reason) = &targets.facts.identity_refusal else { return Ok(None) };
    let before = hub.store.firings_of(occasion.id(), 1).await?;
    let told_before = match before.first() {
        Some(row) => {
            FiringBody::read(row)?.gates.iter().any(|gate| gate.name == GateName::Identity && !gate.passed)
        }
        None => false,
    };
    let text = format!("does not run any more: {reason}");
    Ok((!told_before).then(|| told(occasion, "automation.refused", text, now)))
}

fn told(occasion: &Occasion<'_>, kind: &'static str, text: String, now: Timestamp) -> Event {
    event_of(&occasion.automation.body.name, kind, text, now)
}

fn event_of(name: &str, kind: &'static str, text: String, now: Timestamp) -> Event {
    let message = format!("automation {name} {text}");
    let raise = Raise::hub(kind, None, Severity::Warning, message);
    Raise { labels: Labels::from_pairs([("automation", name)]), ..raise }.into_event(now)
}

/// A run has ended: its firing ends with it, and the breaker learns of it, in one commit.
pub(super) async fn run_ended(hub: &Hub, run: RunId) -> Result<(), HubError> {
    for _ in 0..TRIES {
        let firing = hub.store.firing_of_run(run).await?.filter(|firing| firing.finished_at.is_none());
        let (Some(firing), Some(run)) = (firing, hub.store.run(run).await?) else { return Ok(()) };
        match end(hub, &firing, &run).await {
            Err(DbError::Stale) => {}
            Err(error) => return Err(error.into()),
            Ok(breaker_changed) => {
                hub.wake_events();
                // What waited for it goes on.
                hub.bus.wake(WAKE_RUNS);
                return if breaker_changed { hub.reload_objects().await } else { Ok(()) };
            }
        }
    }
    Err(HubError::Conflict("the automation is changed by somebody else all the time".into()))
}

/// Returns whether the breaker is another now.
async fn end(hub: &Hub, firing: &FiringRow, run: &RunRow) -> Result<bool, DbError> {
    let now = hub.now();
    let executions = hub.store.executions_of(run.id).await?;
    let good = executions.iter().filter(|one| one.state == ExecutionState::Succeeded.as_str()).count();
    let failed = engine::run_failed(good as u32, executions.len() as u32);
    let mut statements = vec![
        Store::end_firing(firing.id, &run.state, now),
        Store::insert_change("automation", firing.automation_id, now),
    ];
    let mut changed = false;
    let tells = run.state.parse::<RunState>().is_ok_and(cron::tells);
    let automation = hub.store.object::<AutomationBody>(firing.automation_id.0).await?;
    if let Some(automation) = automation.filter(|_| tells) {
        let before = automation.body.breaker;
        let breaker = if failed { before.failed(now) } else { before.succeeded() };
        if failed {
            let text =
                format!("failed: run {} succeeded on {good} of {} servers", run.number, executions.len());
            statements.extend(store_statements(
                &event_of(&automation.body.name, "automation.failed", text, now),
                None,
                now,
            ));
        }
        changed = breaker != before;
        if changed {
            let body = AutomationBody { breaker, ..automation.body };
            statements.extend(stored::update(automation.id, automation.version, &body, "watchtower", now));
        }
    }
    hub.store.commit(statements).await.map(|_| changed)
}
