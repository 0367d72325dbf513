//! The past behind the samples, as who asks sees it: made by the hub in the background, answered with a warning, counted at `/metrics`.

use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_model::{Labels, Timestamp};
use watchtower_tsdb::{Batch, Samples, SeriesRef};

use crate::hub::TestHub;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// The merge looks each twenty seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// A counter of 6 a minute and a gauge, each half minute of one day.
fn fill(test: &TestHub, day: i64) {
    let labels = ["past_total", "past_gauge"].map(|name| Labels::from_pairs([("__name__", name)]));
    let series: Vec<SeriesRef> = test.hub.tsdb.resolve(None, &labels).refs.into_iter().flatten().collect();
    let mut t = Timestamp(day * DAY);
    while t.0 < (day + 1) * DAY - MINUTE / 2 {
        t = t.plus_ms(MINUTE / 2);
        let n = (t.0 - day * DAY) / (MINUTE / 2);
        let values = [(series[0], n as f64 * 3.0), (series[1], (n % 7) as f64)];
        let samples = Samples::Report { t, values: &values };
        test.hub.tsdb.append(&[Batch { progress: None, received_at: t, backfill: false, samples }]).unwrap();
    }
    test.hub.tsdb.flush_all(t).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_rolled_up_in_the_background_and_answers_say_so() {
    let test = TestHub::start().await;
    let now = test.hub.now();
    let day = now.0 / DAY - 20;
    fill(&test, day);
    let asked = Instant::now();
    let rolled = "watchtower_rollup_files{resolution=\"1m\"} 1";
    loop {
        let metrics = test.raw("GET", "/metrics", "", "").await.body;
        if metrics.contains(rolled) && metrics.contains("watchtower_rollup_files{resolution=\"1h\"} 1") {
            break;
        }
        assert!(asked.elapsed() < PATIENCE, "the day is not rolled up: {metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let at = (day * DAY + 8 * 60 * MINUTE) / 1000;
    let query = |text: &str| format!("/prometheus/api/v1/query?query={text}&time={at}");
    let before = test.admin("GET", &query("rate(past_total[5m])"), json!(null)).await;
    assert!(before["warnings"].is_null(), "the samples are still there: {before}");
    let kept = test.hub.config.kept;
    assert_eq!(test.hub.tsdb.retain(now, &kept).unwrap().days.len(), 1);
    let after = test.admin("GET", &query("rate(past_total[5m])"), json!(null)).await;
    assert_eq!(after["data"], before["data"]);
    let until = Timestamp((day + 1) * DAY).to_rfc3339();
    let warning = format!("before {until} samples are no longer kept: answered from rollups of 1m");
    assert_eq!(after["warnings"], json!([warning]));
    let range = format!(
        "/prometheus/api/v1/query_range?query=stddev_over_time(past_gauge[10m])&start={}&end={at}&step=60",
        at - 600
    );
    let roughly = test.admin("GET", &range, json!(null)).await;
    assert_eq!(
        roughly["warnings"],
        json!([warning, "stddev_over_time knows only the last value of each bucket of rollups"])
    );
    let metrics = test.raw("GET", "/metrics", "", "").await.body;
    assert!(metrics.contains("watchtower_metrics_held_days 0"), "{metrics}");
    test.stop().await;
}
