//! Stories: rules told step by step. The language:
//!
//! ```text
//! rule for 2m keep 1m recover no_data keep     a new rule with an empty state; every part may be left out
//! at 3m breach a=1 b=2 recovered c             an evaluation; also: no_data, backfill, error TEXT
//!   firing a since 1m                          all transitions it leads to, in any order: pending, firing,
//!   resolved c                                 resolved, cleared; nothing indented means none
//! forget a at 4m                               the series is taken out
//! ```
//! After every step the state goes through JSON, as through the store.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Sample, Timestamp, parse_duration_ms, stale_nan};
use watchtower_promql::{Limits, SeriesSource, SeriesWindow, Settings, SourceError};
use watchtower_rules::*;

#[test]
fn stories_hold() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut steps = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        steps += run(&text).unwrap_or_else(|e| panic!("{}:{e}", path.display()));
    }
    assert!(steps > 60, "only {steps} steps were found");
}

#[test]
fn a_wrong_story_fails() {
    let story = "rule for 1m\nat 0m breach a=1\n  firing a\n";
    assert!(run(story).unwrap_err().contains("2: expected [\"firing a\"], found [\"pending a since 0s\"]"));
}

#[test]
fn labels_and_annotations_are_rendered_and_do_not_name_the_alert() {
    let spec: MetricRuleSpec = serde_json::from_str(
        r#"{"name": "Disk full", "expr": "disk > 90", "severity": "critical",
            "labels": {"team": "ops-{{ $labels.env }}"},
            "annotations": {"summary": "{{ $labels.instance }}: {{ $value | printf \"%.1f\" }} %"}}"#,
    )
    .unwrap();
    let rule = MetricRule::compile(&spec).unwrap();
    let series = Labels::from_pairs([("__name__", "disk"), ("instance", "web-1"), ("env", "prod")]);
    let evaluation = |v| Evaluation { breaches: vec![(series.clone(), v)], ..Evaluation::default() };
    let state = RuleState::default();
    let (state, fired) = advance(&rule, &state, Ok(&evaluation(95.25)), Timestamp(0), Freshness::Live);
    let expected = r#"{alertname="Disk full", env="prod", instance="web-1", team="ops-prod"}"#;
    assert_eq!(fired[0].labels.to_string(), expected);
    assert_eq!(fired[0].annotations["summary"], "web-1: 95.2 %");
    let (state, more) = advance(&rule, &state, Ok(&evaluation(97.0)), Timestamp(1), Freshness::Live);
    assert!(more.is_empty(), "another value is no other alert");
    let alert = &state.alerts[&fired[0].key];
    assert_eq!((alert.annotations["summary"].as_str(), alert.value.as_str()), ("web-1: 97.0 %", "97"));
}

#[test]
fn a_rule_holds_a_bounded_number_of_alerts() {
    let rule = rule(&[]);
    let many = (0..ALERTS_MAX + 5).map(|i| (Labels::from_pairs([("i", i.to_string())]), 1.0));
    let evaluation = Evaluation { breaches: many.collect(), ..Evaluation::default() };
    let (state, fired) =
        advance(&rule, &RuleState::default(), Ok(&evaluation), Timestamp(0), Freshness::Live);
    assert_eq!((state.alerts.len(), fired.len()), (ALERTS_MAX, ALERTS_MAX));
    assert!(state.error.unwrap().starts_with("5 more problems"));
}

struct OneSeries(Vec<Sample>);

impl SeriesSource for OneSeries {
    fn select(&self, _: &Matchers, from: Timestamp, to: Timestamp) -> Result<Vec<SeriesWindow>, SourceError> {
        let samples: Vec<Sample> = self.0.iter().filter(|s| from <= s.t && s.t <= to).copied().collect();
        Ok(vec![SeriesWindow { labels: Labels::from_pairs([("__name__", "x"), ("i", "1")]), samples }])
    }
}

#[test]
fn evaluating_tells_no_data_from_no_problem() {
    let rule = rule(&["recover"]);
    let evaluated = |samples: &[(i64, f64)]| {
        let source = OneSeries(samples.iter().map(|(t, v)| Sample { t: Timestamp(*t), v: *v }).collect());
        let limits = Limits { series: 10, samples: 100, keep_going: &|| true };
        let e = evaluate(&rule, Timestamp(600_000), &source, &Settings::default(), &limits).unwrap();
        (e.breaches.len(), e.recovered.len(), e.no_data)
    };
    assert_eq!(evaluated(&[(590_000, 5.0)]), (1, 0, false));
    assert_eq!(evaluated(&[(590_000, 1.0)]), (0, 0, false));
    assert_eq!(evaluated(&[(590_000, 0.5)]), (0, 1, false));
    assert_eq!(evaluated(&[(300_000, 5.0)]), (0, 0, true), "too old");
    assert_eq!(evaluated(&[(580_000, 5.0), (590_000, stale_nan())]), (0, 0, true));
}

fn rule(words: &[&str]) -> MetricRule {
    let mut spec = MetricRuleSpec { name: "story".into(), expr: "x > 1".into(), ..Default::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut ms = || parse_duration_ms(words.next().unwrap()).unwrap();
        match *word {
            "for" => spec.for_ms = ms(),
            "keep" => spec.keep_firing_for_ms = ms(),
            "recover" => spec.recover = Some("x < 1".into()),
            "no_data" => spec.no_data = serde_json::from_value((*words.next().unwrap()).into()).unwrap(),
            other => panic!("unknown word {other}"),
        }
    }
    MetricRule::compile(&spec).unwrap()
}

fn time(text: &str) -> Timestamp {
    Timestamp(parse_duration_ms(text).unwrap())
}

fn run(text: &str) -> Result<usize, String> {
    let mut current = rule(&[]);
    let mut state = RuleState::default();
    let mut steps = 0;
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with('#')).peekable();
    while let Some((at, line)) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (next, transitions) = match words.as_slice() {
            [] => continue,
            ["rule", rest @ ..] => {
                (current, state) = (rule(rest), RuleState::default());
                continue;
            }
            ["at", now, rest @ ..] => step(&current, &state, time(now), rest),
            ["forget", name, "at", now] => {
                forget(&current, &state, time(now), |series| series.get("instance") == Some(name))
            }
            _ => return Err(format!("{}: unknown line {line:?}", at + 1)),
        };
        let stored = serde_json::to_string(&next).unwrap();
        state = serde_json::from_str(&stored).unwrap();
        assert_eq!(state, next, "{stored}");
        let mut expected = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with(' ')) {
            expected.push(line.trim().to_string());
        }
        compare(expected, &transitions).map_err(|e| format!("{}: {e}", at + 1))?;
        steps += 1;
    }
    Ok(steps)
}

fn step(
    rule: &MetricRule,
    state: &RuleState,
    now: Timestamp,
    words: &[&str],
) -> (RuleState, Vec<Transition>) {
    let mut evaluation = Evaluation::default();
    let mut freshness = Freshness::Live;
    let mut mode = "";
    for word in words {
        let labels = |name: &str| Labels::from_pairs([("__name__", "x"), ("instance", name)]);
        match (*word, mode) {
            ("breach" | "recovered", _) => mode = word,
            ("no_data", _) => evaluation.no_data = true,
            ("backfill", _) => freshness = Freshness::Backfill,
            ("error", _) => return advance(rule, state, Err("query failed"), now, freshness),
            (element, "breach") => {
                let (name, value) = element.split_once('=').unwrap();
                evaluation.breaches.push((labels(name), value.parse().unwrap()));
            }
            (name, _) => evaluation.recovered.push(labels(name)),
        }
    }
    advance(rule, state, Ok(&evaluation), now, freshness)
}

/// `firing a` or `firing a since 1m`, in any order.
fn compare(mut expected: Vec<String>, transitions: &[Transition]) -> Result<(), String> {
    let name = |t: &Transition| t.labels.get("instance").unwrap_or("no_data").to_string();
    let show = |t: &Transition| {
        let kind = serde_json::to_value(t.kind).unwrap();
        let since = watchtower_model::format_duration_ms(t.since.0);
        format!("{} {} since {since}", kind.as_str().unwrap(), name(t))
    };
    let mut found: BTreeMap<String, ()> = transitions.iter().map(|t| (show(t), ())).collect();
    let all: Vec<String> = found.keys().cloned().collect();
    expected.retain(|line| {
        let hit = found.keys().find(|f| *f == line || f.starts_with(&format!("{line} since"))).cloned();
        hit.is_none_or(|hit| found.remove(&hit).is_none())
    });
    if expected.is_empty() && found.is_empty() {
        return Ok(());
    }
    Err(format!("expected {expected:?}, found {all:?}"))
}
