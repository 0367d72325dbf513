//! Silences as Alertmanager's API v2 has them, for amtool, Karma and Grafana.
//!
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use watchtower_api_types::endpoints::{self, Access};
use watchtower_api_types::{Silence, SilenceInput, Time};
use watchtower_hub::access::Principal;
use watchtower_hub::configure::{self, Noun, Silences};
use watchtower_hub::{Hub, HubError};
use watchtower_matchers::{Matcher, Matchers, Op};
use watchtower_model::Labels;

use crate::alertmanager_api::caller;
use crate::caller::Body;
use crate::headers::parse_pairs;
use crate::problem::Failure;

/// A silence as it is sent; what is not read here is who made it: that is who calls.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<Wire>,
    starts_at: Time,
    ends_at: Time,
    #[serde(default)]
    comment: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

impl Wire {
    fn of(matcher: &Matcher) -> Wire {
        Wire {
            name: matcher.name().into(),
            value: matcher.value().into(),
            is_regex: matches!(matcher.op(), Op::Re | Op::Nre),
            is_equal: matches!(matcher.op(), Op::Eq | Op::Re),
        }
    }

    fn read(self) -> Result<Matcher, HubError> {
        let op = match (self.is_regex, self.is_equal) {
            (false, true) => Op::Eq,
            (false, false) => Op::Ne,
            (true, true) => Op::Re,
            (true, false) => Op::Nre,
        };
        Matcher::new(self.name, op, self.value).map_err(|error| HubError::invalid("matchers", error))
    }
}

/// The rights that the endpoint of this id asks for.
async fn may(hub: &Hub, headers: &HeaderMap, endpoint: &str) -> Result<Principal, HubError> {
    let access = endpoints::find(endpoint).map_or(Access::Admin, |endpoint| endpoint.access);
    caller(hub, headers, access, endpoint).await
}

pub async fn list(
    State(hub): State<Hub>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    may(&hub, &headers, "silence.list").await?;
    let mut wanted: Vec<Matchers> = Vec::new();
    for (_, text) in parse_pairs(query.as_deref().unwrap_or("")).iter().filter(|(name, _)| name == "filter") {
        wanted.push(text.parse().map_err(|error| HubError::invalid("filter", error))?);
    }
    let mut shown = Vec::new();
    for silence in configure::view_all::<Silences>(&hub).await? {
        let own = read(&silence)?;
        // As Alertmanager does: what a silence asks for is taken for labels.
        let asked: Labels = Labels::from_pairs(own.iter().map(|one| (one.name(), one.value())));
        if wanted.iter().all(|matchers| matchers.matches(&asked)) {
            shown.push(view(&silence, &own));
        }
    }
    Ok(Json(Value::Array(shown)))
}

pub async fn get(
    State(hub): State<Hub>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    may(&hub, &headers, "silence.get").await?;
    let stored = configure::find::<Silences>(&hub, &id)?;
    let silence = Silences::view(&hub, &stored, true).await?;
    Ok(Json(view(&silence, &read(&silence)?)))
}

/// Makes a silence, or replaces the one of its id. One that is over is not woken again: another is made.
pub async fn save(
    State(hub): State<Hub>,
    headers: HeaderMap,
    Body(posted): Body<Posted>,
) -> Result<Json<Value>, Failure> {
    let matchers: Vec<Matcher> = posted.matchers.into_iter().map(Wire::read).collect::<Result<_, _>>()?;
    let input = SilenceInput {
        matchers: Matchers::new(matchers).to_string(),
        starts_at: Some(posted.starts_at),
        ends_at: posted.ends_at,
        comment: posted.comment,
    };
    let known = match posted.id.filter(|id| !id.is_empty()) {
        Some(id) => Some(configure::find::<Silences>(&hub, &id)?),
        None => None,
    };
    let saved = match known.filter(|known| known.body.ends_at > hub.now()) {
        Some(known) => {
            let by = may(&hub, &headers, "silence.update").await?;
            configure::update::<Silences>(&hub, &by, &known.id.to_string(), input).await?
        }
        None => {
            let by = may(&hub, &headers, "silence.create").await?;
            configure::create::<Silences>(&hub, &by, input).await?
        }
    };
    Ok(Json(json!({"silenceID": saved.id})))
}

pub async fn expire(
    State(hub): State<Hub>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let by = may(&hub, &headers, "silence.expire").await?;
    configure::expire_silence(&hub, &by, &id).await?;
    Ok(Json(json!({})))
}

fn read(silence: &Silence) -> Result<Matchers, HubError> {
    silence.matchers.parse().map_err(|error| HubError::Internal(format!("silence {}: {error}", silence.id)))
}

fn view(silence: &Silence, matchers: &Matchers) -> Value {
    json!({
        "id": silence.id,
        "matchers": matchers.iter().map(Wire::of).collect::<Vec<_>>(),
        "startsAt": silence.starts_at,
        "endsAt": silence.ends_at,
        "updatedAt": silence.created_at,
        "createdBy": silence.created_by,
        "comment": silence.comment,
        // The same words as there.
        "status": {"state": silence.state},
    })
}
