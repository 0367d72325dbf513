//! What became of incidents: as JSON, or rows of CSV for who asks for those.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use watchtower_api_types::{IncidentAnalytics, IncidentFigures, PersonFigures};
use watchtower_hub::analytics::{self, Question};
use watchtower_hub::configure::{self, Services, Teams};
use watchtower_hub::{Hub, HubError};
use watchtower_model::ServiceId;

use crate::caller::Caller;
use crate::csv;
use crate::problem::Failure;
use crate::times::parse_time;

/// The range when none is asked for.
const RANGE_MS: i64 = 30 * 86_400_000;

pub async fn incidents(headers: HeaderMap, caller: Caller) -> Result<Response, Failure> {
    let by = by(&caller)?;
    let now = caller.hub.now();
    let time = |name: &str| caller.query(name).map(|text| parse_time(name, text, now)).transpose();
    let to = time("to")?.unwrap_or(now);
    let question = Question {
        from: time("from")?.unwrap_or(to.plus_ms(-RANGE_MS)),
        to,
        services: services(&caller)?,
        timezone: caller.query("timezone").map(String::from),
    };
    let found = analytics::incidents(&caller.hub, &question, |server| caller.sees_server(server)).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("text/csv") {
        return Ok(rows(&found, by));
    }
    Ok(Json(found).into_response())
}

/// What the rows of a table are of.
#[derive(Clone, Copy)]
enum By {
    All,
    Service,
    Team,
    Rule,
    Person,
}

fn by(caller: &Caller) -> Result<By, HubError> {
    Ok(match caller.query("by") {
        None => By::All,
        Some("service") => By::Service,
        Some("team") => By::Team,
        Some("rule") => By::Rule,
        Some("person") => By::Person,
        Some(_) => return Err(HubError::invalid("by", "must be service, team, rule or person")),
    })
}

/// Those of the service or team that is asked for.
fn services(caller: &Caller) -> Result<Option<Vec<ServiceId>>, Failure> {
    let hub: &Hub = &caller.hub;
    let one = caller.query("service").map(|name| configure::find::<Services>(hub, name)).transpose()?;
    let team = caller.query("team").map(|name| configure::find::<Teams>(hub, name)).transpose()?;
    let Some(team) = team else { return Ok(one.map(|service| vec![ServiceId(service.id)])) };
    let objects = hub.objects();
    let theirs = objects.services.iter().filter(|s| s.body.0.team_id.is_some_and(|id| id.0 == team.id));
    let wanted = theirs.filter(|service| one.as_ref().is_none_or(|one| one.id == service.id));
    Ok(Some(wanted.map(|service| ServiceId(service.id)).collect()))
}

fn rows(found: &IncidentAnalytics, by: By) -> Response {
    let figures = match by {
        By::All => std::slice::from_ref(&found.total),
        By::Service => &found.services,
        By::Team => &found.teams,
        By::Rule => &found.rules,
        By::Person => return people(&found.people),
    };
    let header = [
        "name",
        "id",
        "incidents",
        "open",
        "acknowledged",
        "acknowledged_share",
        "ended_alone",
        "ended_alone_share",
        "time_to_acknowledge_mean_seconds",
        "time_to_acknowledge_p50_seconds",
        "time_to_acknowledge_p90_seconds",
        "time_to_resolve_mean_seconds",
        "time_to_resolve_p50_seconds",
        "time_to_resolve_p90_seconds",
    ];
    csv::answer(&header, figures.iter().map(cells))
}

fn cells(one: &IncidentFigures) -> Vec<String> {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    vec![
        one.name.clone(),
        one.id.clone().unwrap_or_default(),
        one.incidents.to_string(),
        one.open.to_string(),
        one.acknowledged.to_string(),
        number(one.acknowledged_share),
        one.ended_alone.to_string(),
        number(one.ended_alone_share),
        number(one.time_to_acknowledge_mean_seconds),
        number(one.time_to_acknowledge_p50_seconds),
        number(one.time_to_acknowledge_p90_seconds),
        number(one.time_to_resolve_mean_seconds),
        number(one.time_to_resolve_p50_seconds),
        number(one.time_to_resolve_p90_seconds),
    ]
}

fn people(people: &[PersonFigures]) -> Response {
    let hours: Vec<String> = (0..24).map(|hour| format!("hour_{hour:02}")).collect();
    let mut header = vec!["name", "timezone", "interruptions", "at_night"];
    header.extend(hours.iter().map(String::as_str));
    let row = |one: &PersonFigures| {
        let mut row = vec![
            one.name.clone(),
            one.timezone.clone(),
            one.interruptions.to_string(),
            one.at_night.to_string(),
        ];
        row.extend(one.by_hour.iter().map(u32::to_string));
        row
    };
    csv::answer(&header, people.iter().map(row))
}
