//! OTLP over HTTP: what OpenTelemetry sends is stored before the answer, and the answer tells an exporter what it may repeat.

use serde_json::{Value, json};
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::hub::{Hub, Setup};

const METRICS: &str = "/otlp/v1/metrics";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// One point of a counter of `shop/checkout`, at `at_ms`.
fn request(at_ms: i64, instance: &str, value: i64) -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = [
        attribute("service.name", "checkout"),
        attribute("service.namespace", "shop"),
        attribute("service.instance.id", instance),
        attribute("host.name", "h1"),
    ];
    let point = json!({"timeUnixNano": (at_ms * 1_000_000).to_string(), "asInt": value.to_string(),
        "attributes": [attribute("payment.method", "card")]});
    let sum = json!({"dataPoints": [point], "aggregationTemporality": 2, "isMonotonic": true});
    let metrics = [json!({"name": "orders.placed", "unit": "{order}", "description": "Orders.", "sum": sum})];
    json!({"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [{"metrics": metrics}]}]})
}

fn send(api: &Api, request: &Value) -> Answer {
    api.raw("POST", METRICS, JSON, request.to_string().as_bytes()).unwrap()
}

fn value(api: &Api, query: &str) -> Option<String> {
    api.promql(query).first().map(|element| element["value"][1].as_str().unwrap_or("").to_string())
}

#[test]
fn a_request_is_durable_when_it_is_answered() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    let answer = send(&api, &request(now_ms(), "c-1", 5));
    assert_eq!((answer.status, answer.kind.as_str(), answer.body), (200, JSON, json!({})));
    let said = api.call("GET", "/prometheus/api/v1/metadata?metric=orders_placed_total", None).body;
    let wanted = json!({"orders_placed_total": [{"type": "counter", "help": "Orders.", "unit": ""}]});
    assert_eq!(said["data"], wanted);
    hub.kill();
    hub.restart();
    let series = "orders_placed_total{job=\"shop/checkout\",instance=\"c-1\",payment_method=\"card\"}";
    assert_eq!(value(&api, series).as_deref(), Some("5"));
    let joined = format!("{series} * on (job, instance) group_left (host_name) target_info");
    assert_eq!(api.promql(&joined)[0]["metric"]["host_name"], "h1");
}

#[test]
fn an_exporter_is_told_what_was_rejected_and_what_it_may_not_repeat() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "web-1"}));
    let rejected = |request: &Value| {
        let answer = send(&api, request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let partial = &answer.body["partialSuccess"];
        let text = |name: &str| partial[name].as_str().unwrap_or("").to_string();
        (text("rejectedDataPoints"), text("errorMessage"))
    };
    let (count, why) = rejected(&request(now_ms(), "web-1", 1));
    assert!(count == "1" && why.contains("is a server of this hub"), "{count} {why}");
    assert!(api.promql("orders_placed_total").is_empty() && api.promql("target_info").is_empty());
    let mut mixed = request(now_ms(), "c-1", 7);
    let metrics = mixed["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array_mut().unwrap();
    metrics.push(json!({"name": "d", "sum": {"dataPoints": [{"timeUnixNano": 1, "asInt": 1}], "aggregationTemporality": 1}}));
    let (count, why) = rejected(&mixed);
    assert!(count == "1" && why.contains("only cumulative"), "{count} {why}");
    assert_eq!(value(&api, "orders_placed_total").as_deref(), Some("7"), "the rest is stored");
    assert!(rejected(&request(now_ms() - 20 * 86_400_000, "c-2", 1)).1.contains("too old"));
    assert!(rejected(&request(now_ms() + 3_600_000, "c-2", 1)).1.contains("the future"));
    let answer = api.raw("POST", METRICS, JSON, b"{").unwrap();
    assert_eq!((answer.status, &answer.body["code"], answer.kind.as_str()), (400, &json!(3), JSON));
    let answer = api.raw("POST", METRICS, PROTOBUF, b"\x0a\xff").unwrap();
    assert_eq!((answer.status, answer.kind.as_str()), (400, PROTOBUF));
    assert_eq!(api.raw("POST", METRICS, "text/plain", b"x").unwrap().status, 415);
    assert_eq!(api.raw("POST", METRICS, PROTOBUF, b"").unwrap().status, 200, "nothing is a request too");
    assert_eq!(api.raw("GET", METRICS, "", b"").unwrap().status, 405);
}

#[test]
fn only_tokens_for_it_may_send() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let token = |body: Value| api.with_token(api.post("/tokens", &body)["secret"].as_str());
    let sent = request(now_ms(), "c-1", 1);
    let writer = token(json!({"name": "collector", "role": "operator", "scopes": ["metrics:write"]}));
    assert_eq!(send(&writer, &sent).status, 200);
    for other in [
        json!({"name": "reader", "role": "admin", "scopes": ["query"]}),
        json!({"name": "viewer", "role": "viewer"}),
        json!({"name": "limited", "role": "operator", "servers": "env=\"prod\""}),
    ] {
        let answer = send(&token(other), &sent);
        assert_eq!((answer.status, &answer.body["code"]), (403, &json!(7)));
    }
    let answer = send(&api.with_token(None), &sent);
    assert_eq!((answer.status, &answer.body["code"]), (401, &json!(16)));
}
