//! `*_over_time`: one number out of a window's values.

use super::{Window, math};
use crate::functions::Code;

type OverWindow = fn(&Window<'_>) -> Option<f64>;

pub(super) fn find(code: Code) -> Option<OverWindow> {
    Some(match code {
        Code::AvgOverTime => |w| Some(math::mean(values(w))),
        Code::MinOverTime => |w| Some(math::extreme(values(w), false)),
        Code::MaxOverTime => |w| Some(math::extreme(values(w), true)),
        Code::SumOverTime => |w| Some(math::sum(values(w))),
        Code::CountOverTime => |w| Some(w.samples.len() as f64),
        Code::LastOverTime => |w| w.samples.last().map(|s| s.v),
        Code::StddevOverTime => |w| Some(math::variance(values(w)).sqrt()),
        Code::StdvarOverTime => |w| Some(math::variance(values(w))),
        Code::PresentOverTime => |_| Some(1.0),
        _ => return None,
    })
}

pub(super) fn quantile(q: f64, window: &Window<'_>) -> f64 {
    math::quantile(q, values(window).collect())
}

fn values<'a>(window: &'a Window<'_>) -> impl Iterator<Item = f64> + Clone + use<'a> {
    window.samples.iter().map(|s| s.v)
}
