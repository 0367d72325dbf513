//! One step of one incident: read, advance, write all that follows, or nothing.

use watchtower_incident::{self as engine, Incident, Input};
use watchtower_model::IncidentId;
use watchtower_store::{DbError, IncidentRow, Statement, Store};

use super::rounds::Rounds;
use super::step::Step;
use super::successor;
use crate::error::HubError;
use crate::{Hub, WAKE_CHANGES, WAKE_INCIDENTS, WAKE_OUTBOX};

/// Times a step is tried when another hub was faster.
pub(super) const TRIES: usize = 8;
/// Incidents woken in one go.
const WAKES: i64 = 100;

/// Moves an incident by one input. `also` is written in the same transaction.
pub async fn advance(
    hub: &Hub,
    id: IncidentId,
    input: Input,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    advance_locked(hub, id, input, also).await
}

pub(super) async fn advance_locked(
    hub: &Hub,
    id: IncidentId,
    input: Input,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    advance_all(hub, Find::Standing(id), &[input], also).await
}

/// Moves an open incident by alerts that join it; `also` stores them as its own. A conflict where it ended, or went on in another one,
/// since it was looked for.
pub(super) async fn join_locked(
    hub: &Hub,
    id: IncidentId,
    signals: Vec<engine::AlertSignal>,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let inputs: Vec<Input> = signals.into_iter().map(Input::AlertTriggered).collect();
    advance_all(hub, Find::Open(id), &inputs, also).await
}

/// Which incident inputs are for.
#[derive(Clone, Copy)]
pub(super) enum Find {
    /// This one, or what it was merged into, if they follow it there.
    Standing(IncidentId),
    /// This one while it is open.
    Open(IncidentId),
    /// This one while it is over.
    Ended(IncidentId),
}

/// Moves an incident by several inputs at one time.
pub(super) async fn advance_all(
    hub: &Hub,
    find: Find,
    inputs: &[Input],
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    for _ in 0..TRIES {
        let row = find.row(hub, inputs).await?;
        let state = read_state(&row)?;
        let now = hub.now();
        let mut step = Step::new(hub, row.processes.clone(), row.test, now);
        step.rounds = Rounds::for_inputs(hub, &state.policy, inputs).await?;
        let state = step.take(state, inputs.to_vec());
        let mut statements = vec![Store::update_incident(&step.row(&state, Some(&row)))];
        statements.extend(step.statements);
        statements.extend(also.clone());
        match hub.store.commit(statements).await {
            Err(DbError::Stale) => {}
            Err(DbError::Unique(_)) => {
                let why = "the same trouble was opened elsewhere at the same moment: look again";
                return Err(HubError::Conflict(why.into()));
            }
            Err(error) => return Err(error.into()),
            Ok(_) => {
                if state.is_resolved() {
                    // Its alerts are over with it.
                    hub.inhibitors.changed();
                }
                wake(hub);
                return Ok(state);
            }
        }
    }
    Err(HubError::Conflict("the incident is changed by somebody else all the time".into()))
}

impl Find {
    async fn row(self, hub: &Hub, inputs: &[Input]) -> Result<IncidentRow, HubError> {
        let (Find::Standing(id) | Find::Open(id) | Find::Ended(id)) = self;
        let row = hub.store.incident(id).await?.ok_or_else(|| HubError::not_found("incident", id))?;
        match self {
            Find::Open(_) if row.resolved_at.is_some() => {
                Err(HubError::Conflict("the incident that it was to join is over by now".into()))
            }
            Find::Ended(_) if row.resolved_at.is_none() => {
                Err(HubError::Conflict(format!("INC-{} is open", row.number)))
            }
            Find::Standing(_) if inputs.iter().all(Input::follows_a_merge) => {
                Ok(successor(hub, &row).await?.unwrap_or(row))
            }
            _ => Ok(row),
        }
    }
}

/// Opens an incident with its first alert, which others join at once. `also` is written in the same transaction.
pub(super) async fn open_locked(
    hub: &Hub,
    opening: engine::Opening,
    joining: Vec<engine::AlertSignal>,
    test: bool,
    processes: Option<String>,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let now = hub.now();
    let (state, effects) = engine::open(opening, now);
    let mut step = Step::new(hub, processes, test, now);
    step.rounds = Rounds::read(hub, &[&state.policy]).await?;
    let state = step.run(state, effects);
    let state = step.take(state, joining.into_iter().map(Input::AlertTriggered).collect());
    let mut statements = vec![Store::insert_incident(&step.row(&state, None))];
    statements.extend(step.statements);
    statements.extend(also);
    hub.store.commit(statements).await?;
    wake(hub);
    Ok(state)
}

/// Runs the timers that are due. Returns how many there were.
pub async fn advance_due(hub: &Hub) -> Result<usize, HubError> {
    let due = hub.store.due_incidents(hub.now(), WAKES).await?;
    for row in &due {
        // One that cannot be read must not keep the others from paging.
        if let Err(error) = advance(hub, row.id, Input::Wake, Vec::new()).await {
            tracing::error!(incident = row.number, "its timer: {error}");
        }
    }
    Ok(due.len())
}

pub(super) fn wake(hub: &Hub) {
    hub.bus.wake(WAKE_OUTBOX);
    hub.bus.wake(WAKE_INCIDENTS);
    hub.bus.wake(WAKE_CHANGES);
}

pub fn read_state(row: &IncidentRow) -> Result<Incident, HubError> {
    serde_json::from_str(&row.body).map_err(|e| HubError::Internal(format!("incident {}: {e}", row.number)))
}
