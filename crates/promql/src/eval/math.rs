//! Functions of one number.

use crate::functions::Code;

/// `None` for a code that is no function of one number.
pub(super) fn apply(code: Code, v: f64) -> Option<f64> {
    Some(match code {
        Code::Abs => v.abs(),
        Code::Ceil => v.ceil(),
        Code::Floor => v.floor(),
        Code::Sqrt => v.sqrt(),
        Code::Exp => v.exp(),
        Code::Ln => v.ln(),
        Code::Log2 => v.log2(),
        Code::Log10 => v.log10(),
        Code::Sgn if v > 0.0 => 1.0,
        Code::Sgn if v < 0.0 => -1.0,
        Code::Sgn => v,
        Code::Sin => v.sin(),
        Code::Cos => v.cos(),
        Code::Tan => v.tan(),
        Code::Asin => v.asin(),
        Code::Acos => v.acos(),
        Code::Atan => v.atan(),
        Code::Sinh => v.sinh(),
        Code::Cosh => v.cosh(),
        Code::Tanh => v.tanh(),
        Code::Asinh => v.asinh(),
        Code::Acosh => v.acosh(),
        Code::Atanh => v.atanh(),
        Code::Deg => v.to_degrees(),
        Code::Rad => v.to_radians(),
        _ => return None,
    })
}

/// To the nearest multiple, halves up; by the inverse, as Prometheus does, for the sake of 0.1.
pub(super) fn round(v: f64, nearest: f64) -> f64 {
    let inverse = 1.0 / nearest;
    (v * inverse + 0.5).floor() / inverse
}

/// As Go's `math.Max`: an infinity that decides does so against NaN too; else NaN on either side stays NaN.
pub(super) fn at_least(v: f64, min: f64) -> f64 {
    match (v, min) {
        (f64::INFINITY, _) | (_, f64::INFINITY) => f64::INFINITY,
        _ if v.is_nan() || min.is_nan() => f64::NAN,
        _ => v.max(min),
    }
}

/// As Go's `math.Min`.
pub(super) fn at_most(v: f64, max: f64) -> f64 {
    -at_least(-v, -max)
}

pub(super) fn clamp(v: f64, min: f64, max: f64) -> f64 {
    at_least(at_most(v, max), min)
}

/// Adds with the rounding error kept apart (Neumaier's variant of Kahan's algorithm).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    sum: f64,
    lost: f64,
}

impl Total {
    pub(super) fn add(&mut self, v: f64) {
        let sum = self.sum + v;
        if sum.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= v.abs() {
            self.lost += (self.sum - sum) + v;
        } else {
            self.lost += (v - sum) + self.sum;
        }
        self.sum = sum;
    }

    pub(super) fn value(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut total = Total::default();
    values.for_each(|v| total.add(v));
    total.value()
}

/// The mean, also where the sum would overflow.
pub(super) fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let total = sum(values.clone());
    if total.is_finite() || values.clone().any(|v| !v.is_finite()) {
        return total / count;
    }
    sum(values.map(|v| v / count))
}

/// The population variance (Welford).
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        count += 1.0;
        let delta = v - mean;
        mean += delta / count;
        squares += delta * (v - mean);
    }
    squares / count
}

/// The φ-quantile with linear interpolation; NaN sorts first, as in Prometheus.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = (rank.floor().max(0.0) as usize).min(last);
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// The greatest or least value; NaN only when there is nothing else.
pub(super) fn extreme(values: impl Iterator<Item = f64>, greater: bool) -> f64 {
    let mut best = f64::NAN;
    for v in values {
        if best.is_nan() || (if greater { v > best } else { v < best }) {
            best = v;
        }
    }
    best
}
