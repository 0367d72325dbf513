//! What cannot be stored is counted with its reason; what is no request is an error.

use serde_json::{Value, json};
use watchtower_intake::otlp::{Format, OBJECTS_MAX, Rejected, answer, read, refusal};
use watchtower_intake::{BODY_BYTES_MAX, Encoding, IntakeError, decompress};

use super::{PROTOBUF, from_json, metric, series_of};

const TIME: &str = "1796000000000000000";

/// Points rejected and why, where nothing else was in the request.
fn rejected(of: Value) -> (u64, String) {
    let (series, rejected) = from_json(&metric(of));
    assert_eq!(series, Vec::<String>::new());
    (rejected.points, rejected.reason.unwrap_or_default())
}

#[test]
fn differences_and_exponential_histograms_are_rejected_with_words() {
    let points =
        [json!({"timeUnixNano": TIME, "asInt": 1, "count": 1}), json!({"timeUnixNano": TIME, "asInt": 2})];
    let delta = json!({"dataPoints": points, "aggregationTemporality": 1, "isMonotonic": true});
    for kind in ["sum", "histogram"] {
        let (count, why) = rejected(json!({"name": "a.b", kind: delta}));
        assert_eq!(count, 2);
        assert_eq!(why, "a.b: only cumulative temporality is supported, not delta");
    }
    assert_eq!(
        rejected(json!({"name": "a", "sum": {"dataPoints": points}})).0,
        2,
        "not said is not cumulative"
    );
    let (count, why) = rejected(json!({"name": "a", "exponentialHistogram": delta}));
    assert_eq!(count, 2);
    assert!(why.contains("exponential histograms are not supported"), "{why}");
}

#[test]
fn points_that_make_no_series_are_rejected_one_by_one() {
    let gauge = |point: Value| rejected(json!({"name": "g", "gauge": {"dataPoints": [point]}}));
    assert_eq!(gauge(json!({"asInt": 1})), (1, "g: a point has no time".into()));
    assert_eq!(gauge(json!({"timeUnixNano": TIME})), (1, "g: a point has no value".into()));
    let pair = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let with =
        |attributes: Vec<Value>| gauge(json!({"timeUnixNano": TIME, "asInt": 1, "attributes": attributes})).1;
    assert!(with(vec![pair("a", &"x".repeat(2000))]).contains("longer than"));
    assert!(with(vec![pair("a", "x\ny")]).contains("control character"));
    assert!(
        with((0..100).map(|i| pair(&format!("l{i}"), "v")).collect()).contains("more than 64 attributes")
    );
    let nameless = json!({"name": "字", "gauge": {"dataPoints": [{"timeUnixNano": TIME, "asInt": 1}]}});
    assert_eq!(rejected(nameless), (1, "a metric has no name that Prometheus could have".into()));
    let histogram = |counts: Value, bounds: Value| {
        let point =
            json!({"timeUnixNano": TIME, "count": 3, "bucketCounts": counts, "explicitBounds": bounds});
        rejected(json!({"name": "h", "histogram": {"dataPoints": [point], "aggregationTemporality": 2}})).1
    };
    assert!(histogram(json!([1, 2]), json!([1, 2])).contains("one more than its bounds"));
    assert!(histogram(json!([1, 2, 0]), json!([2, 2])).contains("do not rise"));
    assert!(histogram(json!([1, 2]), json!(["Infinity"])).contains("do not rise"));
    assert!(histogram(json!([]), json!((0..600).collect::<Vec<_>>())).contains("more than 512 buckets"));
}

#[test]
fn a_cut_request_is_an_error_or_a_shorter_request_and_never_a_panic() {
    let mut whole = 0;
    for end in 0..PROTOBUF.len() {
        match read(Format::Protobuf, &PROTOBUF[..end]) {
            Ok(_) => whole += 1,
            Err(error) => assert!(matches!(error, IntakeError::Malformed { .. }), "{end}: {error}"),
        }
    }
    assert_eq!(whole, 1, "only the empty one is whole");
    for text in
        ["", "[", "null", r#"{"resourceMetrics": 1}"#, r#"{"resourceMetrics": [{"scopeMetrics": {}}]}"#]
    {
        assert!(matches!(read(Format::Json, text.as_bytes()), Err(IntakeError::NotJson { .. })), "{text}");
    }
}

#[test]
fn what_would_grow_beyond_its_bound_is_refused_before_it_does() {
    let many = [0x0a, 0x00].repeat(OBJECTS_MAX + 1);
    let too_many = Err(IntakeError::TooMany { what: "objects", limit: OBJECTS_MAX });
    assert_eq!(read(Format::Protobuf, &many), too_many);
    for object in ["{", "[],"] {
        assert_eq!(read(Format::Json, object.repeat(OBJECTS_MAX + 1).as_bytes()), too_many);
    }
    // A list in a list in a list: 42 of them in JSON meet the reader's own bound, in protobuf ours.
    let mut nested = vec![0x0a, 0x00];
    for _ in 0..200 {
        let mut list = vec![0x0a];
        varint(&mut list, nested.len());
        list.extend(&nested);
        nested = vec![0x2a];
        varint(&mut nested, list.len());
        nested.extend(list);
    }
    for field in [0x12, 0x0a, 0x0a, 0x0a] {
        let mut outer = vec![field];
        varint(&mut outer, nested.len());
        outer.extend(&nested);
        nested = outer;
    }
    assert!(matches!(read(Format::Protobuf, &nested), Err(IntakeError::Malformed { .. })));
    let deep = format!(r#"{{"resourceMetrics": {}"#, "[".repeat(100_000));
    assert!(matches!(read(Format::Json, deep.as_bytes()), Err(IntakeError::NotJson { .. })));
    // Labels of 60 KB, repeated by 500 buckets of each of 20 points.
    let attributes: Vec<Value> = (0..60)
        .map(|i| json!({"key": format!("l{i}"), "value": {"stringValue": "x".repeat(1000)}}))
        .collect();
    let bounds: Vec<u32> = (0..500).collect();
    let point = json!({"timeUnixNano": TIME, "count": 3, "explicitBounds": bounds,
        "bucketCounts": vec![0; 501], "attributes": attributes});
    let of = json!({"name": "h", "histogram": {"dataPoints": vec![point; 20], "aggregationTemporality": 2}});
    let error = series_of(Format::Json, metric(of).to_string().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("bytes of labels"), "{error}");
    let mut bomb = Vec::new();
    let mut packer = flate2::write::GzEncoder::new(&mut bomb, flate2::Compression::new(1));
    std::io::Write::write_all(&mut packer, &vec![0; BODY_BYTES_MAX + 1]).unwrap();
    packer.finish().unwrap();
    let mut out = Vec::new();
    let too_large = Err(IntakeError::TooLarge { limit: BODY_BYTES_MAX });
    assert_eq!(decompress(Encoding::Gzip, &bomb, &mut out), too_large);
    let broken = Err(IntakeError::NotCompressed { encoding: "gzip" });
    assert_eq!(decompress(Encoding::Gzip, &bomb[..bomb.len() / 2], &mut out), broken);
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[test]
fn answers_are_in_the_form_of_the_request() {
    let none = Rejected::default();
    assert_eq!((answer(Format::Protobuf, &none), answer(Format::Json, &none)), (vec![], b"{}".to_vec()));
    let some = Rejected { points: 300, reason: Some("why".into()) };
    assert_eq!(answer(Format::Protobuf, &some), b"\x0a\x08\x08\xac\x02\x12\x03why");
    let json: Value = serde_json::from_slice(&answer(Format::Json, &some)).unwrap();
    assert_eq!(json, json!({"partialSuccess": {"rejectedDataPoints": "300", "errorMessage": "why"}}));
    assert_eq!(refusal(Format::Protobuf, 3, "bad"), b"\x08\x03\x12\x03bad");
    assert_eq!(refusal(Format::Json, 3, "bad"), br#"{"code":3,"message":"bad"}"#);
}
