//! What an expression depends on: how far it looks back, and whether it falls apart by a label.

use watchtower_matchers::Matchers;

use crate::ast::{AggregateOp, At, BinaryOp, Expr, Kind, Span, TimeShift, Type};
use crate::functions::Code;

/// One selector of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectorUse<'a> {
    pub matchers: &'a Matchers,
    pub span: Span,
    /// The window behind it; 0 for an instant selector, which looks back by the lookback of the settings.
    pub range_ms: i64,
    pub time: TimeShift,
}

/// Every selector, in reading order.
pub fn selectors(expr: &Expr) -> Vec<SelectorUse<'_>> {
    let (selector, range_ms) = match &expr.kind {
        Kind::Vector(selector) => (selector, 0),
        Kind::Range { selector, range_ms } => (selector, *range_ms),
        _ => return expr.children().into_iter().flat_map(selectors).collect(),
    };
    vec![SelectorUse { matchers: &selector.matchers, span: expr.span, range_ms, time: selector.time }]
}

/// How far before its time of evaluation the expression reads, with subqueries and offsets; `None` when `@`
/// fixes a time.
pub fn reach_ms(expr: &Expr, lookback_ms: i64) -> Option<i64> {
    let shifted = |time: &TimeShift, range: i64| match time.at {
        Some(At::Time(_) | At::Start | At::End) => None,
        None => Some(range.saturating_add(time.offset_ms)),
    };
    match &expr.kind {
        Kind::Vector(selector) => shifted(&selector.time, lookback_ms),
        Kind::Range { selector, range_ms } => shifted(&selector.time, *range_ms),
        Kind::Subquery { expr, range_ms, time, .. } => {
            Some(shifted(time, *range_ms)?.saturating_add(reach_ms(expr, lookback_ms)?))
        }
        _ => expr.children().into_iter().try_fold(0, |most, c| Some(reach_ms(c, lookback_ms)?.max(most))),
    }
}

/// True when evaluating `expr` once for each value of `label`, over the series with that value alone, gives
/// together the same elements as evaluating it over all series. May say false where it would be true.
pub fn partitions(expr: &Expr, label: &str) -> bool {
    dependence(expr, label) == Dependence::Apart
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dependence {
    /// On no series: the same in every partition.
    Nothing,
    /// Every element comes from one partition and carries its label.
    Apart,
    /// On several partitions at once.
    Whole,
}
use Dependence::{Apart, Nothing, Whole};

fn dependence(expr: &Expr, label: &str) -> Dependence {
    match &expr.kind {
        Kind::Number(_) | Kind::String(_) => Nothing,
        Kind::Vector(_) | Kind::Range { .. } => Apart,
        Kind::Subquery { expr, .. } | Kind::Negate(expr) | Kind::Plus(expr) | Kind::Paren(expr) => {
            dependence(expr, label)
        }
        Kind::Call { function, args } => call(function.code, args, label),
        Kind::Aggregate { op, param, expr, grouping } => {
            let by_value = *op == AggregateOp::CountValues
                && matches!(param.as_deref().map(|p| &p.bare().kind), Some(Kind::String(name)) if name == label);
            let fixed = param.as_ref().is_none_or(|p| dependence(p, label) == Nothing);
            let keeps = grouping.labels.iter().any(|l| l == label) != grouping.without;
            match dependence(expr, label) {
                Apart if keeps && fixed && !by_value => Apart,
                Nothing if fixed => Nothing,
                _ => Whole,
            }
        }
        Kind::Binary { op, lhs, rhs, matching, .. } => {
            let vectors = lhs.result_type() == Type::Vector && rhs.result_type() == Type::Vector;
            let matched = matching.labels.iter().any(|l| l == label) == matching.on;
            match (dependence(lhs, label), dependence(rhs, label)) {
                (Nothing, Nothing) => Nothing,
                (Apart, Apart) if !vectors || matched => Apart,
                // A scalar that depends on nothing takes nothing away; a constant vector is one element of
                // the whole, matched by some partitions and left over by others.
                (Apart, Nothing) | (Nothing, Apart) if !vectors => Apart,
                (Apart, Nothing) if matches!(op, BinaryOp::And | BinaryOp::Unless) => Apart,
                _ => Whole,
            }
        }
    }
}

fn call(code: Code, args: &[Expr], label: &str) -> Dependence {
    let all: Vec<Dependence> = args.iter().map(|a| dependence(a, label)).collect();
    if all.iter().all(|d| *d == Nothing) {
        return Nothing;
    }
    let text = |i: usize| match args.get(i).map(|a| &a.bare().kind) {
        Some(Kind::String(text)) => text.as_str(),
        _ => "",
    };
    // Scalars from series look at all of them at once.
    let gathers = match code {
        Code::Absent | Code::AbsentOverTime | Code::ToScalar => true,
        Code::LabelReplace | Code::LabelJoin => text(1) == label,
        Code::HistogramQuantile => label == "le",
        _ => label == watchtower_model::METRIC_NAME,
    };
    if gathers || all.contains(&Whole) { Whole } else { Apart }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn apart(text: &str) -> bool {
        partitions(&parse(text).unwrap(), "instance")
    }

    #[test]
    fn what_falls_apart_by_instance() {
        for text in [
            "up == 0",
            "rate(x[5m]) > 0.5",
            "sum by (instance, job) (rate(x[5m])) / count by (instance) (x) > 1",
            "sum without (cpu) (x)",
            "a / on (instance) group_left b",
            "a unless b",
            "a and on () vector(1)",
            "a or b",
            "topk by (instance) (3, x)",
            "max_over_time(rate(x[1m])[10m:]) > bool 3",
            "label_replace(x, \"a\", \"$1\", \"b\", \".*\")",
            "-x * (1 + 2)",
            "histogram_quantile(0.9, sum by (le, instance) (rate(x_bucket[5m])))",
        ] {
            assert!(apart(text), "{text}");
        }
    }

    #[test]
    fn what_depends_on_the_whole() {
        for text in [
            "1",
            "vector(1)",
            "sum(up)",
            "sum by (job) (x)",
            "sum without (instance) (x)",
            "topk(3, x)",
            "absent(up)",
            "absent_over_time(up[5m])",
            "x > scalar(y)",
            "x or vector(0)",
            "x * on (job) y",
            "x * ignoring (instance) group_left y",
            "x > on () group_left sum(y)",
            "label_replace(x, \"instance\", \"$1\", \"b\", \".*\")",
            "count_values by (instance) (\"instance\", x)",
        ] {
            assert!(!apart(text), "{text}");
        }
    }

    #[test]
    fn the_reach_is_known() {
        let reach = |text: &str| reach_ms(&parse(text).unwrap(), 300_000);
        assert_eq!(reach("up"), Some(300_000));
        assert_eq!(reach("up offset 1m + rate(x[10m])"), Some(600_000));
        assert_eq!(reach("max_over_time(rate(x[5m])[1h:] offset 10m)"), Some(75 * 60_000));
        assert_eq!(reach("up @ 100"), None);
        assert_eq!(reach("1"), Some(0));
        let expr = parse("rate(x[5m] offset 1m) > on (a) y").unwrap();
        let all = selectors(&expr);
        assert_eq!((all.len(), all[0].range_ms, all[0].time.offset_ms), (2, 300_000, 60_000));
        assert_eq!(all[1].matchers.metric_name(), Some("y"));
        assert_eq!((all[1].span.start, all[1].span.end), (31, 32));
    }
}
