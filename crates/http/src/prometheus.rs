//! Prometheus' HTTP API, so that Grafana and everything else that speaks it works unchanged.
//!
//! Shapes, parameters and status codes follow the Prometheus 3 documentation ("HTTP API"): errors are 400 `bad_data`,
//! 422 `execution`, 503 `timeout`, 500 `internal`.

mod metadata;
mod names;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use watchtower_api_types::endpoints::Access;
use watchtower_hub::access::{Object, Principal, authorize};
use watchtower_hub::query::Told;
use watchtower_hub::{Hub, HubError};
use watchtower_model::{Sample, Timestamp, format_value};
use watchtower_promql::{Answer, ErrorKind, parse};

use crate::caller::principal_of;
use crate::gzip;
use crate::headers::parse_pairs;
use crate::problem::{Failure, denied};
use crate::remote_write;
use crate::times::{parse_step_ms, parse_time};

/// As Prometheus words it.
const TRUNCATED: &str = "results truncated due to limit";

type Api = Result<Data, ApiError>;

/// What is answered, and what is to be said beside it.
struct Data {
    data: Value,
    warnings: Vec<String>,
}

impl Data {
    fn told(mut self, mut warnings: Vec<String>) -> Data {
        self.warnings.append(&mut warnings);
        self
    }
}

impl From<Value> for Data {
    fn from(data: Value) -> Data {
        Data { data, warnings: Vec::new() }
    }
}

/// No more than the limit of a list, and whether there was more.
fn within<T>(mut all: Vec<T>, limit: usize) -> (Vec<T>, Vec<String>) {
    let warnings = if all.len() > limit { vec![TRUNCATED.to_string()] } else { Vec::new() };
    all.truncate(limit);
    (all, warnings)
}

pub fn routes() -> Router<Hub> {
    Router::new()
        .route("/prometheus/api/v1/query", any(query))
        .route("/prometheus/api/v1/query_range", any(query_range))
        .route("/prometheus/api/v1/series", any(names::series))
        .route("/prometheus/api/v1/labels", any(names::labels))
        .route("/prometheus/api/v1/label/{name}/values", get(names::label_values))
        .route("/prometheus/api/v1/metadata", get(metadata::metadata))
        .route("/prometheus/api/v1/rules", get(rules))
        .route("/prometheus/api/v1/alerts", get(alerts))
        .route("/prometheus/api/v1/query_exemplars", any(exemplars))
        .route("/prometheus/api/v1/status/buildinfo", get(buildinfo))
        .route("/prometheus/api/v1/format_query", any(format_query))
        .route("/prometheus/api/v1/write", post(remote_write::write))
        .layer(from_fn(gzip::pack))
        .route("/prometheus/-/ready", get(|| async { "Watchtower is ready.\n" }))
        .route("/prometheus/-/healthy", get(|| async { "Watchtower is healthy.\n" }))
}

struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl ApiError {
    fn bad_data(message: impl ToString) -> Self {
        ApiError { status: StatusCode::BAD_REQUEST, kind: "bad_data", message: message.to_string() }
    }
}

impl From<HubError> for ApiError {
    fn from(error: HubError) -> Self {
        let (status, kind) = match &error {
            HubError::Query(query) => match query.kind {
                ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "bad_data"),
                ErrorKind::Execution | ErrorKind::Limit => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
                ErrorKind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
                ErrorKind::Source => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            },
            HubError::Invalid { .. } => (StatusCode::BAD_REQUEST, "bad_data"),
            HubError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        if let HubError::Internal(cause) = &error {
            tracing::error!("a query failed: {cause}");
        }
        ApiError { status, kind, message: error.public_text() }
    }
}

fn answer(result: Api) -> Response {
    let (status, body) = match result {
        Ok(Data { data, warnings }) if warnings.is_empty() => {
            (StatusCode::OK, json!({ "status": "success", "data": data }))
        }
        Ok(Data { data, warnings }) => {
            (StatusCode::OK, json!({ "status": "success", "data": data, "warnings": warnings }))
        }
        Err(error) => {
            (error.status, json!({ "status": "error", "errorType": error.kind, "error": error.message }))
        }
    };
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Parameters of the query string and of a form, which may repeat.
struct Request {
    hub: Hub,
    principal: Principal,
    pairs: Vec<(String, String)>,
}

impl Request {
    async fn new(
        hub: Hub,
        headers: &HeaderMap,
        query: Option<String>,
        body: &Bytes,
    ) -> Result<Request, Failure> {
        let (principal, _) = principal_of(&hub, headers).await?;
        authorize(&principal, Access::View, "query", Object::Global).map_err(denied)?;
        let mut pairs = parse_pairs(query.as_deref().unwrap_or(""));
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if kind.starts_with("application/x-www-form-urlencoded") {
            pairs.extend(parse_pairs(&String::from_utf8_lossy(body)));
        }
        Ok(Request { hub, principal, pairs })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, ApiError> {
        self.get(name)
            .ok_or_else(|| ApiError::bad_data(format!("invalid parameter \"{name}\": must not be empty")))
    }

    fn time(&self, name: &str, default: Timestamp) -> Result<Timestamp, ApiError> {
        match self.get(name) {
            Some(text) => parse_time(name, text, self.hub.now()).map_err(ApiError::from),
            None => Ok(default),
        }
    }

    /// 0 stands for as many as there may be.
    fn limit(&self, most: usize) -> Result<usize, ApiError> {
        match self.get("limit").map(str::parse::<usize>) {
            None | Some(Ok(0)) => Ok(most),
            Some(Ok(limit)) => Ok(limit.min(most)),
            Some(Err(_)) => Err(ApiError::bad_data("invalid parameter \"limit\": must be a whole number")),
        }
    }
}

/// One handler per path: takes the request apart, answers in Prometheus' envelope.
macro_rules! handler {
    ($vis:vis $name:ident, $body:ident) => {
        $vis async fn $name(
            axum::extract::State(hub): axum::extract::State<watchtower_hub::Hub>,
            headers: axum::http::HeaderMap,
            axum::extract::RawQuery(query): axum::extract::RawQuery,
            body: axum::body::Bytes,
        ) -> Result<axum::response::Response, $crate::problem::Failure> {
            let request = Request::new(hub, &headers, query, &body).await?;
            Ok(answer($body(&request).await))
        }
    };
}
use handler;

handler!(query, do_query);
handler!(query_range, do_query_range);
handler!(rules, do_rules);
handler!(alerts, do_alerts);
handler!(exemplars, do_exemplars);
handler!(buildinfo, do_buildinfo);
handler!(format_query, do_format_query);

fn point(sample: &Sample) -> Value {
    json!([sample.t.secs_f64(), format_value(sample.v)])
}

async fn do_query(request: &Request) -> Api {
    let at = request.time("time", request.hub.now())?;
    let text = request.need("query")?.to_string();
    let Told { answer, warnings } =
        request.hub.queries.instant(&request.hub, text, at, request.principal.scope()).await?;
    let limit = request.limit(usize::MAX)?;
    let data = match answer {
        Answer::Scalar(sample) => json!({ "resultType": "scalar", "result": point(&sample) }).into(),
        Answer::String(t, text) => json!({ "resultType": "string", "result": [t.secs_f64(), text] }).into(),
        Answer::Vector(elements) => {
            let element = |e: &watchtower_promql::Element| json!({ "metric": e.labels, "value": point(&Sample { t: e.t, v: e.v }) });
            limited("vector", elements.iter().map(element).collect(), limit)
        }
        Answer::Matrix(series) => matrix(&series, limit),
    };
    Ok(data.told(warnings))
}

fn matrix(series: &[watchtower_promql::SeriesWindow], limit: usize) -> Data {
    let one = |window: &watchtower_promql::SeriesWindow| json!({ "metric": window.labels, "values": window.samples.iter().map(point).collect::<Vec<_>>() });
    limited("matrix", series.iter().map(one).collect(), limit)
}

fn limited(kind: &str, result: Vec<Value>, limit: usize) -> Data {
    let (result, warnings) = within(result, limit);
    Data { data: json!({ "resultType": kind, "result": result }), warnings }
}

async fn do_query_range(request: &Request) -> Api {
    let text = request.need("query")?.to_string();
    request.need("start")?;
    request.need("end")?;
    let (start, end) = (request.time("start", Timestamp(0))?, request.time("end", Timestamp(0))?);
    let step_ms = parse_step_ms("step", request.need("step")?)?;
    if end < start {
        return Err(ApiError::bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time",
        ));
    }
    let Told { answer, warnings } = request
        .hub
        .queries
        .range(&request.hub, text, (start, end, step_ms), request.principal.scope())
        .await?;
    Ok(matrix(&answer, request.limit(usize::MAX)?).told(warnings))
}

async fn do_exemplars(request: &Request) -> Api {
    parse(request.need("query")?).map_err(|e| ApiError::bad_data(e.to_string()))?;
    Ok(json!([]).into())
}

/// No features: with some, Grafana takes the data source for another product.
async fn do_buildinfo(_: &Request) -> Api {
    Ok(json!({
        "version": "3.0.0", "revision": env!("CARGO_PKG_VERSION"), "branch": "watchtower", "buildUser": "", "buildDate": "",
        "goVersion": "", "features": {}
    })
    .into())
}

async fn do_format_query(request: &Request) -> Api {
    let expr = parse(request.need("query")?).map_err(|e| ApiError::bad_data(e.to_string()))?;
    Ok(json!(expr.to_string()).into())
}

async fn do_rules(request: &Request) -> Api {
    let mut rules = Vec::new();
    for stored in &request.hub.objects().rules {
        let input = &stored.body.input;
        let Some(expr) = &input.expr else { continue };
        let error = request.hub.evaluator.error(stored.id.into());
        let health = if error.is_some() { "err" } else { "ok" };
        if let Some(record) = &input.record {
            rules.push(json!({
                "name": record, "query": expr, "labels": input.labels, "type": "recording", "health": health, "lastError": error.unwrap_or_default(),
            }));
            continue;
        }
        let alerts: Vec<Value> = firing(request, stored.id.into()).await;
        rules.push(json!({
            "name": input.alert_name.as_ref().unwrap_or(&input.name), "query": expr, "duration": input.for_seconds, "keepFiringFor": input.keep_firing_for_seconds,
            "labels": input.labels, "annotations": input.annotations, "alerts": alerts, "type": "alerting",
            "health": health, "lastError": error.unwrap_or_default(), "state": worst_state(&alerts),
        }));
    }
    Ok(json!({ "groups": [{ "name": "watchtower", "file": "watchtower", "interval": 10, "rules": rules }] })
        .into())
}

/// Of a rule, by its alerts.
fn worst_state(alerts: &[Value]) -> &'static str {
    let any = |state: &str| alerts.iter().any(|alert| alert["state"] == state);
    ["firing", "pending"].into_iter().find(|state| any(state)).unwrap_or("inactive")
}

async fn do_alerts(request: &Request) -> Api {
    let mut all = Vec::new();
    for stored in &request.hub.objects().rules {
        all.extend(firing(request, stored.id.into()).await);
    }
    Ok(json!({ "alerts": all }).into())
}

async fn firing(request: &Request, rule: watchtower_model::RuleId) -> Vec<Value> {
    let instances = request.hub.evaluator.instances(rule);
    let shown =
        instances.iter().filter(|instance| request.principal.sees_labels(&request.hub, &instance.labels));
    shown
        .map(|instance| {
            json!({
                "labels": instance.labels, "annotations": {}, "state": instance.state, "activeAt": instance.since_at,
                "value": format_value(instance.value.unwrap_or(f64::NAN)),
            })
        })
        .collect()
}
