//! Prometheus' rule files.

use watchtower_model::{Labels, Severity};
use watchtower_rules::{FileRule, MetricRule, RecordingRule, read_file};

fn error(text: &str) -> String {
    match read_file(text) {
        Ok(rules) => panic!("{rules:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn rules_are_taken_over_as_they_are_written() {
    let rules = read_file(
        "groups:\n- name: g\n  interval: 1m\n  limit: 10\n  query_offset: 5s\n  labels: {team: ops, tier: 1}\n  rules:\n  - alert: A\n    \
         expr: up == 0\n    for: 1h30m\n    keep_firing_for: 5m\n    labels: {severity: page, tier: 2}\n    annotations: {summary: 'x {{ $value }}'}\n  \
         - record: a:b\n    expr: 1\n",
    )
    .unwrap();
    let [FileRule::Alerting { group, spec }, FileRule::Recording { name, spec: recording, .. }] = &rules[..]
    else {
        panic!("{rules:?}")
    };
    assert_eq!((group.as_str(), spec.name.as_str(), spec.for_ms), ("g", "A", 5_400_000));
    assert_eq!((spec.keep_firing_for_ms, spec.severity), (300_000, Severity::Critical));
    let labels: Vec<_> = spec.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(labels, ["severity=page", "team=ops", "tier=2"]);
    assert_eq!((name.as_str(), recording.record.as_str(), recording.expr.as_str()), ("a.b", "a:b", "1"));
    assert_eq!(recording.labels.get("tier").map(String::as_str), Some("1"));
    assert!(MetricRule::compile(spec).is_ok());
    let rule = RecordingRule::compile(recording).unwrap();
    let result = Labels::from_pairs([("__name__", "x"), ("instance", "a"), ("team", "web")]);
    assert_eq!(rule.labels_of(&result).to_string(), "a:b{instance=\"a\", team=\"ops\", tier=\"1\"}");
}

#[test]
fn names_are_told_apart_and_alerts_keep_theirs() {
    let rule = |severity: &str| format!("  - {{alert: A, expr: up, labels: {{severity: {severity}}}}}\n");
    let text = format!(
        "groups:\n- name: g\n  rules:\n{}{}{}  - {{record: r, expr: 1}}\n  - {{record: r, expr: 2}}\n",
        rule("warning"),
        rule("critical"),
        rule("critical")
    );
    let rules = read_file(&text).unwrap();
    let names: Vec<&str> = rules
        .iter()
        .map(|rule| match rule {
            FileRule::Alerting { spec, .. } => {
                assert_eq!(spec.alert_name.as_deref(), Some("A"));
                spec.name.as_str()
            }
            FileRule::Recording { name, .. } => name.as_str(),
        })
        .collect();
    assert_eq!(names, ["A warning", "A critical", "A critical 2", "r", "r 2"]);
}

#[test]
fn what_is_wrong_is_named() {
    let rule = |text: &str| error(&format!("groups:\n- name: g\n  rules:\n  - {text}\n"));
    assert!(rule("{expr: up}").contains("group \"g\", rule 1: must have alert or record"));
    assert!(rule("{alert: A, record: b, expr: up}").contains("rule A: must have either alert or record"));
    assert!(rule("{record: b, expr: up, for: 5m}").contains("a recording rule has no for"));
    assert!(rule("{alert: A, expr: up, for: soon}").contains("rule A: for:"));
    assert!(rule("{alert: A, expr: up, exrp: x}").contains("exrp"));
    assert!(rule("{alert: A}").contains("expr"));
    assert!(error("groups: [").contains("line 1"), "{}", error("groups: ["));
    assert!(error(&"x".repeat(2 << 20)).contains("at most"));
    let many = format!("groups:\n- name: g\n  rules:\n{}", "  - {record: a, expr: 1}\n".repeat(2001));
    assert!(error(&many).contains("more than 2000 rules"));
}

#[test]
fn a_whole_pack_compiles() {
    let pack = include_str!("../../../../tests/tests/prometheus/packs/node.rules.yml");
    let rules = read_file(pack).unwrap();
    assert_eq!(rules.len(), 20);
    for rule in &rules {
        let compiled = match rule {
            FileRule::Alerting { spec, .. } => MetricRule::compile(spec).map(drop),
            FileRule::Recording { spec, .. } => RecordingRule::compile(spec).map(drop),
        };
        assert!(compiled.is_ok(), "{rule:?}: {compiled:?}");
    }
}
