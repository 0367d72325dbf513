//! `*_over_time`: one number out of a window's values.

use super::{Window, math};
use crate::functions::Code;

type OverWindow = fn(&Window<'_>) -> Option<f64>;

pub(super) fn find(code: Code) -> Option<OverWindow> {
    Some(match code {
        Code::AvgOverTime => |w| match w.rests {
            [] => Some(math::mean(values(w))),
            _ => Some(math::sum(values(w)) / w.count()),
        },
        Code::MinOverTime => |w| Some(math::extreme(values(w), false)),
        Code::MaxOverTime => |w| Some(math::extreme(values(w), true)),
        Code::SumOverTime => |w| Some(math::sum(values(w)) * w.scale),
        Code::CountOverTime => |w| Some(w.count() * w.scale),
        Code::LastOverTime => |w| w.samples.last().map(|s| s.v),
        Code::StddevOverTime => |w| Some(math::variance(values(w)).sqrt()),
        Code::StdvarOverTime => |w| Some(math::variance(values(w))),
        Code::MadOverTime => |w| {
            let median = quantile(0.5, w);
            Some(math::quantile(0.5, values(w).map(|v| (v - median).abs()).collect()))
        },
        Code::PresentOverTime => |_| Some(1.0),
        _ => return None,
    })
}

pub(super) fn quantile(q: f64, window: &Window<'_>) -> f64 {
    math::quantile(q, values(window).collect())
}

/// Double exponential smoothing (Holt) with factors for the level and the trend; of two samples at least.
pub(super) fn smooth((level, trend): (f64, f64), window: &Window<'_>) -> Option<f64> {
    let [first, second, ..] = window.samples else { return None };
    let (mut before, mut now, mut slope) = (0.0, first.v, second.v - first.v);
    for (i, sample) in window.samples.iter().enumerate().skip(1) {
        if i > 1 {
            slope = trend * (now - before) + (1.0 - trend) * slope;
        }
        (before, now) = (now, level * sample.v + (1.0 - level) * (now + slope));
    }
    Some(now)
}

fn values<'a>(window: &'a Window<'_>) -> impl Iterator<Item = f64> + Clone + use<'a> {
    window.samples.iter().map(|s| s.v)
}
