//! What Alertmanager's API v2 shows: the open alerts, for amtool, Karma and Grafana.
//!
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use watchtower_api_types::endpoints::Access;
use watchtower_hub::access::{Object, Principal, authorize};
use watchtower_hub::quiet::{By, CoverKind, Look, Reason};
use watchtower_hub::respond::with_name;
use watchtower_hub::{Hub, HubError};
use watchtower_matchers::Matchers;
use watchtower_model::{Labels, ServiceId, Timestamp};
use watchtower_store::{AlertRow, IncidentRow};

use crate::caller::principal_of;
use crate::headers::parse_pairs;
use crate::problem::Failure;

/// Matchers of one request.
const FILTERS_MAX: usize = 32;

async fn viewer(hub: &Hub, headers: &HeaderMap) -> Result<Principal, HubError> {
    caller(hub, headers, Access::View, "alert.list").await
}

/// Who calls, if they may do what `action` names.
pub async fn caller(
    hub: &Hub,
    headers: &HeaderMap,
    access: Access,
    action: &str,
) -> Result<Principal, HubError> {
    let (principal, _) = principal_of(hub, headers).await?;
    authorize(&principal, access, action, Object::Global)
        .map_err(|denied| HubError::Forbidden(denied.to_string()))?;
    Ok(principal)
}

/// Open alerts. There are none that are unprocessed.
pub async fn alerts(
    State(hub): State<Hub>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let principal = viewer(&hub, &headers).await?;
    let pairs = parse_pairs(query.as_deref().unwrap_or(""));
    let wants = |name: &str| pairs.iter().all(|(n, value)| n != name || value != "false");
    let mut filters: Vec<Matchers> = Vec::new();
    for (_, text) in pairs.iter().filter(|(name, _)| name == "filter").take(FILTERS_MAX) {
        filters.push(text.parse().map_err(|error| HubError::invalid("filter", error))?);
    }
    let incidents = hub.store.open_incidents().await?;
    let mut shown = Vec::new();
    let look = Look::now(&hub).await?;
    for alert in hub.store.open_alerts().await? {
        let covering = look.reasons(&alert);
        let states: &[&str] = if covering.is_empty() { &["active"] } else { &states_of(&covering) };
        if !states.iter().all(|state| wants(state)) {
            continue;
        }
        let sees = match (&principal.servers, alert.server_id.and_then(|id| hub.servers.get(id))) {
            (None, _) => true,
            (Some(matchers), Some(server)) => matchers.matches(&server.with(|state| state.selector_labels())),
            (Some(_), None) => false,
        };
        let labels = with_name(&alert.labels.0, &alert.summary);
        if sees && filters.iter().all(|matchers| matchers.matches(&labels)) {
            let incident = incidents.iter().find(|incident| Some(incident.id) == alert.incident_id);
            shown.push(view(&hub, &alert, labels, incident, &covering));
        }
    }
    Ok(Json(Value::Array(shown)))
}

/// The parameter that asks for alerts that are covered in each of these ways.
fn states_of(covering: &[Reason]) -> Vec<&'static str> {
    let state = |reason: &Reason| match reason.by {
        By::Alert { .. } => "inhibited",
        By::Server | By::Cover(..) => "silenced",
    };
    covering.iter().map(state).collect()
}

fn view(
    hub: &Hub,
    alert: &AlertRow,
    labels: Labels,
    incident: Option<&IncidentRow>,
    covering: &[Reason],
) -> Value {
    let ids = |kind: CoverKind| -> Vec<String> {
        let id = |one: &Reason| match one.by {
            By::Cover(of, id) if of == kind => Some(id.to_string()),
            _ => None,
        };
        covering.iter().filter_map(id).collect()
    };
    let by_alert = |one: &Reason| match one.by {
        By::Alert { fingerprint, .. } => Some(text_of(fingerprint)),
        _ => None,
    };
    let inhibited_by: Vec<String> = covering.iter().filter_map(by_alert).collect();
    let receiver = incident.map_or_else(|| "none".to_string(), |incident| service(hub, incident.service_id));
    let url = incident.map_or_else(String::new, |one| format!("{}/i/{}", hub.config.public_url, one.number));
    // Of an alert that does not say when it ends, Alertmanager shows a time to come.
    let ends_at = alert.ends_at.unwrap_or_else(|| hub.now().plus_ms(300_000));
    let text = |at: Timestamp| at.to_string();
    json!({
        "labels": labels,
        "annotations": {"summary": alert.summary, "description": alert.description},
        "fingerprint": text_of(alert.labels.0.fingerprint()),
        "startsAt": text(alert.first_seen_at),
        "updatedAt": text(alert.last_seen_at),
        "endsAt": text(ends_at),
        "generatorURL": url,
        "receivers": [{"name": receiver}],
        "status": {
            "state": if covering.is_empty() { "active" } else { "suppressed" },
            "silencedBy": ids(CoverKind::Silence),
            "inhibitedBy": inhibited_by,
            "mutedBy": ids(CoverKind::MaintenanceWindow),
        },
    })
}

fn text_of(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

fn service(hub: &Hub, id: ServiceId) -> String {
    hub.objects().service(id).map_or_else(|| "none".into(), |service| service.body.0.name.clone())
}

/// Services are what alerts go to.
pub async fn receivers(State(hub): State<Hub>, headers: HeaderMap) -> Result<Json<Value>, Failure> {
    viewer(&hub, &headers).await?;
    let names = hub.objects().services.iter().map(|service| json!({"name": service.body.0.name})).collect();
    Ok(Json(Value::Array(names)))
}

pub async fn status(State(hub): State<Hub>, headers: HeaderMap) -> Result<Json<Value>, Failure> {
    viewer(&hub, &headers).await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(json!({
        "cluster": {"status": "disabled", "peers": []},
        "versionInfo": {"version": version, "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""},
        "config": {"original": "# Routes and receivers are routes and services of Watchtower.\n"},
        "uptime": hub.started_at.to_string(),
    })))
}
