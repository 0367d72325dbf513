//! What a rule would have done: over samples of the past that another sender wrote.

use serde_json::json;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_tests::agents::now_ms;
use watchtower_tests::hub::{Hub, Setup};

#[test]
fn a_rule_is_run_over_the_past() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    // Two hours, a sample each half minute: two breaches of 10 and 20 minutes on a, one of 4 minutes on b.
    let (now, minute) = (now_ms() / 60_000 * 60_000, 60_000);
    let labels = |instance: &str| {
        [("__name__", "queue"), ("instance", instance), ("job", "test")]
            .map(|(n, v)| (n.to_string(), v.to_string()))
    };
    let samples = |breaches: &[(i64, i64)]| -> Vec<(i64, f64)> {
        let value = |at: i64| breaches.iter().any(|(from, to)| (from * minute..to * minute).contains(&at));
        (0..=240)
            .map(|i| i * 30_000)
            .map(|at| (now - 120 * minute + at, if value(at) { 9.0 } else { 1.0 }))
            .collect()
    };
    let (a, b) = (labels("a:1"), labels("b:1"));
    let (of_a, of_b) = (samples(&[(10, 20), (60, 80)]), samples(&[(30, 34)]));
    let sent = request(&[Series { labels: &a, samples: &of_a }, Series { labels: &b, samples: &of_b }]);
    let answer = api.raw("POST", "/prometheus/api/v1/write", "application/x-protobuf", &sent).unwrap();
    assert_eq!(answer.status, 204, "{}", answer.body);

    let test = |expr: &str, for_seconds: i64| {
        api.post(
            "/rules/backtest",
            &json!({"expr": expr, "for_seconds": for_seconds, "window_seconds": 7200 * 2}),
        )
    };
    let past = test("queue > 5", 300);
    assert_eq!((&past["would_have_fired"], &past["more"]), (&json!(2), &json!(0)), "{past}");
    let servers = past["servers"].as_array().unwrap();
    assert_eq!((servers.len(), &servers[0]["server"]), (1, &json!("a:1")), "four minutes are not five");
    let seconds = servers[0]["firing_seconds"].as_f64().unwrap();
    assert!((seconds - 20.0 * 60.0).abs() <= 40.0, "30 minutes less twice five: {seconds}");
    assert_eq!(servers[0]["firing"], json!(false));
    assert_eq!(test("queue > 5", 0)["would_have_fired"], json!(3));
    assert_eq!(test("queue > 50", 0)["servers"], json!([]));
    let wrong = api.call("POST", "/api/v1/rules/backtest", Some(&json!({"expr": "queue >"})));
    assert_eq!((wrong.status, &wrong.body["field"]), (422, &json!("expr")), "{}", wrong.body);
}
