//! Alerts: opened, seen again, resolved. Each finds its service by the routes and joins or opens an incident.

use watchtower_incident::{
    AlertDecision, AlertSignal, AlertSignalKind, Input, Opening, PolicySnapshot, ServiceSnapshot, Step,
    Target, decide_alert, group_key,
};
use watchtower_matchers::Matchers;
use watchtower_model::{
    AlertId, IncidentId, Labels, PolicyId, RouteId, RuleId, ServerId, ServiceId, Severity, TeamId, Urgency,
    UserId,
};
use watchtower_store::{AlertRow, Json, Statement, Store};

use super::apply::{advance_locked, open_locked};
use crate::error::HubError;
use crate::jobs::consider;
use crate::{Hub, random};

/// An alert begins, or is seen again.
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
    /// How many automations stand between the first event and this one.
    pub depth: u32,
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
    let opened = {
        let _one_at_a_time = hub.responding.lock().await;
        let open = hub.store.open_alert(&alert.source, &alert.dedup_key).await?;
        match (decide_alert(open.is_some(), AlertSignalKind::Trigger), open) {
            (AlertDecision::Again, Some(open)) => return repeat(hub, &alert, open, also).await,
            _ => open_alert(hub, &alert, also).await?,
        }
    };
    let (row, incident) = opened;
    // The alert is stored, and the question with it: it is asked again later, the caller need not tell the alert again.
    if let Err(error) = consider::consider(hub, &row, alert.depth).await {
        tracing::error!(alert = %row.id, "considering automations: {error}");
    }
    Ok(incident)
}

async fn repeat(
    hub: &Hub,
    alert: &AlertTrigger,
    open: AlertRow,
    mut also: Vec<Statement>,
) -> Result<Option<IncidentId>, HubError> {
    also.push(Store::repeat_alert(open.id, alert.severity, &alert.summary, alert.value, hub.now()));
    match open.incident_id {
        Some(incident) => {
            let signal = signal(hub, alert, open.id);
            advance_locked(hub, incident, Input::AlertTriggered(signal), also).await?;
        }
        None => drop(hub.store.commit(also).await?),
    }
    Ok(open.incident_id)
}

async fn open_alert(
    hub: &Hub,
    alert: &AlertTrigger,
    mut also: Vec<Statement>,
) -> Result<(AlertRow, Option<IncidentId>), HubError> {
    let now = hub.now();
    let mut row = AlertRow {
        id: AlertId(random::id(now)),
        source: alert.source.clone(),
        dedup_key: alert.dedup_key.clone(),
        state: "firing".into(),
        severity: alert.severity,
        summary: alert.summary.clone(),
        description: alert.description.clone(),
        labels: Json(alert.labels.clone()),
        value: alert.value,
        rule_id: alert.rule_id,
        server_id: alert.server_id,
        incident_id: None,
        count: 1,
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: None,
    };
    let signal = signal(hub, alert, row.id);
    also.push(Store::insert_change("alert", row.id, now));
    let question = consider::question(hub, &row, alert.depth);
    if !alert.paging {
        also.push(Store::insert_alert(&row));
        also.extend(question);
        hub.store.commit(also).await?;
        return Ok((row, None));
    }
    let service = service_for(hub, alert)?;
    let key = group_key(&alert.source, &alert.dedup_key, &alert.labels, &[]);
    if let Some(joined) = hub.store.open_incident_of_group(service.id, &key).await? {
        row.incident_id = Some(joined.id);
        also.push(Store::insert_alert(&row));
        also.extend(question);
        advance_locked(hub, joined.id, Input::AlertTriggered(signal), also).await?;
        return Ok((row, Some(joined.id)));
    }
    let id = IncidentId(random::id(now));
    row.incident_id = Some(id);
    also.push(Store::insert_alert(&row));
    also.extend(question);
    let opening = Opening {
        id,
        number: hub.store.next_number("incident").await?,
        policy: policy_for(hub, service.id),
        service,
        group_key: key,
        server_id: alert.server_id,
        alert: signal,
        repair_starting: consider::would_start(hub, &row),
    };
    let processes = alert.server_id.and_then(|id| hub.servers.get(id)).and_then(|server| {
        let (at, table) = server.with(|state| state.processes.clone())?;
        serde_json::to_string(&(at, &*table)).ok()
    });
    open_locked(hub, opening, alert.test, processes, also).await?;
    Ok((row, Some(id)))
}

/// Takes the end of an alert; an alert that is not open is accepted and dropped.
pub async fn resolve(
    hub: &Hub,
    end: AlertResolve,
    mut also: Vec<Statement>,
) -> Result<Option<IncidentId>, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    let Some(open) = hub.store.open_alert(&end.source, &end.dedup_key).await? else {
        hub.store.commit(also).await?;
        return Ok(None);
    };
    let now = hub.now();
    also.push(Store::resolve_alert(open.id, now));
    also.push(Store::insert_change("alert", open.id, now));
    match open.incident_id {
        Some(incident) => {
            drop(advance_locked(hub, incident, Input::AlertResolved { alert: open.id }, also).await?)
        }
        None => drop(hub.store.commit(also).await?),
    }
    Ok(open.incident_id)
}

fn signal(hub: &Hub, alert: &AlertTrigger, id: AlertId) -> AlertSignal {
    let now = hub.now();
    let maintenance = alert.server_id.and_then(|id| hub.servers.get(id)).and_then(|server| {
        server.with(|state| {
            state.maintenance_until.filter(|until| *until > now).map(|until| (state.name.clone(), until))
        })
    });
    AlertSignal {
        id,
        severity: alert.severity,
        urgency: if alert.severity >= Severity::Error { Urgency::High } else { Urgency::Low },
        title: alert.summary.clone(),
        suppressed_by: maintenance.map(|(name, until)| format!("maintenance of {name} until {until}")),
    }
}

/// The labels that routes see: the alert's own over its server's.
fn route_labels(hub: &Hub, alert: &AlertTrigger) -> Labels {
    let server = alert
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.selector_labels()));
    let mut labels = server.unwrap_or_default().merged(&alert.labels).to_builder();
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
    let ms = |seconds: Option<f64>| seconds.map(|seconds| (seconds * 1000.0) as i64);
    Ok(ServiceSnapshot {
        id: ServiceId(service.id),
        name: service.body.0.name.clone(),
        ack_timeout_ms: ms(service.body.0.ack_timeout_seconds),
        auto_resolve_ms: ms(service.body.0.auto_resolve_seconds),
        hold_pages_ms: ms(service.body.0.hold_pages_for_seconds),
    })
}

fn policy_for(hub: &Hub, service: ServiceId) -> PolicySnapshot {
    let objects = hub.objects();
    let policy = objects.service(service).and_then(|service| objects.policy(service.body.0.policy_id));
    policy.map(|policy| snapshot(&policy.body.0)).unwrap_or_default()
}

/// The engine's form of a policy.
pub(crate) fn snapshot(policy: &watchtower_api_types::PolicyInput) -> PolicySnapshot {
    use watchtower_api_types::TargetKind;
    let target = |target: &watchtower_api_types::StepTarget| match target.kind {
        TargetKind::User => Target::User(UserId(target.id)),
        TargetKind::Team => Target::Team(TeamId(target.id)),
        TargetKind::Channel => Target::Channel(watchtower_model::ChannelId(target.id)),
    };
    let steps = policy.steps.iter().map(|step| Step {
        delay_ms: (step.delay_seconds * 1000.0) as i64,
        targets: step.targets.iter().map(target).collect(),
    });
    PolicySnapshot { steps: steps.collect(), repeat: policy.repeat }
}

/// Whether a policy exists, for inputs that name one.
pub(crate) fn known_policy(hub: &Hub, id: PolicyId) -> bool {
    hub.objects().policy(id).is_some()
}
