//! A tree as PromQL again: parsing what is written gives an equal tree.

use std::fmt::{self, Display, Formatter};

use watchtower_matchers::{Op, quote};
use watchtower_model::{METRIC_NAME, format_duration_ms, is_label_name, is_metric_name};

use crate::ast::{At, Cardinality, Expr, Grouping, Kind, Matching, Selector, TimeShift};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Number(n) => number(f, *n),
            Kind::String(text) => f.write_str(&quote(text)),
            Kind::Vector(selector) => {
                matchers(f, selector)?;
                time(f, &selector.time)
            }
            Kind::Range { selector, range_ms } => {
                matchers(f, selector)?;
                write!(f, "[{}]", format_duration_ms(*range_ms))?;
                time(f, &selector.time)
            }
            Kind::Subquery { expr, range_ms, step_ms, time: shift } => {
                let step = step_ms.map_or(String::new(), format_duration_ms);
                write!(f, "{expr}[{}:{step}]", format_duration_ms(*range_ms))?;
                time(f, shift)
            }
            Kind::Negate(inner) => write!(f, "-{inner}"),
            Kind::Plus(inner) => write!(f, "+{inner}"),
            Kind::Paren(inner) => write!(f, "({inner})"),
            Kind::Call { function, args } => {
                write!(f, "{}(", function.name)?;
                list(f, args)?;
                f.write_str(")")
            }
            Kind::Aggregate { op, param, expr, grouping: g } => {
                f.write_str(op.name())?;
                grouping(f, g)?;
                f.write_str("(")?;
                if let Some(param) = param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{expr})")
            }
            Kind::Binary { op, lhs, rhs, bool_modifier, matching: m } => {
                let modifier = if *bool_modifier { " bool" } else { "" };
                write!(f, "{lhs} {}{modifier}", op.as_str())?;
                matching(f, m)?;
                write!(f, " {rhs}")
            }
        }
    }
}

fn number(f: &mut Formatter<'_>, n: f64) -> fmt::Result {
    if n.is_nan() {
        f.write_str("NaN")
    } else if n.is_infinite() {
        f.write_str(if n > 0.0 { "Inf" } else { "-Inf" })
    } else if n != 0.0 && !(1e-6..1e21).contains(&n.abs()) {
        write!(f, "{n:e}")
    } else {
        write!(f, "{n}")
    }
}

fn list(f: &mut Formatter<'_>, items: &[impl Display]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
    }
    Ok(())
}

fn matchers(f: &mut Formatter<'_>, selector: &Selector) -> fmt::Result {
    let mut rest: Vec<String> = Vec::new();
    let mut name = "";
    for matcher in selector.matchers.iter() {
        let plain =
            matcher.op() == Op::Eq && is_metric_name(matcher.value()) && !is_reserved(matcher.value());
        if matcher.name() == METRIC_NAME && plain && name.is_empty() && rest.is_empty() {
            name = matcher.value();
        } else {
            rest.push(matcher.to_string());
        }
    }
    f.write_str(name)?;
    if name.is_empty() || !rest.is_empty() {
        f.write_str("{")?;
        list(f, &rest)?;
        f.write_str("}")?;
    }
    Ok(())
}

/// Words that mean a number where a metric name could stand.
fn is_reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case("inf") || name.eq_ignore_ascii_case("nan")
}

fn time(f: &mut Formatter<'_>, shift: &TimeShift) -> fmt::Result {
    match shift.at {
        Some(At::Time(ms)) => {
            let sign = if ms < 0 { "-" } else { "" };
            write!(f, " @ {sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)?;
        }
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    match shift.offset_ms {
        0 => Ok(()),
        ms => write!(f, " offset {}", format_duration_ms(ms)),
    }
}

fn names(f: &mut Formatter<'_>, labels: &[String]) -> fmt::Result {
    let shown: Vec<String> =
        labels.iter().map(|l| if is_label_name(l) { l.clone() } else { quote(l) }).collect();
    f.write_str("(")?;
    list(f, &shown)?;
    f.write_str(")")
}

fn grouping(f: &mut Formatter<'_>, grouping: &Grouping) -> fmt::Result {
    if !grouping.without && grouping.labels.is_empty() {
        return Ok(());
    }
    f.write_str(if grouping.without { " without " } else { " by " })?;
    names(f, &grouping.labels)?;
    f.write_str(" ")
}

fn matching(f: &mut Formatter<'_>, matching: &Matching) -> fmt::Result {
    if matching.is_default() {
        return Ok(());
    }
    f.write_str(if matching.on { " on " } else { " ignoring " })?;
    names(f, &matching.labels)?;
    match matching.cardinality {
        Cardinality::OneToOne => return Ok(()),
        Cardinality::ManyToOne => f.write_str(" group_left ")?,
        Cardinality::OneToMany => f.write_str(" group_right ")?,
    }
    names(f, &matching.include)
}
