//! The example of Prometheus' documentation, and what is told when it does not hold.

use super::*;
use crate::{Dialect, Settings};

const RULES: &str = r#"
groups:
- name: example
  rules:
  - alert: InstanceDown
    expr: up == 0
    for: 5m
    labels:
      severity: page
    annotations:
      summary: "Instance {{ $labels.instance }} down"
"#;

const TESTS: &str = r#"
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - series: 'up{job="prometheus", instance="localhost:9090"}'
    values: '0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
  - series: 'go_goroutines{job="prometheus", instance="localhost:9090"}'
    values: '10+10x2 30+20x5'
  alert_rule_test:
  - eval_time: 10m
    alertname: InstanceDown
    exp_alerts:
    - exp_labels: {severity: page, instance: "localhost:9090", job: prometheus}
      exp_annotations: {summary: "Instance localhost:9090 down"}
  - eval_time: 4m30s
    alertname: InstanceDown
  promql_expr_test:
  - expr: go_goroutines > 5
    eval_time: 4m
    exp_samples:
    - labels: 'go_goroutines{job="prometheus",instance="localhost:9090"}'
      value: 50
  - expr: ALERTS{alertstate="pending"}
    eval_time: 3m
    exp_samples:
    - labels: 'ALERTS{alertname="InstanceDown",alertstate="pending",severity="page",job="prometheus",instance="localhost:9090"}'
      value: 1
"#;

fn failures(tests: &str) -> Result<Vec<String>, SuiteError> {
    let suite = Suite::read(tests)?;
    assert_eq!(suite.rule_files, ["alerts.yml"]);
    let files = [("alerts.yml".to_string(), RULES.to_string())];
    let reports = run_suite(&suite, &files, &Settings::of(Dialect::Prometheus3))?;
    Ok(reports.into_iter().flat_map(|report| report.failures).collect())
}

#[test]
fn the_documentations_example_holds() {
    assert_eq!(failures(TESTS), Ok(vec![]));
}

#[test]
fn what_does_not_hold_is_told_with_both_sides() {
    let one = |from: &str, to: &str| {
        assert!(TESTS.contains(from), "{from}");
        let failures = failures(&TESTS.replace(from, to)).unwrap();
        assert_eq!(failures.len(), 1, "{from}: {failures:?}");
        failures[0].clone()
    };
    let text = one("severity: page, ", "severity: warning, ");
    assert!(
        text.starts_with("alertname: InstanceDown, time: 10m") && text.contains("severity=\"warning\""),
        "{text}"
    );
    assert!(one("eval_time: 4m30s", "eval_time: 5m").contains("expected:\n        none"));
    assert!(one("value: 50", "value: 51").contains("localhost:9090\", job=\"prometheus\"} 50"));
    assert!(one("summary: \"Instance localhost:9090 down\"", "summary: x").contains("annotations"));
    let wrong = one("go_goroutines > 5", "go_goroutines > ");
    assert!(wrong.contains("err: at"), "{wrong}");
}

#[test]
fn what_is_no_file_of_tests_is_refused() {
    let error = |from: &str, to: &str| failures(&TESTS.replace(from, to)).unwrap_err().to_string();
    assert!(
        error("evaluation_interval: 1m", "evaluation_interval: soon").starts_with("evaluation_interval: ")
    );
    assert!(error("'10+10x2 30+20x5'", "'10+10y2'").starts_with("values: \"10+10y2\" is not a sample"));
    assert!(error("'up{job=\"prometheus\", ", "'up{job=~\"prometheus\", ").contains("names no series"));
    assert!(error("alert_rule_test:", "alert_rule_tests:").contains("alert_rule_tests"));
}
