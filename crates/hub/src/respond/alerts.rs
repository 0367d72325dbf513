//! Alerts: opened, seen again, resolved. Each finds its service by the routes and joins or opens an incident.

use watchtower_incident::{
    AlertDecision, AlertSignal, AlertSignalKind, Earlier, FLAP_WINDOW_MS, FLAPS, Input, Opening,
    ServiceSnapshot, decide_alert, group_key,
};
use watchtower_matchers::Matchers;
use watchtower_model::{
    AlertId, IncidentId, Labels, RouteId, RuleId, ServerId, ServiceId, Severity, Timestamp, Urgency,
    limits::LABEL_VALUE_BYTES_MAX, truncate,
};
use watchtower_store::{AlertRow, Json, Statement, Store};

use super::apply::{advance_locked, join_locked, open_locked};
use super::snapshots::{policy_for, service_snapshot};
use super::{gather, reopen};
use crate::error::HubError;
use crate::jobs::consider;
use crate::quiet::{self, Look};
use crate::{Hub, random};

/// The label that says what an alert is.
const ALERT_NAME: &str = "alertname";

/// Times that alerts are taken anew when another hub was faster.
const TRIES: usize = 8;

/// An alert begins, or is seen again.
#[derive(Clone)]
pub struct AlertTrigger {
    /// `rule:<id>`, `api`.
    pub source: String,
    pub dedup_key: String,
    pub severity: Severity,
    pub summary: String,
    pub description: String,
    pub labels: Labels,
    pub value: Option<f64>,
    pub rule_id: Option<RuleId>,
    pub server_id: Option<ServerId>,
    /// Opens an incident; otherwise the alert is only visible.
    pub paging: bool,
    /// A drill.
    pub test: bool,
    /// Decided by the caller rather than by the routes.
    pub service: Option<ServiceId>,
    /// Over by itself from then on, unless it is told again.
    pub ends_at: Option<Timestamp>,
}

/// An alert ends.
pub struct AlertResolve {
    pub source: String,
    pub dedup_key: String,
}

/// Takes a trigger; `also` is written in the same transaction. Returns the incident, if there is one.
pub async fn trigger(
    hub: &Hub,
    alert: AlertTrigger,
    also: Vec<Statement>,
) -> Result<Option<IncidentId>, HubError> {
    let taken = trigger_together(hub, vec![(alert, also)]).await?;
    Ok(taken.first().and_then(|row| row.incident_id))
}

/// Takes triggers that come at one time, each with what is written in its transaction: those that may share an incident are in it
/// before its first page is written, so that the page tells of all of them. Returns the alerts.
pub async fn trigger_together(
    hub: &Hub,
    alerts: Vec<(AlertTrigger, Vec<Statement>)>,
) -> Result<Vec<AlertRow>, HubError> {
    for _ in 1..TRIES {
        match take(hub, alerts.clone()).await {
            // Another hub opened the same alert, or its incident, at the same moment: now it is there to be found.
            Err(HubError::Conflict(_)) => {}
            taken => return taken,
        }
    }
    take(hub, alerts).await
}

async fn take(hub: &Hub, alerts: Vec<(AlertTrigger, Vec<Statement>)>) -> Result<Vec<AlertRow>, HubError> {
    let (mut taken, opened) = {
        let _one_at_a_time = hub.responding.lock().await;
        let look = Look::now(hub).await?;
        let (mut known, mut drafts) = (Vec::new(), Vec::new());
        for (alert, also) in alerts {
            let open = hub.store.open_alert(&alert.source, &alert.dedup_key).await?;
            match (decide_alert(open.is_some(), AlertSignalKind::Trigger), open) {
                (AlertDecision::Again, Some(open)) => {
                    repeat(hub, &look, &alert, &open, also).await?;
                    known.push(open);
                }
                _ => drafts.push(Draft::new(hub, &look, alert, also)?),
            }
        }
        let opened = open_all(hub, drafts).await?;
        if opened.iter().any(|row| quiet::may_inhibit(hub, row)) {
            hub.inhibitors.changed();
        }
        (known, opened)
    };
    for row in &opened {
        // The alert is stored, and the question with it: it is asked again later, the caller need not tell the alert again.
        if let Err(error) = consider::consider(hub, row).await {
            tracing::error!(alert = %row.id, "considering automations: {error}");
        }
    }
    taken.extend(opened);
    Ok(taken)
}

async fn repeat(
    hub: &Hub,
    look: &Look,
    alert: &AlertTrigger,
    open: &AlertRow,
    mut also: Vec<Statement>,
) -> Result<(), HubError> {
    also.push(Store::repeat_alert(
        open.id,
        alert.severity,
        &alert.summary,
        alert.value,
        alert.ends_at,
        hub.now(),
    ));
    match open.incident_id {
        Some(incident) => {
            let signal = signal(look, alert, open.id, labels_seen(hub, alert));
            advance_locked(hub, incident, Input::AlertTriggered(signal), also).await.map(drop)
        }
        None => Ok(hub.store.commit(also).await.map(drop)?),
    }
}

/// An alert that is about to be stored.
pub(super) struct Draft {
    pub row: AlertRow,
    pub signal: AlertSignal,
    /// What is paged for it; absent where it is only to be seen.
    pub service: Option<ServiceSnapshot>,
    pub test: bool,
    also: Vec<Statement>,
}

impl Draft {
    fn new(hub: &Hub, look: &Look, alert: AlertTrigger, also: Vec<Statement>) -> Result<Draft, HubError> {
        let now = hub.now();
        let id = AlertId(random::id(now));
        let signal = signal(look, &alert, id, labels_seen(hub, &alert));
        let service = alert.paging.then(|| service_for(hub, &alert)).transpose()?;
        let row = AlertRow {
            id,
            source: alert.source,
            dedup_key: alert.dedup_key,
            state: "firing".into(),
            severity: alert.severity,
            summary: alert.summary,
            description: alert.description,
            labels: Json(alert.labels),
            value: alert.value,
            rule_id: alert.rule_id,
            server_id: alert.server_id,
            incident_id: None,
            count: 1,
            first_seen_at: now,
            last_seen_at: now,
            resolved_at: None,
            ends_at: alert.ends_at,
        };
        Ok(Draft { row, signal, service, test: alert.test, also })
    }

    /// All that is written for it beside its incident.
    pub fn statements(&mut self, hub: &Hub) -> Vec<Statement> {
        let mut all = std::mem::take(&mut self.also);
        all.push(Store::insert_change("alert", self.row.id, self.row.first_seen_at));
        all.push(Store::insert_alert(&self.row));
        all.extend(consider::question(hub, &self.row));
        all
    }
}

async fn open_all(hub: &Hub, mut drafts: Vec<Draft>) -> Result<Vec<AlertRow>, HubError> {
    let mut opened = Vec::new();
    while !drafts.is_empty() {
        let together = gather::those_with_the_first(hub, &mut drafts).await?;
        opened.extend(open(hub, together).await?);
    }
    Ok(opened)
}

/// Opens alerts that share an incident; there is at least one.
async fn open(hub: &Hub, mut drafts: Vec<Draft>) -> Result<Vec<AlertRow>, HubError> {
    let first = &drafts[0];
    let Some(service) = first.service.clone() else {
        let also: Vec<Statement> = drafts.iter_mut().flat_map(|draft| draft.statements(hub)).collect();
        hub.store.commit(also).await?;
        return Ok(drafts.into_iter().map(|draft| draft.row).collect());
    };
    let key = group_key(&first.row.source, &first.row.dedup_key, &first.row.labels.0, &[]);
    let open = hub.store.open_incident_of_group(service.id, &key).await?;
    if open.is_none()
        && let Some(ended) = reopen::ended_lately(hub, first, &service, &key).await?
    {
        return reopen::by_alerts(hub, &ended, service, drafts).await;
    }
    let joined = match open {
        Some(open) => Some(open.id),
        None => gather::open_incident(hub, first, &service).await?,
    };
    let id = joined.unwrap_or_else(|| IncidentId(random::id(hub.now())));
    drafts.iter_mut().for_each(|draft| draft.row.incident_id = Some(id));
    let also: Vec<Statement> = drafts.iter_mut().flat_map(|draft| draft.statements(hub)).collect();
    let mut signals: Vec<AlertSignal> = drafts.iter().map(|draft| draft.signal.clone()).collect();
    let first = &drafts[0];
    if joined.is_some() {
        join_locked(hub, id, signals, also).await?;
    } else {
        let earlier = if first.test { None } else { earlier(hub, service.id, &key).await? };
        let opening = Opening {
            id,
            earlier,
            number: hub.store.next_number("incident").await?,
            policy: policy_for(hub, service.id),
            service,
            group_key: key,
            server_id: first.row.server_id,
            alert: signals.remove(0),
            repair_starting: consider::would_start(hub, &first.row),
        };
        let processes = processes_of(hub, first.row.server_id);
        open_locked(hub, opening, signals, first.test, processes, also).await?;
    }
    Ok(drafts.into_iter().map(|draft| draft.row).collect())
}

/// The same trouble before, and how often it came lately.
async fn earlier(hub: &Hub, service: ServiceId, key: &str) -> Result<Option<Earlier>, HubError> {
    let ended = hub.store.ended_incidents_of_group(service, key, i64::from(FLAPS)).await?;
    let lately = ended.iter().filter(|(_, at)| hub.now().since(*at) < FLAP_WINDOW_MS).count() as u32;
    Ok(ended.first().map(|(number, ended_at)| Earlier { number: *number, ended_at: *ended_at, lately }))
}

/// The server's process table as it is known now, to be kept with the incident.
fn processes_of(hub: &Hub, server: Option<ServerId>) -> Option<String> {
    let server = hub.servers.get(server?)?;
    let (at, table) = server.with(|state| state.processes.clone())?;
    serde_json::to_string(&(at, &*table)).ok()
}

/// Takes the end of an alert; an alert that is not open is accepted and dropped.
pub async fn resolve(
    hub: &Hub,
    end: AlertResolve,
    also: Vec<Statement>,
) -> Result<Option<IncidentId>, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    let Some(open) = hub.store.open_alert(&end.source, &end.dedup_key).await? else {
        hub.store.commit(also).await?;
        return Ok(None);
    };
    end_locked(hub, &open, also).await?;
    Ok(open.incident_id)
}

/// Ends an alert that nobody told of again until its time, unless somebody has since it was looked for.
pub async fn resolve_ended(hub: &Hub, alert: &AlertRow) -> Result<(), HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    let open = hub.store.open_alert(&alert.source, &alert.dedup_key).await?;
    match open.filter(|open| open.ends_at.is_some_and(|at| at <= hub.now())) {
        Some(open) => end_locked(hub, &open, Vec::new()).await,
        None => Ok(()),
    }
}

async fn end_locked(hub: &Hub, open: &AlertRow, mut also: Vec<Statement>) -> Result<(), HubError> {
    let now = hub.now();
    also.push(Store::resolve_alert(open.id, now));
    also.push(Store::insert_change("alert", open.id, now));
    match open.incident_id {
        Some(incident) => {
            drop(advance_locked(hub, incident, Input::AlertResolved { alert: open.id }, also).await?)
        }
        None => drop(hub.store.commit(also).await?),
    }
    hub.inhibitors.changed();
    Ok(())
}

/// `labels`: as [`labels_seen`].
fn signal(look: &Look, alert: &AlertTrigger, id: AlertId, labels: Labels) -> AlertSignal {
    let covering = look.reasons_for(&labels, alert.server_id);
    AlertSignal {
        id,
        severity: alert.severity,
        urgency: if alert.severity >= Severity::Error { Urgency::High } else { Urgency::Low },
        title: alert.summary.clone(),
        suppressed_by: covering.into_iter().next().map(|reason| reason.words),
    }
}

pub(super) fn labels_seen(hub: &Hub, alert: &AlertTrigger) -> Labels {
    labels_of(hub, alert.server_id, &alert.labels, alert.severity, &alert.summary)
}

/// The labels that silences and maintenance windows see: the alert's own over its server's. What has no name or severity among them
/// has its summary and its severity for it, as it is shown to clients of Alertmanager.
pub(crate) fn labels_of(
    hub: &Hub,
    server: Option<ServerId>,
    own: &Labels,
    severity: Severity,
    summary: &str,
) -> Labels {
    let server = server.and_then(|id| hub.servers.get(id));
    let servers = server.map(|server| server.with(|state| state.selector_labels()));
    let mut labels = servers.unwrap_or_default().merged(&with_name(own, summary)).to_builder();
    if own.get("severity").is_none() {
        labels.set("severity", severity.as_str());
    }
    labels.build()
}

/// With its summary as its name where it has none: silences see it by the name by which it is shown.
pub fn with_name(own: &Labels, summary: &str) -> Labels {
    let mut labels = own.to_builder();
    if own.get(ALERT_NAME).is_none() {
        labels.set(ALERT_NAME, truncate(summary, LABEL_VALUE_BYTES_MAX));
    }
    labels.build()
}

/// Routes see the severity by our names, whatever label it came by.
fn route_labels(hub: &Hub, alert: &AlertTrigger) -> Labels {
    let mut labels = labels_seen(hub, alert).to_builder();
    labels.set("severity", alert.severity.as_str());
    labels.build()
}

fn service_for(hub: &Hub, alert: &AlertTrigger) -> Result<ServiceSnapshot, HubError> {
    let objects = hub.objects();
    let labels = route_labels(hub, alert);
    let routes: Vec<(RouteId, ServiceId)> =
        objects.routes.iter().map(|route| (RouteId(route.id), route.body.service_id)).collect();
    let matched = |id: RouteId| {
        let matchers = objects.route(id).map(|route| route.body.matchers.parse::<Matchers>());
        matches!(matchers, Some(Ok(matchers)) if matchers.matches(&labels))
    };
    let id =
        alert.service.or_else(|| watchtower_incident::route(&routes, matched).map(|(_, service)| service));
    let service = id.and_then(|id| objects.service(id)).or_else(|| objects.services.first());
    let service = service
        .ok_or_else(|| HubError::Internal("there is no service: the default one was removed".into()))?;
    Ok(service_snapshot(service))
}
