//! `watchtower rule test` and the real `promtool test rules` on the same files: the same verdict on each.

use std::path::Path;
use std::process::{Command, Stdio};

use watchtower_testkit::need;
use watchtower_tests::hub::program;

const RULES: &str = r#"
groups:
- name: records
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - record: job:up:half
    expr: job:up:sum / 2
    labels: {kind: half}
- name: alerts
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    labels: {severity: page}
    annotations:
      summary: "{{ $labels.instance }} of {{ $labels.job }} is down: {{ $value }}"
  - alert: Kept
    expr: up == 0
    keep_firing_for: 3m
  - alert: Gone
    expr: absent(up{job="db"})
  - alert: Few
    expr: job:up:sum < 2
    labels: {sum: "{{ $value | humanize }}"}
  - alert: Rate
    expr: rate(requests_total[5m]) > 1
"#;

/// Tests that hold; each is also run with a change that must make it fail.
const TESTS: &[(&str, &str, &str)] = &[
    (
        "alert_rule_test:\n  - eval_time: 10m\n    alertname: Down\n    exp_alerts:\n    - exp_labels: {severity: page, instance: a, job: web}\n      exp_annotations: {summary: \"a of web is down: 0\"}\n",
        "is down: 0",
        "is down: 1",
    ),
    ("alert_rule_test:\n  - eval_time: 6m\n    alertname: Down\n", "eval_time: 6m", "eval_time: 8m"),
    ("alert_rule_test:\n  - eval_time: 90s\n    alertname: Down\n", "90s", "12m"),
    ("alert_rule_test:\n  - eval_time: 16m\n    alertname: Kept\n", "eval_time: 16m", "eval_time: 14m"),
    (
        "alert_rule_test:\n  - eval_time: 3m\n    alertname: Kept\n    exp_alerts:\n    - exp_labels: {instance: a, job: web}\n",
        "instance: a",
        "instance: b",
    ),
    (
        "alert_rule_test:\n  - eval_time: 1m\n    alertname: Gone\n    exp_alerts:\n    - exp_labels: {job: db}\n",
        "job: db",
        "job: dc",
    ),
    (
        "alert_rule_test:\n  - eval_time: 5m\n    alertname: Few\n    exp_alerts:\n    - exp_labels: {job: web, sum: \"1\"}\n",
        "sum: \"1\"",
        "sum: \"2\"",
    ),
    (
        "alert_rule_test:\n  - eval_time: 7m\n    alertname: Rate\n    exp_alerts:\n    - exp_labels: {}\n",
        "7m",
        "40m",
    ),
    ("alert_rule_test:\n  - eval_time: 7m\n    alertname: NoSuchAlert\n", "NoSuchAlert", "Rate"),
    (
        "promql_expr_test:\n  - expr: job:up:half\n    eval_time: 2m\n    exp_samples:\n    - labels: 'job:up:half{job=\"web\",kind=\"half\"}'\n      value: 0.5\n",
        "value: 0.5",
        "value: 1",
    ),
    (
        "promql_expr_test:\n  - expr: count_over_time(up{instance=\"a\"}[3m])\n    eval_time: 4m\n    exp_samples:\n    - labels: '{instance=\"a\",job=\"web\"}'\n      value: 4\n",
        "value: 4",
        "value: 3",
    ),
    (
        "promql_expr_test:\n  - expr: ALERTS{alertname=\"Down\"}\n    eval_time: 4m\n    exp_samples:\n    - labels: 'ALERTS{alertname=\"Down\",alertstate=\"pending\",instance=\"a\",job=\"web\",severity=\"page\"}'\n      value: 1\n",
        "pending",
        "firing",
    ),
    (
        "promql_expr_test:\n  - expr: ALERTS_FOR_STATE{alertname=\"Down\"}\n    eval_time: 4m\n    exp_samples:\n    - labels: 'ALERTS_FOR_STATE{alertname=\"Down\",instance=\"a\",job=\"web\",severity=\"page\"}'\n      value: 120\n",
        "value: 120",
        "value: 60",
    ),
    (
        "promql_expr_test:\n  - expr: gaps\n    eval_time: 3m\n    exp_samples:\n    - labels: gaps\n      value: 3\n  - expr: gaps\n    eval_time: 6m\n",
        "eval_time: 6m",
        "eval_time: 5m",
    ),
    (
        "promql_expr_test:\n  - expr: 1 + 1\n    eval_time: 0\n    exp_samples:\n    - labels: '{}'\n      value: 2\n",
        "1 + 1",
        "1 + 2",
    ),
    (
        "promql_expr_test:\n  - expr: max_over_time(sum(up)[5m:])\n    eval_time: 9m\n    exp_samples:\n    - value: 1\n      labels: ''\n",
        "value: 1",
        "value: 2",
    ),
    ("promql_expr_test:\n  - expr: up ==\n    eval_time: 0\n", "up ==", "up == up =="),
    (
        "promql_expr_test:\n  - expr: endless\n    eval_time: 1m\n    exp_samples:\n    - labels: endless\n      value: +Inf\n",
        "+Inf",
        "-Inf",
    ),
];

const INPUT: &str = r#"
  input_series:
  - series: 'up{job="web",instance="a"}'
    values: '1 1 0x10 1x30'
  - series: 'up{job="web",instance="b"}'
    values: '1x40'
  - series: requests_total
    values: '0+120x10 1200x30'
  - series: gaps
    values: '1 _ 2 3 stale _x30'
  - series: endless
    values: 'Inf Inf'
"#;

fn succeeds(mut command: Command, dir: &Path) -> (bool, String) {
    let output = command.current_dir(dir).stdin(Stdio::null()).output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn verdicts_are_those_of_promtool() {
    if Command::new("promtool").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    {
        return need::lacks("promtool (Debian package prometheus)");
    }
    let dir = tempfile::TempDir::with_prefix("wt-rule-test-").unwrap();
    std::fs::write(dir.path().join("a.rules.yml"), RULES).unwrap();
    let (mut compared, mut held) = (0, 0);
    for (test, from, to) in TESTS {
        assert!(test.contains(from), "{from}");
        for test in [test.to_string(), test.replacen(from, to, 1)] {
            let suite = format!(
                "rule_files: ['*.rules.yml']\nevaluation_interval: 1m\ntests:\n- interval: 1m{INPUT}  {test}"
            );
            std::fs::write(dir.path().join("tests.yml"), &suite).unwrap();
            let mut theirs = Command::new("promtool");
            theirs.args(["test", "rules", "tests.yml"]);
            let mut ours = Command::new(program());
            ours.args(["rule", "test", "--promql-compat=2", "tests.yml"]).env_remove("WATCHTOWER_URL");
            let (theirs, ours) = (succeeds(theirs, dir.path()), succeeds(ours, dir.path()));
            assert_eq!(ours.0, theirs.0, "{test}\npromtool:\n{}\nours:\n{}", theirs.1, ours.1);
            compared += 1;
            held += usize::from(ours.0);
        }
    }
    eprintln!("{compared} files, {held} hold");
    assert!(
        held * 3 > compared && held * 3 < compared * 2,
        "{held} of {compared} hold: both verdicts must be there"
    );
}
