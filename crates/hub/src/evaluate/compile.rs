//! From rules as people write them to the engine's.

use watchtower_api_types::{NoData, RuleInput};
use watchtower_promql::{partitions, reach_ms, selectors};
use watchtower_rules::{
    EventRule, EventRuleSpec, MetricRule, MetricRuleSpec, NoData as EngineNoData, RecordingRule,
    RecordingRuleSpec, RuleError,
};

/// Evaluation looks back this far for the newest sample.
pub(super) const LOOKBACK_MS: i64 = 300_000;

fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// The engine's form of a metric rule.
pub fn check_metric_rule(input: &RuleInput) -> Result<MetricRule, RuleError> {
    MetricRule::compile(&MetricRuleSpec {
        name: input.name.clone(),
        alert_name: input.alert_name.clone(),
        expr: input.expr.clone().unwrap_or_default(),
        for_ms: ms(input.for_seconds),
        keep_firing_for_ms: ms(input.keep_firing_for_seconds),
        recover: input.recover_expr.clone().filter(|text| !text.trim().is_empty()),
        no_data: match input.no_data {
            NoData::Ok => EngineNoData::Ok,
            NoData::Keep => EngineNoData::Keep,
            NoData::Alert => EngineNoData::Alert,
        },
        severity: input.severity,
        labels: input.labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
        annotations: input.annotations.clone(),
    })
}

/// The engine's form of a recording rule.
pub fn check_recording_rule(input: &RuleInput) -> Result<RecordingRule, RuleError> {
    RecordingRule::compile(&RecordingRuleSpec {
        record: input.record.clone().unwrap_or_default(),
        expr: input.expr.clone().unwrap_or_default(),
        labels: input.labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
    })
}

/// The engine's form of an event rule.
pub fn check_event_rule(input: &RuleInput) -> Result<EventRule, RuleError> {
    EventRule::compile(&EventRuleSpec {
        name: input.name.clone(),
        kind: input.event_kind.clone().unwrap_or_default(),
        resolved_by: input.resolve_kind.clone().filter(|text| !text.is_empty()),
        matchers: input.event_matchers.clone().unwrap_or_default(),
        severity: Some(input.severity),
        labels: input.labels.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect(),
        annotations: input.annotations.clone(),
        ..EventRuleSpec::default()
    })
}

/// The same for a rule that was checked when it was saved.
pub fn event_rule(input: &RuleInput) -> Option<EventRule> {
    check_event_rule(input).ok()
}

/// Whether a server's own series are all that decides about it.
pub(super) fn is_partitioned(rule: &MetricRule) -> bool {
    partitions(&rule.expr, "instance")
        && rule.recover.as_ref().is_none_or(|expr| partitions(expr, "instance"))
}

/// Whether every result comes from one server's series alone.
pub(super) fn records_apart(rule: &RecordingRule) -> bool {
    partitions(&rule.expr, "instance")
}

/// Whether the rule is about `up` alone, which the hub itself goes on writing while a server is lost.
pub(super) fn reads_only_up(rule: &MetricRule) -> bool {
    let exprs = [Some(&rule.expr), rule.recover.as_ref()];
    let mut names =
        exprs.into_iter().flatten().flat_map(selectors).map(|s| s.matchers.metric_name() == Some("up"));
    names.all(|up| up)
}

/// How far back the rule reads, for the window in which a repair is verified.
pub(super) fn longest_range_ms(rule: &MetricRule) -> i64 {
    let expr = rule.recover.as_ref().unwrap_or(&rule.expr);
    let reach = reach_ms(expr, 0).unwrap_or(LOOKBACK_MS);
    reach.max(0)
}
