//! The HTTP API beside the queries: the same requests to a real Prometheus and to the hub, by GET and by form, plain and packed.

use std::io::Read;

use serde_json::{Value, json};
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::{Answer, Api, encode};
use watchtower_tests::hub::{BOOTSTRAP, Hub, Setup};

const FORM: &str = "application/x-www-form-urlencoded";

/// Twenty series, `x` and `y` of ten paths each.
fn fill(api: &Api, path: &str, at: i64) {
    let labels: Vec<Vec<(String, String)>> = (0..20)
        .map(|i| {
            let name = if i % 2 == 0 { "x" } else { "y" };
            let pairs =
                [("__name__", name.to_string()), ("job", "api".into()), ("path", format!("/p{}", i / 2))];
            pairs.map(|(n, v)| (n.to_string(), v)).to_vec()
        })
        .collect();
    let samples: Vec<(i64, f64)> = (0..10).map(|i| (at - i * 15_000, i as f64)).rev().collect();
    let series: Vec<_> = labels.iter().map(|labels| Series { labels, samples: &samples }).collect();
    let sent = api.raw("POST", path, "application/x-protobuf", &request(&series)).unwrap();
    assert_eq!(sent.status, 204, "{}", sent.body);
}

/// Path below `api/v1/` and parameters.
fn requests(at: i64) -> Vec<(&'static str, String)> {
    let (start, end) = (at / 1000 - 120, at / 1000);
    let rfc = |ms: i64| encode(&watchtower_model::Timestamp(ms).to_rfc3339());
    let both = "match[]=x{path=\"/p1\"}&match[]=y{path=~\"/p[23]\"}".replace('"', "%22");
    vec![
        ("query", format!("query=sum(x)&time={end}")),
        ("query", format!("query=sum(x)&time={end}.125")),
        ("query", format!("query=sum(x)&time={}", rfc(at))),
        ("query", "query=1%2B1&time=4".into()),
        ("query", "query=sum(x".into()),
        ("query", "query=x&time=never".into()),
        ("query", String::new()),
        ("query_range", format!("query=x&start={start}&end={end}&step=15")),
        ("query_range", format!("query=x&start={}&end={}&step=1m", rfc(start * 1000), rfc(end * 1000))),
        ("query_range", format!("query=x&start={end}&end={start}&step=15")),
        ("query_range", format!("query=x&start={start}&end={end}&step=0")),
        ("query_range", format!("query=x&start={start}&end={end}")),
        ("series", both.clone()),
        ("series", String::new()),
        ("series", "match[]=x{".into()),
        ("labels", String::new()),
        ("labels", both),
        ("query_exemplars", format!("query=x&start={start}&end={end}")),
        ("format_query", "query=sum%20by(job)(x)".into()),
    ]
}

fn told(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    // The words are each program's own.
    body.as_object_mut().unwrap().remove("error");
    let mut lists = vec![&mut body["data"]];
    while let Some(list) = lists.pop() {
        if let Some(all) = list.as_array_mut() {
            all.sort_by_key(ToString::to_string);
        } else if list.get("result").is_some_and(|result| result.is_array() && !result[0].is_number()) {
            lists.push(&mut list["result"]);
        }
    }
    as_numbers(&mut body);
    json!({"status": answer.status, "kind": answer.kind, "body": body})
}

/// `4` and `4.0` are the same time.
fn as_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64()),
        Value::Array(all) => all.iter_mut().for_each(as_numbers),
        Value::Object(all) => all.values_mut().for_each(as_numbers),
        _ => {}
    }
}

#[test]
fn requests_are_answered_as_prometheus_answers_them() {
    let Some(prometheus) = Prometheus::start() else { return };
    let hub = Hub::start(Setup::default());
    let (ours, theirs) = (hub.api(), Api::new(&prometheus.url(), None));
    let at = now_ms();
    fill(&ours, "/prometheus/api/v1/write", at);
    fill(&theirs, "/api/v1/write", at);
    for (path, pairs) in requests(at) {
        let expected = theirs.raw("GET", &format!("/api/v1/{path}?{pairs}"), "", b"").unwrap();
        let got = ours.raw("GET", &format!("/prometheus/api/v1/{path}?{pairs}"), "", b"").unwrap();
        assert_eq!(told(&got), told(&expected), "{path}?{pairs}");
        let got = ours.raw("POST", &format!("/prometheus/api/v1/{path}"), FORM, pairs.as_bytes()).unwrap();
        assert_eq!(told(&got), told(&expected), "{path} by form: {pairs}");
    }
    let values = |api: &Api, prefix: &str, name: &str| {
        told(&api.raw("GET", &format!("{prefix}/api/v1/label/{name}/values?match[]=y"), "", b"").unwrap())
    };
    for name in ["path", "__name__", "job", "none"] {
        assert_eq!(values(&ours, "/prometheus", name), values(&theirs, "", name), "{name}");
    }
    let build = ours.call("GET", "/prometheus/api/v1/status/buildinfo", None).body;
    assert_eq!(build["data"]["features"], json!({}), "with some, Grafana takes it for another product");
    let metadata = ours.call("GET", "/prometheus/api/v1/metadata?limit=1&metric=x", None).body;
    assert_eq!(metadata, json!({"status": "success", "data": {}}), "nobody said anything of it");
}

/// One series of this name and `kind`, with two samples that end at `at`.
fn fill_one(api: &Api, path: &str, (name, kind): (&str, &str), at: i64) {
    let pairs = [("__name__", name), (kind, "1")];
    let labels: Vec<(String, String)> = pairs.map(|(n, v)| (n.to_string(), v.to_string())).to_vec();
    let series = [Series { labels: &labels, samples: &[(at - 15_000, 1.0), (at, 2.0)] }];
    let sent = api.raw("POST", path, "application/x-protobuf", &request(&series)).unwrap();
    assert_eq!(sent.status, 204, "{}", sent.body);
}

/// Ranges that lie further from each other's samples than what either stores together: there both say the same.
#[test]
fn a_range_leaves_out_what_has_no_samples_in_it() {
    let Some(prometheus) = Prometheus::start() else { return };
    let hub = Hub::start(Setup::default());
    let (ours, theirs) = (hub.api(), Api::new(&prometheus.url(), None));
    let (now, day) = (now_ms(), 24 * 3_600_000);
    let kept = [("first", "red", now - 4 * day), ("second", "green", now - 2 * day), ("third", "blue", now)];
    for (name, kind, at) in kept {
        fill_one(&ours, "/prometheus/api/v1/write", (name, kind), at);
        fill_one(&theirs, "/api/v1/write", (name, kind), at);
    }
    let ask = |path: &str, from: i64, to: i64| {
        let range = format!("start={}&end={}", from as f64 / 1000.0, to as f64 / 1000.0);
        let call = |api: &Api, prefix: &str| {
            let answer = api.raw("GET", &format!("{prefix}/api/v1/{path}{range}"), "", b"").unwrap();
            (told(&answer), answer.body["data"].as_array().map_or(0, Vec::len))
        };
        (call(&ours, "/prometheus"), call(&theirs, ""))
    };
    let any = "series?match[]=%7B__name__%3D~%22.%2B%22%7D&";
    for (from, to, count) in [
        (now - 5 * day, now - 3 * day, 1),
        (now - 4 * day - 10_000, now - 4 * day + 10_000, 1),
        (now - 3 * day, now - day, 1),
        (now - 3 * day, now, 2),
        (now - day, now + day, 1),
        (now - 5 * day, now, 3),
        (now - 9 * day, now - 8 * day, 0),
        (now - day - 3_600_000, now - day, 0),
        (now, now - day, 0),
    ] {
        let (got, expected) = ask(any, from, to);
        assert_eq!(got.0, expected.0, "{} to {} days", (from - now) / day, (to - now) / day);
        assert_eq!(got.1, count);
    }
    // Prometheus names all labels of its whole head: only a range without any block is the same in both.
    for path in ["labels?", "label/__name__/values?", "label/red/values?"] {
        let (got, expected) = ask(path, now - 9 * day, now - 8 * day);
        assert_eq!((got, expected.1), (expected.clone(), 0), "{path}");
    }
    assert_eq!(ask("labels?", now - 3 * day, now - day).0.0["body"]["data"], json!(["__name__", "green"]));
    for parameters in ["start=never", "end=never", "start=-9223309901257974&end=9223309901257974", "start="] {
        let path = format!("{any}{parameters}");
        let got = ours.raw("GET", &format!("/prometheus/api/v1/{path}"), "", b"").unwrap();
        assert_eq!(
            told(&got),
            told(&theirs.raw("GET", &format!("/api/v1/{path}"), "", b"").unwrap()),
            "{path}"
        );
    }
}

#[test]
fn a_limit_cuts_and_says_so() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    fill(&api, "/prometheus/api/v1/write", now_ms());
    let ask = |path: &str| api.call("GET", &format!("/prometheus/api/v1/{path}"), None).body;
    let count = |answer: &Value| {
        let data = &answer["data"];
        data.as_array().or(data["result"].as_array()).map_or(0, Vec::len)
    };
    let range = format!("query=x&start={0}&end={0}&step=15", now_ms() / 1000);
    for path in
        ["query?query=x", &format!("query_range?{range}"), "series?match[]=x", "label/path/values?a=b"]
    {
        let (cut, whole, all) = (
            ask(&format!("{path}&limit=3")),
            ask(&format!("{path}&limit=10")),
            ask(&format!("{path}&limit=0")),
        );
        assert_eq!((count(&cut), count(&whole), count(&all)), (3, 10, 10), "{path}");
        assert_eq!(cut["warnings"], json!(["results truncated due to limit"]), "{path}");
        assert!(whole["warnings"].is_null() && all["warnings"].is_null(), "{path}: {whole}");
    }
    assert_eq!(ask("query?query=x&limit=-1")["errorType"], "bad_data");
}

#[test]
fn answers_are_packed_for_those_who_can_unpack_them() {
    let hub = Hub::start(Setup::default());
    fill(&hub.api(), "/prometheus/api/v1/write", now_ms());
    let ask = |accept: &str, query: &str| {
        let url = format!("{}/prometheus/api/v1/query?query={query}", hub.url());
        let answer = ureq::get(url).header("Authorization", format!("Bearer {BOOTSTRAP}"));
        let mut answer = answer.header("Accept-Encoding", accept).call().unwrap();
        let encoding =
            answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_string());
        assert_eq!(
            answer.headers().get("vary").map(|value| value.to_str().unwrap()),
            Some("Accept-Encoding")
        );
        (encoding, answer.body_mut().read_to_vec().unwrap())
    };
    let (encoding, packed) = ask("deflate, gzip", "x%5B1m%5D");
    assert_eq!(encoding.as_deref(), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert!(packed.len() * 3 < unpacked.len(), "{} of {} bytes", packed.len(), unpacked.len());
    let body: Value = serde_json::from_slice(&unpacked).unwrap();
    assert_eq!(body["data"]["result"].as_array().unwrap().len(), 10);
    for (accept, query) in [("identity", "x%5B1m%5D"), ("gzip;q=0", "x%5B1m%5D"), ("gzip", "1")] {
        let (encoding, plain) = ask(accept, query);
        assert_eq!(encoding, None, "{accept}");
        assert!(serde_json::from_slice::<Value>(&plain).is_ok());
    }
}
