//! Two incidents become one, by a person's word: both rows, the alerts and the attempts in one transaction.
//!
//! Invariant: an incident still never spans servers that somebody's rights tell apart.

use watchtower_incident::{self as engine, Actor, Incident, MergeError};
use watchtower_model::IncidentId;
use watchtower_store::{DbError, IncidentRow, Statement, Store};

use super::apply::{TRIES, read_state, wake};
use super::gather::Restrictions;
use super::rounds::Rounds;
use super::step::Step;
use crate::Hub;
use crate::error::HubError;

/// Merges `from` into `into`. Returns `into` as it is then.
pub async fn merge(hub: &Hub, from: IncidentId, into: IncidentId, by: &Actor) -> Result<Incident, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    for _ in 0..TRIES {
        let (source, target) = (read(hub, from).await?, read(hub, into).await?);
        // Whoever did not hear the first answer asks again.
        if source.merged_into == Some(target.id) {
            return read_state(&target);
        }
        let (statements, merged) = prepare(hub, &source, &target, by).await?;
        match hub.store.commit(statements).await {
            Err(DbError::Stale) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                // What an alert keeps quiet names its incident.
                hub.inhibitors.changed();
                wake(hub);
                return Ok(merged);
            }
        }
    }
    Err(HubError::Conflict("the incidents are changed by somebody else all the time".into()))
}

/// What an incident goes on in, if it was merged into another one.
pub async fn successor(hub: &Hub, row: &IncidentRow) -> Result<Option<IncidentRow>, HubError> {
    match row.merged_into {
        Some(into) => Ok(hub.store.incident(into).await?),
        None => Ok(None),
    }
}

async fn read(hub: &Hub, id: IncidentId) -> Result<IncidentRow, HubError> {
    hub.store.incident(id).await?.ok_or_else(|| HubError::not_found("incident", id))
}

async fn prepare(
    hub: &Hub,
    source: &IncidentRow,
    target: &IncidentRow,
    by: &Actor,
) -> Result<(Vec<Statement>, Incident), HubError> {
    let now = hub.now();
    let moved = engine::merge(read_state(source)?, read_state(target)?, by, now).map_err(refusal)?;
    check_drill(source, target)?;
    check_servers(hub, source, target).await?;
    let ((ended, said), (merged, effects)) = moved;
    let mut from = Step::new(hub, source.processes.clone(), source.test, now);
    let mut into = Step::new(hub, target.processes.clone(), target.test, now);
    into.rounds = Rounds::read(hub, &[&merged.policy]).await?;
    let ended = from.run(ended, said);
    let merged = into.run(merged, effects);
    let (ended, mut grown) = (from.row(&ended, Some(source)), into.row(&merged, Some(target)));
    // A repair that goes on reports to the target from now on.
    grown.repair = grown.repair.or_else(|| source.repair.clone());
    let mut rows = [&ended, &grown];
    // Everybody who writes two of them writes them in this order: two merges of the same pair wait for each other, and do not block.
    rows.sort_by_key(|row| row.id);
    let mut statements: Vec<Statement> = rows.map(Store::update_incident).into();
    statements.push(Store::follow_merge(source.id, target.id));
    statements.push(Store::move_open_alerts(source.id, target.id));
    statements.push(Store::move_attempts(source.id, target.id));
    statements.push(Store::insert_change("alert", target.id, now));
    statements.append(&mut from.statements);
    statements.append(&mut into.statements);
    Ok((statements, merged))
}

fn refusal(error: MergeError) -> HubError {
    match error {
        MergeError::Itself => HubError::invalid("into", error),
        _ => HubError::Conflict(error.to_string()),
    }
}

fn check_drill(source: &IncidentRow, target: &IncidentRow) -> Result<(), HubError> {
    if source.test == target.test {
        return Ok(());
    }
    let drill = if source.test { source.number } else { target.number };
    Err(HubError::Conflict(format!("INC-{drill} is a drill: drills are merged with drills alone")))
}

async fn check_servers(hub: &Hub, source: &IncidentRow, target: &IncidentRow) -> Result<(), HubError> {
    let rights = Restrictions::of_everybody(hub).await?;
    let of_alerts = hub.store.servers_of_incident(source.id).await?;
    let mut servers = of_alerts.into_iter().map(Some).chain([source.server_id]);
    if servers.all(|server| rights.alike(hub, server, target.server_id)) {
        return Ok(());
    }
    Err(HubError::Conflict(
        "some user or token may see the servers of one of them and not those of the other: an incident is seen whole or not at all"
            .into(),
    ))
}
