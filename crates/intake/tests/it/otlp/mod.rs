//! OTLP: what a real SDK sent (`request.*`: OpenTelemetry's Python SDK 1.45, and the same bytes as protobuf's own JSON), and
//! requests that no SDK would send.

mod refused;

use serde_json::{Value, json};
use watchtower_intake::otlp::{Format, Rejected, described, read, translate};
use watchtower_intake::{Encoding, IntakeError, decompress};

const PROTOBUF: &[u8] = include_bytes!("request.bin");
const GZIP: &[u8] = include_bytes!("request.gz");
const JSON: &[u8] = include_bytes!("request.json");
/// When the request was made.
const AT: i64 = 1_796_010_326_827;

/// Series as `name{labels} value @ms`, and what was rejected.
fn series_of(format: Format, body: &[u8]) -> Result<(Vec<String>, Rejected), IntakeError> {
    let mut all = Vec::new();
    let rejected = translate(&read(format, body)?, |_, samples| {
        all.extend(samples.iter().map(|s| format!("{} {} @{}", s.labels, s.v, s.t.0)));
    })?;
    Ok((all, rejected))
}

fn from_json(request: &Value) -> (Vec<String>, Rejected) {
    series_of(Format::Json, request.to_string().as_bytes()).unwrap()
}

/// A request with one metric of a nameless resource.
fn metric(metric: Value) -> Value {
    json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})
}

#[test]
fn what_a_real_sdk_sends_becomes_the_series_that_prometheus_would_have() {
    let (series, rejected) = series_of(Format::Protobuf, PROTOBUF).unwrap();
    assert_eq!(rejected, Rejected::default());
    let of = r#"instance="checkout-7", job="shop/checkout""#;
    let wanted = [
        format!(r#"orders_placed_total{{first="true", {of}, payment_method="card"}} 5"#),
        format!(r#"orders_placed_total{{{of}, payment_method="cash"}} 2"#),
        format!(r#"http_server_request_duration_seconds_sum{{http_route="/pay", {of}}} 3.95"#),
        format!(r#"http_server_request_duration_seconds_count{{http_route="/pay", {of}}} 4"#),
        format!(r#"http_server_request_duration_seconds_bucket{{http_route="/pay", {of}, le="0.1"}} 1"#),
        format!(r#"http_server_request_duration_seconds_bucket{{http_route="/pay", {of}, le="0.5"}} 2"#),
        format!(r#"http_server_request_duration_seconds_bucket{{http_route="/pay", {of}, le="1"}} 3"#),
        format!(r#"http_server_request_duration_seconds_bucket{{http_route="/pay", {of}, le="+Inf"}} 4"#),
        format!(r#"queue_size{{{of}}} -3"#),
        format!(r#"cpu_utilization_ratio{{cpu="0", {of}}} 0.25"#),
        format!(
            r#"target_info{{deployment_environment="prod", {of}, process_command_args="[\"a\",\"b\"]"}} 1"#
        ),
    ];
    let wanted: Vec<String> = wanted.iter().map(|series| format!("{series} @{AT}")).collect();
    assert_eq!(series, wanted);
}

#[test]
fn json_and_gzip_are_the_same_request() {
    assert_eq!(read(Format::Json, JSON).unwrap(), read(Format::Protobuf, PROTOBUF).unwrap());
    let mut plain = Vec::new();
    decompress(Encoding::of_otlp(Some("gzip")).unwrap(), GZIP, &mut plain).unwrap();
    assert_eq!(plain, PROTOBUF);
    assert_eq!(Encoding::of_otlp(None), Ok(Encoding::Plain));
    assert!(Encoding::of_otlp(Some("br")).unwrap_err().to_string().contains("send gzip, zstd, or neither"));
}

#[test]
fn metrics_are_described_under_the_names_of_their_series() {
    let told = |format: Format, body: &[u8]| {
        let mut all = Vec::new();
        described(&read(format, body).unwrap(), |name, said| {
            all.push(format!("{name} {:?} {:?} {:?}", said.kind, said.help, said.unit));
        });
        all
    };
    let wanted = [
        r#"orders_placed_total Counter "" """#,
        r#"http_server_request_duration_seconds Histogram "" "seconds""#,
        r#"queue_size Gauge "" """#,
        r#"cpu_utilization_ratio Gauge "" """#,
    ];
    assert_eq!(told(Format::Protobuf, PROTOBUF), wanted);
    let of = |kind: &str, temporality: u64| {
        let body = json!({"name": "io", "unit": "By/s", "description": "Traffic.", kind: {"aggregationTemporality": temporality}});
        told(Format::Json, metric(body).to_string().as_bytes())
    };
    assert_eq!(of("summary", 0), [r#"io_bytes_per_second Summary "Traffic." "bytes_per_second""#]);
    assert!(
        of("sum", 1).is_empty() && of("exponentialHistogram", 2).is_empty(),
        "what is not stored is not described"
    );
    assert!(told(Format::Json, metric(json!({"name": "字", "gauge": {}})).to_string().as_bytes()).is_empty());
    // metric { name: "a", description: "b", gauge {} } in a scope of a resource.
    let body = [0x0a, 0x0c, 0x12, 0x0a, 0x12, 0x08, 0x0a, 0x01, b'a', 0x12, 0x01, b'b', 0x2a, 0x00];
    assert_eq!(told(Format::Protobuf, &body), [r#"a Gauge "b" """#]);
}

#[test]
fn json_may_write_numbers_as_texts_and_nothing_as_null() {
    let point = |value: Value| json!({"timeUnixNano": "1796000000000000000", "attributes": null, "asDouble": value, "unknown": [{}]});
    let points = [json!(1.5), json!("2.5"), json!("NaN"), json!("-Infinity"), json!(7)].map(point);
    let (series, rejected) =
        from_json(&metric(json!({"name": "x", "unit": null, "gauge": {"dataPoints": points}})));
    let values: Vec<&str> = series.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!((values, rejected.points), (vec!["1.5", "2.5", "NaN", "-inf", "7"], 0));
    let number = json!({"timeUnixNano": 1_796_000_000_000_000_000_u64, "asInt": "-9007199254740993"});
    let sum = json!({"dataPoints": [number], "aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE"});
    assert_eq!(
        from_json(&metric(json!({"name": "y", "sum": sum}))).0[0],
        "y -9007199254740992 @1796000000000"
    );
}

#[test]
fn summaries_and_series_that_ended() {
    let summary = json!({"timeUnixNano": "1796000000000000000", "count": "9", "sum": 4.5,
        "quantileValues": [{"quantile": 0.5, "value": 0.4}, {"quantile": 0.99, "value": 1}]});
    let (series, _) =
        from_json(&metric(json!({"name": "s", "unit": "ms", "summary": {"dataPoints": [summary]}})));
    let at = "@1796000000000";
    assert_eq!(
        series,
        [
            format!("s_milliseconds_sum 4.5 {at}"),
            format!("s_milliseconds_count 9 {at}"),
            format!("s_milliseconds{{quantile=\"0.5\"}} 0.4 {at}"),
            format!("s_milliseconds{{quantile=\"0.99\"}} 1 {at}"),
        ]
    );
    let ended = json!({"timeUnixNano": "1796000000000000000", "flags": 1});
    let body = metric(json!({"name": "g", "gauge": {"dataPoints": [ended]}})).to_string();
    let request = read(Format::Json, body.as_bytes()).unwrap();
    let mut bits = Vec::new();
    translate(&request, |_, samples| bits.extend(samples.iter().map(|s| s.v.to_bits()))).unwrap();
    assert_eq!(bits, [watchtower_model::STALE_NAN_BITS]);
}

#[test]
fn attributes_of_every_kind_become_texts_and_names_that_become_equal_are_joined() {
    let pair = |key: &str, value: Value| json!({"key": key, "value": value});
    let attributes = [
        pair("a.b", json!({"stringValue": "1"})),
        pair("a_b", json!({"intValue": "2"})),
        pair("d", json!({"doubleValue": 1e-7})),
        pair("e", json!({"bytesValue": "AQI="})),
        pair("f", json!({"kvlistValue": {"values": [pair("k", json!({"arrayValue": {"values": [{}]}}))]}})),
        pair("empty", json!({})),
        pair("字", json!({"boolValue": false})),
    ];
    let point = json!({"timeUnixNano": 1_000_000, "asInt": 1, "attributes": attributes});
    let (series, _) = from_json(&metric(json!({"name": "x", "gauge": {"dataPoints": [point]}})));
    assert_eq!(series, [r#"x{a_b="1;2", d="1e-7", e="AQI=", f="{\"k\":[null]}"} 1 @1"#]);
}

#[test]
fn what_a_resource_says_is_found_at_each_of_its_points() {
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "a"}},
        {"key": "host.name", "value": {"stringValue": "h"}}]});
    let points =
        [0_u64, 400].map(|s| json!({"timeUnixNano": (1_796_000_000 + s) * 1_000_000_000, "asInt": 1}));
    let metrics = [json!({"name": "x", "gauge": {"dataPoints": points}})];
    let (series, _) = from_json(
        &json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}),
    );
    let info: Vec<&String> = series.iter().filter(|line| line.starts_with("target_info{")).collect();
    assert_eq!(info.len(), 4, "at 0, 150, 300 and 400 s: {info:?}");
    assert!(info[3].ends_with("@1796000400000"), "{info:?}");
}
