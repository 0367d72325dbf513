//! Hostile bytes against every parser of outside input: none may panic, hang or take more than its bound.
//!
//! Seeds are valid inputs; each round takes one, cuts, doubles, swaps and splices it. `FUZZ_SECONDS` is the time for each parser;
//! without it a short, fixed number of rounds runs with every test.

mod stored;

use std::time::{Duration, Instant};

use watchtower_agent::exposition::{Format, admit, described, read};
use watchtower_intake::remote_write::{Series, WriteRequest, read_metadata};
use watchtower_intake::signals::mapped::{Mapping, Written};
use watchtower_intake::signals::{alertmanager, opsgenie, pagerduty};
use watchtower_intake::{Encoding, decompress, otlp};
use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Timestamp, is_metric_name, parse_duration_ms};
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::{
    AgentMessage, Dictionary, Frame, HubMessage, Metadata, NamedMetadata, SeriesEntry, SshKey, TrustBundle,
    decode, verify_ssh,
};
use watchtower_tests::random::Random;

/// Rounds of each parser in an ordinary test run.
const ROUNDS: u64 = 3_000;
/// Places that are spoilt in one round.
const DAMAGES_MAX: usize = 12;
/// Inputs grow no longer than this.
const BYTES_MAX: usize = 4096;

const PROMQL: &[&str] = &[
    "sum by (instance) (rate(node_cpu_seconds_total{mode!~\"idle|iowait\"}[5m] offset -1m)) > bool 0.5",
    "quantile_over_time(0.9, x[1h:5m] @ end()) and on (a, b) group_left (c) y unless {__name__=~\"a.*\", b=\"\\u00e9\"}",
    "-2 ^ -x{a=\"b\"} % 1e3 or label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")",
];
const MATCHERS: &[&str] =
    &["env=prod,role=~\"web|db\"", "{a!=\"\\\"x\\n\", b!~\"^(a|b)+c{1,3}$\"}", "name=\"web-1\""];
const TEMPLATES: &[&str] = &[
    "{{ $labels.instance }}: {{ $value | printf \"%.2f\" }} {{ $value | humanizePercentage }}",
    "{{ \"}}\" }}",
];
const MESSAGES: &[&str] = &[
    r#"{"type":"report","epoch":3,"seq":17,"lane":"live","t":1795000000000,"age_ms":2,"interval_ms":10000,"dictionary":"00000000000000000000000000000000","samples":[[0,1.5],[1,"NaN"]],"events":[{"kind":"unit.failed","severity":"error","message":"x","labels":{"a":"b"},"t":1}]}"#,
    r#"{"type":"hello","version":{"major":1,"minor":0},"agent_version":"1","public_key":"AAAA","nonce":"AAAA","encodings":["zstd"]}"#,
    r#"{"type":"execution","execution_id":"07070707-0707-0707-0707-070707070707","state":{"state":"running","pid":1},"t":1}"#,
];
const SIGNATURES: &[&str] = &[
    "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgRv0cCGqBX4m4aoRmFKrQzPTJFE\nRqACyuZxAiZ9QgY90AAAAUd2F0Y2h0b3dlci1zY3JpcHRAdjEAAAAAAAAABnNoYTUxMgAA\nAFMAAAALc3NoLWVkMjU1MTkAAABAyab39orKpWrE6xhi4ExKxRBjBOVjT8F1vZ0Cp92Ukx\nm26Xgo54rOHNlrCZ/g4D0bO9w5mK0EAm4z9RAwxG5YCw==\n-----END SSH SIGNATURE-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEb9HAhqgV+JuGqEZhSq0Mz0yRREagAsrmcQImfUIGPd a",
];
const TIMES: &[&str] = &["2026-11-24T21:52:17.042Z", "1h30m", "-0001-01-01T00:00:00+23:59"];

fn mutate(seeds: &[&str], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        let (at, length) = (random.below(bytes.len() + 1), random.below(12));
        let end = (at + length).min(bytes.len());
        match random.below(6) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let part = bytes[at..end].repeat(1 + random.below(20));
                bytes.splice(at..at, part);
            }
            2 => bytes.insert(at, random.next() as u8),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 => {
                let other = seeds[random.below(seeds.len())].as_bytes();
                let from = random.below(other.len());
                bytes.splice(at..end, other[from..].iter().copied().take(40));
            }
            _ => {
                let nested = ["(", "{", "[", "\"", "-", "((((((((", "9999999999", "\u{0}", "\u{ffff}"];
                bytes.splice(at..at, nested[random.below(nested.len())].bytes());
            }
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

/// Valid bytes, spoilt in a few places by what `by` says: bits, and for some of them the length.
fn damage(valid: &[u8], by: &[u8]) -> Vec<u8> {
    let mut damaged = valid.to_vec();
    for (i, byte) in by.iter().enumerate().take(DAMAGES_MAX) {
        let at = (usize::from(*byte) * 31 + i * 977 + by.len() * 7919) % damaged.len().max(1);
        match byte % 16 {
            0 => damaged.truncate(at),
            1 => drop(damaged.splice(at..at, by.iter().copied())),
            2 => drop(damaged.drain(at..(at + 7).min(damaged.len()))),
            3 => damaged[at..].iter_mut().take(64).for_each(|byte| *byte = 0),
            _ => damaged[at..].iter_mut().take(1).for_each(|byte| *byte ^= by[i].rotate_left(3)),
        }
    }
    damaged
}

/// Runs a parser on many inputs; the one that broke it is printed by the panic.
fn fuzz(name: &str, seeds: &[&str], parse: impl Fn(&[u8])) {
    fuzz_rounds(name, seeds, ROUNDS, parse);
}

/// The same where a round takes long.
fn fuzz_rounds(name: &str, seeds: &[&str], at_least: u64, parse: impl Fn(&[u8])) {
    let seconds: Option<u64> = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
    if until.is_some() {
        random.0 ^= std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_nanos() as u64);
    }
    let mut rounds = 0;
    while until.map_or(rounds < at_least, |until| Instant::now() < until) {
        let input = mutate(seeds, &mut random);
        let began = Instant::now();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parse(&input)));
        assert!(result.is_ok(), "{name} panicked on {:?}", String::from_utf8_lossy(&input));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{name} took too long on {:?}",
            String::from_utf8_lossy(&input)
        );
        rounds += 1;
    }
    eprintln!("{name}: {rounds} inputs");
}

#[test]
fn promql() {
    fuzz("promql", PROMQL, |bytes| {
        if let Ok(expr) = watchtower_promql::parse(&String::from_utf8_lossy(bytes)) {
            let printed = expr.to_string();
            let again = watchtower_promql::parse(&printed)
                .unwrap_or_else(|e| panic!("{printed} does not parse: {e}"));
            assert_eq!(again, expr, "{printed}");
        }
    });
}

#[test]
fn matchers() {
    fuzz("matchers", MATCHERS, |bytes| {
        if let Ok(matchers) = String::from_utf8_lossy(bytes).parse::<Matchers>() {
            let printed = matchers.to_string();
            assert!(printed.is_empty() || printed.parse::<Matchers>().is_ok(), "{printed}");
        }
    });
}

#[test]
fn templates() {
    fuzz("templates", TEMPLATES, |bytes| {
        drop(watchtower_rules::Template::parse(
            &String::from_utf8_lossy(bytes),
            &watchtower_rules::Series::VOCABULARY,
        ))
    });
}

#[test]
fn signatures() {
    fuzz("signatures", SIGNATURES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let message = b"{}";
        // The seed is over another message: nothing that is made of it may verify.
        assert!(verify_ssh(&text, "watchtower-script@v1", message).is_err());
        if let Ok(key) = SshKey::from_line(&text) {
            assert!(key.fingerprint().starts_with("SHA256:"));
        }
    });
}

#[test]
fn messages() {
    fuzz("messages", MESSAGES, |bytes| {
        let text = Frame::Text(String::from_utf8_lossy(bytes).into_owned());
        for frame in [text, Frame::Binary(bytes.to_vec())] {
            if let Ok(message) = decode::<AgentMessage>(&frame, FRAME_BYTES_MAX) {
                let _ = message.check();
            }
            let _ = decode::<HubMessage>(&frame, FRAME_BYTES_MAX);
        }
        let _ = TrustBundle::from_line(&String::from_utf8_lossy(bytes));
    });
}

#[test]
fn chunks() {
    let samples: Vec<_> =
        (0..100).map(|i| watchtower_model::Sample { t: Timestamp(i * 1000), v: i as f64 * 0.1 }).collect();
    let chunk = watchtower_tsdb::encode_chunk(&samples);
    fuzz("chunks", &["x"], move |bytes| {
        let mut damaged = chunk.clone();
        for (i, byte) in bytes.iter().enumerate() {
            let at = (usize::from(*byte) * 31 + i) % damaged.len();
            damaged[at] ^= byte.rotate_left(3);
        }
        let _ = watchtower_tsdb::decode_chunk(&damaged);
        let _ = watchtower_tsdb::decode_chunk(bytes);
    });
}

#[test]
fn remote_write() {
    let labels = [("__name__".to_string(), "up".to_string()), ("job".to_string(), "a".to_string())];
    let series =
        [watchtower_testkit::remote_write::Series { labels: &labels, samples: &[(1, 1.0), (2, 0.5)] }];
    let sent = watchtower_testkit::remote_write::request(&series);
    let mut plain = Vec::new();
    decompress(Encoding::Snappy, &sent, &mut plain).expect("it was compressed just now");
    fuzz("remote_write", &["\u{1}\u{8}ab", "0"], move |bytes| {
        let mut damaged = plain.clone();
        for (i, byte) in bytes.iter().enumerate().take(8) {
            let at = (usize::from(*byte) * 31 + i) % damaged.len();
            damaged[at] ^= byte.rotate_left(3);
        }
        for body in [&damaged[..], bytes] {
            let mut request = WriteRequest::new(body);
            let mut series = Series::default();
            while request.next(&mut series).unwrap_or(false) {
                let _ = series.to_labels();
            }
            let _ = read_metadata(body, |_| ());
        }
        let mut out = Vec::new();
        let _ = decompress(Encoding::Snappy, bytes, &mut out);
        let _ = decompress(Encoding::Zstd, bytes, &mut out);
    });
}

const EXPOSITIONS: &[&str] = &[
    "# HELP a b\n# TYPE a counter\na_total{b=\"c\\n\\\"\\\\\", d=\"\",} 1.5e9 1395066363000\nx +Inf\n{y=\"z\"} 1\n",
    "foo_bucket{le=\"0.1\",job=\"j\",exported_job=\"k\"} 8 # {trace_id=\"a\"} 0.054 1520879607\nfoo_count 17 1520879607.789\n# EOF\n",
];

#[test]
fn expositions() {
    let own = [("job".to_string(), "a".to_string()), ("target".to_string(), "b:1".to_string())];
    fuzz("expositions", EXPOSITIONS, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for format in [Format::Text, Format::OpenMetrics] {
            described(&text, format, |name, said| {
                let metrics = vec![NamedMetadata { name: name.into(), said }];
                let told = is_metric_name(name) && name.len() <= 128;
                assert!(!told || AgentMessage::Metadata(Metadata { metrics }).check().is_ok());
            });
            let mut series = Vec::new();
            let _ = read(&text, format, |line| {
                if let Some(found) = admit(line, &own, bytes.len() % 2 == 0) {
                    let value = |v: &str| v.replace(char::is_control, "");
                    let labels = Labels::from_pairs(found.labels.iter().map(|(n, v)| (&**n, value(v))));
                    series.push(SeriesEntry { name: found.name.into(), labels: labels.without(&["job"]) });
                }
            });
            // What is admitted must not cost the others of its dictionary.
            assert_eq!(Dictionary { series }.check(), Ok(()));
        }
    });
}

const OTLP: &[&str] = &[
    r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}},{"key":"b","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]},"scopeMetrics":[{"metrics":[{"name":"a.b","unit":"By/s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1796000000000000000","asDouble":"NaN","flags":1}]}},{"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":5,"count":"3","sum":1e3,"bucketCounts":["1",2],"explicitBounds":[0.5]}]}},{"name":"s","summary":{"dataPoints":[{"quantileValues":[{"quantile":0.5,"value":1}]}]}}]}]}]}"#,
    "\u{a}\u{26}\u{12}\u{24}\u{12}\u{22}\u{a}\u{1}x\u{2a}\u{1d}\u{a}\u{1b}\u{19}12345678\u{31}12345678\u{3a}\u{7}\u{a}\u{1}a\u{12}\u{2}\u{10}\u{1}",
    "\u{a}\u{22}\u{12}\u{20}\u{12}\u{1e}\u{a}\u{1}h\u{4a}\u{19}\u{a}\u{15}\u{19}12345678\u{32}\u{8}12345678\u{40}\u{1}\u{10}\u{2}",
];

#[test]
fn otlp() {
    fuzz("otlp", OTLP, |bytes| {
        for format in [otlp::Format::Protobuf, otlp::Format::Json] {
            if let Ok(request) = otlp::read(format, bytes) {
                let checked = |_, samples: Vec<otlp::SeriesSample>| {
                    assert!(samples.iter().all(|sample| sample.labels.check_observed().is_ok()));
                };
                let _ = otlp::translate(&request, checked);
                otlp::described(&request, |name, _| assert!(!name.is_empty()));
            }
        }
        let mut out = Vec::new();
        let _ = decompress(Encoding::Gzip, bytes, &mut out);
    });
}

const RULE_TESTS: &[&str] = &[
    "evaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n  - series: 'up{a=\"b\"}'\n    values: '1 _ stale 0+5x10 3x4 _x2 -1e3-2x3'\n  alert_rule_test:\n  - eval_time: 4m\n    alertname: A\n    exp_alerts:\n    - exp_labels: {a: b}\n  promql_expr_test:\n  - expr: up\n    eval_time: 5m\n    exp_samples:\n    - labels: up\n      value: 4\n",
];

#[test]
fn rule_tests() {
    use watchtower_rules::unit::{Suite, run_suite};
    let rules = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up > 1\n    for: 1m\n  - record: b\n    expr: sum(up)\n";
    let files = [("r.yml".to_string(), rules.to_string())];
    fuzz("rule_tests", RULE_TESTS, |bytes| {
        let Ok(suite) = Suite::read(&String::from_utf8_lossy(bytes)) else { return };
        let _ = run_suite(&suite, &files, &watchtower_rules::Settings::default());
    });
}

#[test]
fn times() {
    fuzz("times", TIMES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(time) = Timestamp::parse_rfc3339(&text) {
            let _ = time.to_rfc3339();
        }
        let _ = parse_duration_ms(&text);
    });
}

const SIGNALS: &[&str] = &[
    r#"{"routing_key":"k","event_action":"trigger","dedup_key":"a","payload":{"summary":"x","source":"y","severity":"info","custom_details":{"a":[1]}},"links":[{"href":"h","text":"t"}]}"#,
    r#"{"status":"firing","alerts":[{"status":"resolved","labels":{"alertname":"A"},"annotations":{"summary":"s"},"endsAt":"0001-01-01T00:00:00Z","fingerprint":"f"}]}"#,
    r#"[{"labels":{"alertname":"A"},"endsAt":"2026-11-18T23:06:41Z","generatorURL":"u"}]"#,
    r#"{"alias":"f3e1","message":"DiskFull","details":{"instance":"web-1","run book":"x"},"tags":["a"],"responders":[{"name":"ops"}],"priority":"P1","note":"n"}"#,
];

#[test]
fn signals() {
    fuzz("signals", SIGNALS, |bytes| {
        let now = Timestamp(1_795_000_000_000);
        let _ = pagerduty::change(bytes).map(drop);
        // The same bytes as a path, and as a body by a mapping.
        let _ = Mapping::new(&Written { title: String::from_utf8_lossy(bytes).into(), ..Written::default() });
        let mapping = Written {
            items: Some("alerts".into()),
            title: "annotations.summary".into(),
            ..Written::default()
        };
        let mapped =
            Mapping::new(&mapping).ok().and_then(|mapping| mapping.read(bytes).ok()).unwrap_or_default();
        for action in ["close", "description", "message", "priority", "snooze", "tags", "details", "assign"] {
            let Some(Ok(change)) = opsgenie::change(action, bytes) else { continue };
            if let Some(labels) = opsgenie::amended(&Labels::default(), &change.update) {
                labels.check().unwrap();
            }
        }
        let _ = opsgenie::removal("tags", &String::from_utf8_lossy(bytes), "", "");
        let event = pagerduty::event(bytes).map(|event| vec![event.signal]).unwrap_or_default();
        let alerts = [alertmanager::webhook(bytes), alertmanager::alerts(bytes, now)];
        let alerts = alerts.into_iter().flatten().flatten();
        for signal in alerts.chain(event).chain(mapped).chain(opsgenie::create(bytes)) {
            assert!(signal.summary.len() <= 1024 && !signal.summary.contains('\n'), "{signal:?}");
            signal.labels.check().unwrap();
        }
    });
}
