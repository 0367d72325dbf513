//! What is over opens again: by an alert of its key within the service's window, or by a person who sees that it is not over.

use std::collections::BTreeSet;

use watchtower_incident::{
    ALERTS_PER_INCIDENT_MAX, Actor, Incident, Input, REOPEN_BY_HAND_MS, Reopened, Reopening, ServiceSnapshot,
};
use watchtower_model::{AlertId, IncidentId, format_duration_ms};
use watchtower_store::{AlertFilter, AlertRow, IncidentRow, Statement};

use super::alerts::Draft;
use super::apply::{Find, advance_all, read_state};
use super::snapshots::{policy_for, service_snapshot};
use crate::Hub;
use crate::error::HubError;
use crate::jobs::consider;
use crate::quiet::Look;

/// The incident of this key that ended so lately that an alert opens it again instead of another one.
pub(super) async fn ended_lately(
    hub: &Hub,
    first: &Draft,
    service: &ServiceSnapshot,
    key: &str,
) -> Result<Option<IncidentRow>, HubError> {
    if first.test || service.reopen_window_ms <= 0 {
        return Ok(None);
    }
    let Some(ended) = hub.store.last_ended_of_group(service.id, key).await? else { return Ok(None) };
    let reopens = read_state(&ended)?.reopens(service.reopen_window_ms, hub.now());
    Ok(Some(ended).filter(|_| reopens))
}

/// Opens it again by the first of these alerts; the others join it at once.
pub(super) async fn by_alerts(
    hub: &Hub,
    ended: &IncidentRow,
    service: ServiceSnapshot,
    mut drafts: Vec<Draft>,
) -> Result<Vec<AlertRow>, HubError> {
    drafts.iter_mut().for_each(|draft| draft.row.incident_id = Some(ended.id));
    let also: Vec<Statement> = drafts.iter_mut().flat_map(|draft| draft.statements(hub)).collect();
    let first = &drafts[0].row;
    let before = hub.store.alerts_of_key(ended.id, &first.source, &first.dedup_key).await?;
    let by = Reopened::Alert {
        signal: drafts[0].signal.clone(),
        instead_of: before.into_iter().map(|alert| alert.id).collect(),
        repair_starting: consider::would_start(hub, first),
    };
    let policy = policy_for(hub, service.id);
    let reopened = Input::Reopened(Box::new(Reopening { service, policy, by }));
    let joining = drafts[1..].iter().map(|draft| Input::AlertTriggered(draft.signal.clone()));
    let inputs: Vec<Input> = std::iter::once(reopened).chain(joining).collect();
    advance_all(hub, Find::Ended(ended.id), &inputs, also).await?;
    Ok(drafts.into_iter().map(|draft| draft.row).collect())
}

/// Opens again what a person sees is not over, with the alerts that its end closed.
pub async fn reopen(hub: &Hub, id: IncidentId, by: Actor) -> Result<Incident, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    let row = hub.store.incident(id).await?.ok_or_else(|| HubError::not_found("incident", id))?;
    let state = read_state(&row)?;
    check_ended(hub, &row, &state)?;
    if let Some(open) = hub.store.open_incident_of_group(row.service_id, &row.group_key).await? {
        return Err(HubError::Conflict(format!("INC-{} is open for the same trouble", open.number)));
    }
    let closed = closed_alerts(hub, id, &state.closed_by_end).await?;
    for alert in &closed {
        if hub.store.open_alert(&alert.source, &alert.dedup_key).await?.is_some() {
            let text = format!("its alert {:?} is open again already, in another incident", alert.summary);
            return Err(HubError::Conflict(text));
        }
    }
    let by = Reopened::Person { by, suppressed_by: covered(hub, &closed).await? };
    let service = hub.objects().service(row.service_id).map(service_snapshot);
    let service = service.unwrap_or_else(|| state.service.clone());
    let policy = policy_for(hub, service.id);
    let input = Input::Reopened(Box::new(Reopening { service, policy, by }));
    let reopened = advance_all(hub, Find::Ended(id), &[input], Vec::new()).await?;
    // What its alerts kept quiet is quiet again.
    hub.inhibitors.changed();
    Ok(reopened)
}

fn check_ended(hub: &Hub, row: &IncidentRow, state: &Incident) -> Result<(), HubError> {
    let refuse = |why: String| Err(HubError::Conflict(format!("INC-{} {why}", row.number)));
    match state.merged_into {
        Some(into) => refuse(format!("goes on in INC-{}: what was merged stays so", into.number)),
        None if !state.is_resolved() => refuse("is open".into()),
        None if !state.reopens(REOPEN_BY_HAND_MS, hub.now()) => refuse(format!(
            "ended more than {} ago, or is full: open another one",
            format_duration_ms(REOPEN_BY_HAND_MS)
        )),
        None => Ok(()),
    }
}

async fn closed_alerts(
    hub: &Hub,
    incident: IncidentId,
    closed: &BTreeSet<AlertId>,
) -> Result<Vec<AlertRow>, HubError> {
    let limit = ALERTS_PER_INCIDENT_MAX as i64;
    let filter = AlertFilter { incident: Some(incident), limit, ..AlertFilter::default() };
    let mut alerts = hub.store.alerts(&filter).await?;
    alerts.retain(|alert| closed.contains(&alert.id));
    Ok(alerts)
}

/// What covers all of these alerts, in words.
async fn covered(hub: &Hub, alerts: &[AlertRow]) -> Result<Option<String>, HubError> {
    let look = Look::now(hub).await?;
    let reasons: Vec<_> = alerts.iter().map(|alert| look.reasons(alert).into_iter().next()).collect();
    let all = reasons.iter().all(Option::is_some);
    Ok(reasons.into_iter().flatten().next().filter(|_| all).map(|reason| reason.words))
}
