//! Rules: checked to the token, previewed on live data.

use watchtower_api_types as api;
use watchtower_api_types::{RuleKind, RuleState};
use watchtower_matchers::Matchers;
use watchtower_model::{AutomationId, Id, RuleId, Timestamp};
use watchtower_promql::{
    Answer, BinaryOp, Expr, Kind, Limits, QueryError, SeriesWindow, Settings, eval_instant, eval_range,
    parse, selectors,
};
use watchtower_rules::RuleError;
use watchtower_store::{Statement, Store, Stored};

use super::{Noun, named, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::evaluate::{check_event_rule, check_metric_rule, check_recording_rule};
use crate::objects::RuleBody;
use crate::query::Source;
use crate::{Hub, Objects};

const DAY: f64 = 86_400.0;
const PREVIEW_WINDOW: f64 = 3600.0;
const PREVIEW_WINDOW_MAX: f64 = 7.0 * DAY;
/// Points of a preview's window.
const PREVIEW_STEPS: i64 = 360;
const PREVIEW_SERIES: usize = 50;

pub struct Rules;

impl Noun for Rules {
    type Body = RuleBody;
    type Input = api::RuleInput;
    type View = api::Rule;

    fn list(objects: &Objects) -> &[Stored<RuleBody>] {
        &objects.rules
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<RuleBody>> {
        &mut objects.rules
    }

    fn is_in(view: &api::Rule, state: &str) -> Result<bool, HubError> {
        Ok(match state.parse().map_err(|e: String| HubError::invalid("state", e))? {
            RuleState::Firing => view.firing > 0,
            RuleState::Pending => view.pending > 0,
            RuleState::Inactive => view.firing + view.pending == 0,
        })
    }

    fn body(
        _: &Hub,
        _: &Principal,
        _: Id,
        mut input: api::RuleInput,
        old: Option<&Stored<RuleBody>>,
    ) -> Result<RuleBody, HubError> {
        named(&input.name)?;
        seconds("for_seconds", input.for_seconds, 0.0, 30.0 * DAY)?;
        seconds("keep_firing_for_seconds", input.keep_firing_for_seconds, 0.0, 30.0 * DAY)?;
        match input.kind {
            RuleKind::Metric => {
                if input.expr.as_deref().is_none_or(|text| text.trim().is_empty()) {
                    return Err(HubError::invalid("expr", "a metric rule needs a PromQL expression"));
                }
                check_metric_rule(&input).map_err(explain)?;
                (input.event_kind, input.resolve_kind, input.event_matchers) = (None, None, None);
                input.record = None;
            }
            RuleKind::Recording => {
                check_recording_rule(&input).map_err(explain)?;
                (input.event_kind, input.resolve_kind, input.event_matchers) = (None, None, None);
                (input.recover_expr, input.alert_name) = (None, None);
                (input.for_seconds, input.keep_firing_for_seconds, input.paging) = (0.0, 0.0, false);
            }
            RuleKind::Event => {
                if input.event_kind.as_deref().is_none_or(|text| text.trim().is_empty()) {
                    return Err(HubError::invalid(
                        "event_kind",
                        "an event rule needs the kind of its events, such as unit.failed",
                    ));
                }
                check_event_rule(&input).map_err(explain)?;
                (input.expr, input.recover_expr) = (None, None);
                (input.record, input.alert_name) = (None, None);
            }
        }
        Ok(RuleBody { input, builtin: old.is_some_and(|old| old.body.builtin) })
    }

    fn restrict(hub: &Hub, view: &mut api::Rule, servers: &Matchers) {
        // What is aggregated over servers tells of all of them.
        view.instances.retain(|instance| {
            let server = instance.labels.get("instance").and_then(|name| hub.servers.find(name));
            server.is_some_and(|server| servers.matches(&server.with(|state| state.selector_labels())))
        });
        let count = |state| view.instances.iter().filter(|instance| instance.state == state).count() as u32;
        (view.firing, view.pending) = (count(RuleState::Firing), count(RuleState::Pending));
    }

    async fn view(hub: &Hub, stored: &Stored<RuleBody>, _: bool) -> Result<api::Rule, HubError> {
        let id = RuleId(stored.id);
        let input = stored.body.input.clone();
        let instances = match input.kind {
            RuleKind::Metric | RuleKind::Recording => hub.evaluator.instances(id),
            RuleKind::Event => event_instances(hub, id).await?,
        };
        let count =
            |state: RuleState| instances.iter().filter(|instance| instance.state == state).count() as u32;
        let objects = hub.objects();
        let automations = objects.automations.iter().filter(|a| a.body.trigger.rule_id == Some(id));
        Ok(api::Rule {
            id,
            name: input.name,
            kind: input.kind,
            enabled: input.enabled,
            builtin: stored.body.builtin,
            paging: input.paging,
            severity: input.severity,
            expr: input.expr,
            record: input.record,
            alert_name: input.alert_name,
            recover_expr: input.recover_expr,
            for_seconds: input.for_seconds,
            keep_firing_for_seconds: input.keep_firing_for_seconds,
            no_data: input.no_data,
            event_kind: input.event_kind,
            resolve_kind: input.resolve_kind,
            event_matchers: input.event_matchers,
            labels: input.labels,
            annotations: input.annotations,
            version: stored.version,
            created_at: stored.created_at.into(),
            updated_at: stored.updated_at.into(),
            firing: count(RuleState::Firing),
            pending: count(RuleState::Pending),
            last_evaluated_at: hub.evaluator.evaluated_at(id).map(Into::into),
            last_error: hub.evaluator.error(id),
            instances,
            automations: automations.map(|automation| AutomationId(automation.id)).collect(),
        })
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<RuleBody>) -> Result<(), HubError> {
        match hub.objects().automations.iter().find(|a| a.body.trigger.rule_id == Some(RuleId(stored.id))) {
            Some(automation) => {
                Err(HubError::Conflict(format!("automation {:?} starts on this rule", automation.body.name)))
            }
            None => Ok(()),
        }
    }

    fn deleted(_: &Hub, stored: &Stored<RuleBody>) -> Vec<Statement> {
        vec![Store::delete_rule_states_of(RuleId(stored.id))]
    }

    /// What the rule said before it changed no longer holds.
    async fn changed(hub: &Hub, old: &Stored<RuleBody>, new: Option<&RuleBody>) -> Result<(), HubError> {
        if new.is_some_and(|new| same_events(&old.body.input, &new.input)) {
            return Ok(());
        }
        crate::evaluate::end_alerts(hub, RuleId(old.id)).await
    }
}

/// Whether an event rule still means the same events. Its alerts then stay: the event that began one does not happen again.
fn same_events(old: &api::RuleInput, new: &api::RuleInput) -> bool {
    new.enabled
        && (old.kind, new.kind) == (RuleKind::Event, RuleKind::Event)
        && (&old.event_kind, &old.resolve_kind, &old.event_matchers)
            == (&new.event_kind, &new.resolve_kind, &new.event_matchers)
}

async fn event_instances(hub: &Hub, rule: RuleId) -> Result<Vec<api::RuleInstance>, HubError> {
    let filter = watchtower_store::AlertFilter {
        state: Some("firing".into()),
        rule: Some(rule),
        limit: 1000,
        ..watchtower_store::AlertFilter::default()
    };
    let rows = hub.store.alerts(&filter).await?;
    let instance = |row: watchtower_store::AlertRow| api::RuleInstance {
        labels: row.labels.0,
        state: RuleState::Firing,
        since_at: row.first_seen_at.into(),
        value: None,
    };
    Ok(rows.into_iter().map(instance).collect())
}

pub(super) fn explain(error: RuleError) -> HubError {
    let text = error.to_string();
    match text.split_once(": ") {
        Some((field, rest)) if !field.contains(' ') => HubError::invalid(field, rest),
        _ => HubError::invalid("rule", text),
    }
}

/// The quantity that a comparison with a number is about.
pub struct Condition {
    pub expr: String,
    pub threshold: Option<f64>,
    pub direction: Option<&'static str>,
}

/// Takes `QUANTITY > NUMBER` apart; with `instance`, restricted to one server.
pub fn condition_of(text: &str, instance: Option<&str>) -> Option<Condition> {
    let expr = parse(text).ok()?;
    let (quantity, threshold, direction) = match &expr.bare().kind {
        Kind::Binary { op, lhs, rhs, .. } if op.is_comparison() => match (number(lhs), number(rhs)) {
            (None, Some(limit)) => (lhs.bare().clone(), Some(limit), side(*op, false)),
            (Some(limit), None) => (rhs.bare().clone(), Some(limit), side(*op, true)),
            _ => (expr.clone(), None, None),
        },
        _ => (expr.clone(), None, None),
    };
    let quantity = match instance {
        Some(name) => restricted(quantity, name),
        None => quantity,
    };
    Some(Condition { expr: quantity.to_string(), threshold, direction })
}

fn number(expr: &Expr) -> Option<f64> {
    match &expr.bare().kind {
        Kind::Number(v) => Some(*v),
        Kind::Negate(inner) => number(inner).map(|v| -v),
        _ => None,
    }
}

fn side(op: BinaryOp, swapped: bool) -> Option<&'static str> {
    match (op, swapped) {
        (BinaryOp::Gt | BinaryOp::Ge, false) | (BinaryOp::Lt | BinaryOp::Le, true) => Some("above"),
        (BinaryOp::Lt | BinaryOp::Le, false) | (BinaryOp::Gt | BinaryOp::Ge, true) => Some("below"),
        _ => None,
    }
}

/// Every selector with one more matcher.
fn restricted(mut expr: Expr, instance: &str) -> Expr {
    let matcher = || watchtower_matchers::Matcher::equal("instance", instance);
    let again = |inner: Box<Expr>| Box::new(restricted(*inner, instance));
    expr.kind = match expr.kind {
        Kind::Vector(mut selector) => {
            selector.matchers.push(matcher());
            Kind::Vector(selector)
        }
        Kind::Range { mut selector, range_ms } => {
            selector.matchers.push(matcher());
            Kind::Range { selector, range_ms }
        }
        Kind::Subquery { expr, range_ms, step_ms, time } => {
            Kind::Subquery { expr: again(expr), range_ms, step_ms, time }
        }
        Kind::Negate(inner) => Kind::Negate(again(inner)),
        Kind::Plus(inner) => Kind::Plus(again(inner)),
        Kind::Paren(inner) => Kind::Paren(again(inner)),
        Kind::Call { function, args } => {
            Kind::Call { function, args: args.into_iter().map(|arg| restricted(arg, instance)).collect() }
        }
        Kind::Aggregate { op, param, expr, grouping } => {
            Kind::Aggregate { op, param, expr: again(expr), grouping }
        }
        Kind::Binary { op, lhs, rhs, bool_modifier, matching } => {
            Kind::Binary { op, lhs: again(lhs), rhs: again(rhs), bool_modifier, matching }
        }
        other => other,
    };
    expr
}

/// What an expression says now, and how often it would have fired.
pub async fn preview(
    hub: &Hub,
    by: &Principal,
    input: api::RulePreviewInput,
) -> Result<api::RulePreview, HubError> {
    let window = input.window_seconds.unwrap_or(PREVIEW_WINDOW);
    seconds("window_seconds", window, 60.0, PREVIEW_WINDOW_MAX)?;
    let for_ms = seconds("for_seconds", input.for_seconds, 0.0, 30.0 * DAY)?;
    let now = hub.now();
    let step_ms = ((window * 1000.0) as i64 / PREVIEW_STEPS).max(1000);
    let start = now.plus_ms(-(window * 1000.0) as i64);
    let expr = input.expr;
    let answer = hub
        .queries
        .run(hub, by.scope(), move |source, settings, limits| {
            look(&expr, (start, now, step_ms), source, settings, limits)
        })
        .await;
    let mut preview = api::RulePreview {
        error: None,
        error_span: None,
        series: Vec::new(),
        more: 0,
        would_have_fired: 0,
        window_seconds: window,
        step_seconds: step_ms as f64 / 1000.0,
    };
    match answer {
        Ok(found) => fill(&mut preview, found, for_ms, step_ms),
        Err(HubError::Query(error)) => {
            preview.error_span =
                error.span.map(|span| api::TextSpan { start: span.start as u32, end: span.end as u32 });
            preview.error = Some(error.message);
        }
        Err(error) => return Err(error),
    }
    Ok(preview)
}

struct Looked {
    now: Vec<(watchtower_model::Labels, f64)>,
    past: Vec<SeriesWindow>,
}

fn look(
    text: &str,
    (start, end, step_ms): (Timestamp, Timestamp, i64),
    source: &Source,
    settings: &Settings,
    limits: &Limits<'_>,
) -> Result<Looked, QueryError> {
    let expr = parse(text)?;
    let now = match eval_instant(&expr, end, source, settings, limits)? {
        Answer::Vector(elements) => elements.into_iter().map(|e| (e.labels, e.v)).collect(),
        Answer::Scalar(sample) => vec![(watchtower_model::Labels::empty(), sample.v)],
        Answer::String(..) | Answer::Matrix(_) => Vec::new(),
    };
    let past = if selectors(&expr).is_empty() {
        Vec::new()
    } else {
        eval_range(&expr, start, end, step_ms, source, settings, limits)?
    };
    Ok(Looked { now, past })
}

fn fill(preview: &mut api::RulePreview, found: Looked, for_ms: i64, step_ms: i64) {
    let fires: Vec<_> =
        found.past.iter().map(|window| (&window.labels, fired(window, for_ms, step_ms))).collect();
    preview.would_have_fired = fires.iter().map(|(_, n)| n).sum();
    let value_now =
        |labels: &watchtower_model::Labels| found.now.iter().find(|(l, _)| l == labels).map(|(_, v)| *v);
    let mut all: Vec<_> =
        fires.iter().map(|(labels, n)| ((*labels).clone(), value_now(labels), *n)).collect();
    for (labels, value) in &found.now {
        if !all.iter().any(|(known, ..)| known == labels) {
            all.push((labels.clone(), Some(*value), 0));
        }
    }
    all.sort_by(|a, b| (b.1.is_some(), b.2).cmp(&(a.1.is_some(), a.2)).then_with(|| a.0.cmp(&b.0)));
    preview.more = all.len().saturating_sub(PREVIEW_SERIES) as u32;
    all.truncate(PREVIEW_SERIES);
    preview.series = all
        .into_iter()
        .map(|(labels, value, would_have_fired)| api::RulePreviewSeries {
            summary: labels.to_string(),
            labels,
            value: value.filter(|v| v.is_finite()),
            would_have_fired,
        })
        .collect();
}

/// How many times a run of points without a gap lasted at least `for`.
fn fired(window: &SeriesWindow, for_ms: i64, step_ms: i64) -> u32 {
    let mut fired = 0;
    let mut began: Option<(Timestamp, bool)> = None;
    let mut last: Option<Timestamp> = None;
    for sample in &window.samples {
        let joins = last.is_some_and(|last| sample.t.since(last) <= step_ms);
        let (since, already) = began.filter(|_| joins).unwrap_or((sample.t, false));
        let fires = !already && sample.t.since(since) >= for_ms;
        fired += u32::from(fires);
        began = Some((since, already || fires));
        last = Some(sample.t);
    }
    fired
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::{Labels, Sample};

    #[test]
    fn conditions_are_taken_apart() {
        let condition = condition_of("100 * rate(a_total{x=\"y\"}[5m]) > 90", Some("web-1")).unwrap();
        assert_eq!((condition.threshold, condition.direction), (Some(90.0), Some("above")));
        assert!(
            condition.expr.contains("instance=\"web-1\"") && !condition.expr.contains("90"),
            "{}",
            condition.expr
        );
        let swapped = condition_of("10 > a", None).unwrap();
        assert_eq!(
            (swapped.threshold, swapped.direction, swapped.expr.as_str()),
            (Some(10.0), Some("below"), "a")
        );
        assert_eq!(condition_of("a > b", None).unwrap().threshold, None);
        assert!(condition_of("a >", None).is_none());
    }

    #[test]
    fn fires_are_counted_once_per_run() {
        let at = |seconds: &[i64]| SeriesWindow {
            labels: Labels::empty(),
            samples: seconds.iter().map(|s| Sample { t: Timestamp(s * 1000), v: 1.0 }).collect(),
        };
        assert_eq!(fired(&at(&[0, 10, 20, 30, 60, 70]), 20_000, 10_000), 1);
        assert_eq!(fired(&at(&[0, 10, 20, 60, 70, 80]), 20_000, 10_000), 2);
        assert_eq!(fired(&at(&[0, 10]), 20_000, 10_000), 0);
        assert_eq!(fired(&at(&[0, 30, 60]), 0, 10_000), 3);
    }
}
