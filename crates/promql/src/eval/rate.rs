//! How a window's values change: counters, gauges, regression. As Prometheus' `functions.go` computes them.

use watchtower_model::Sample;

use super::{Dialect, Window};
use crate::functions::Code;

type OverWindow = fn(&Window<'_>) -> Option<f64>;

pub(super) fn find(code: Code) -> Option<OverWindow> {
    Some(match code {
        Code::Rate => |w| extrapolated(w, true, true),
        Code::Increase => |w| extrapolated(w, true, false),
        Code::Delta => |w| extrapolated(w, false, false),
        Code::Irate => |w| instant(w, true),
        Code::Idelta => |w| instant(w, false),
        Code::Deriv => |w| Some(regression(w, w.samples.first()?.t.0)?.0),
        Code::Changes => |w| Some(count(w, |a, b| a != b && !(a.is_nan() && b.is_nan()))),
        Code::Resets => |w| Some(count(w, |a, b| b < a)),
        _ => return None,
    })
}

fn seconds(from: i64, to: i64) -> f64 {
    to.saturating_sub(from) as f64 / 1000.0
}

/// The growth over the window's whole length, estimated from the samples inside it: at an end that is nearer
/// than 1.1 average intervals the window counts in full, else half an interval; a counter is not extended
/// beyond the point where it would have been zero.
fn extrapolated(window: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let (first, last, count) = (window.first()?, window.samples.last()?, window.count());
    if count < 2.0 {
        return None;
    }
    let mut growth = last.v - first.v;
    if counter {
        growth += window.resets();
    }
    let sampled = seconds(first.t.0, last.t.0);
    let average = sampled / (count - 1.0);
    let mut to_start = seconds(window.start, first.t.0);
    let mut to_end = seconds(last.t.0, window.end);
    let threshold = average * 1.1;
    let to_zero =
        if counter && growth > 0.0 && first.v >= 0.0 { sampled * (first.v / growth) } else { f64::INFINITY };
    // Version 2 asked first where the counter had been zero, and then took what was left for the distance to the start.
    if window.dialect == Dialect::Prometheus2 {
        to_start = to_start.min(to_zero);
    }
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    to_start = to_start.min(to_zero);
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= seconds(window.start, window.end);
    } else {
        factor *= window.scale;
    }
    Some(growth * factor)
}

/// From the last two samples.
fn instant(window: &Window<'_>, rate: bool) -> Option<f64> {
    let [.., before, last] = window.samples else { return None };
    let elapsed = seconds(before.t.0, last.t.0);
    if elapsed == 0.0 {
        return None;
    }
    if !rate {
        return Some(last.v - before.v);
    }
    let growth = if last.v < before.v { last.v } else { last.v - before.v };
    Some(growth / elapsed)
}

fn count(window: &Window<'_>, happened: impl Fn(f64, f64) -> bool) -> f64 {
    window.samples.windows(2).filter(|w| happened(w[0].v, w[1].v)).count() as f64
}

pub(super) fn predict_linear(window: &Window<'_>, now: i64, ahead: f64) -> Option<f64> {
    let (slope, intercept) = regression(window, now)?;
    Some(slope * ahead + intercept)
}

/// Slope per second and value at `origin` of the least squares line.
fn regression(window: &Window<'_>, origin: i64) -> Option<(f64, f64)> {
    let samples = window.samples;
    if samples.len() < 2 {
        return None;
    }
    let start = samples[0].v;
    if samples.iter().all(|s| s.v == start) {
        return Some(if start.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, start) });
    }
    let n = samples.len() as f64;
    let x = |s: &Sample| seconds(origin, s.t.0);
    let total = |f: &dyn Fn(&Sample) -> f64| super::math::sum(samples.iter().map(f));
    let (sum_x, sum_y) = (total(&x), total(&|s| s.v));
    let covariance = total(&|s| x(s) * s.v) - sum_x * sum_y / n;
    let variance = total(&|s| x(s) * x(s)) - sum_x * sum_x / n;
    let slope = covariance / variance;
    Some((slope, sum_y / n - slope * sum_x / n))
}
