//! One value of one series.

use crate::Timestamp;

/// A timestamp and a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub t: Timestamp,
    pub v: f64,
}

/// Prometheus' stale marker: a NaN with its own payload, so it must travel as bits, never as a number.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

pub fn is_stale(v: f64) -> bool {
    v.to_bits() == STALE_NAN_BITS
}

/// A value as Prometheus' API writes it: shortest exact decimal, `NaN`, `+Inf`, `-Inf`.
pub fn format_value(v: f64) -> String {
    if v.is_nan() {
        "NaN".into()
    } else if v.is_infinite() {
        if v > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else if v != 0.0 && (v.abs() >= 1e21 || v.abs() < 1e-6) {
        format_exponent(v)
    } else {
        format!("{v}")
    }
}

/// Go writes at least two digits of exponent and its sign: `1e+21`, `1e-07`.
fn format_exponent(v: f64) -> String {
    let text = format!("{v:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// Reads what [`format_value`] writes, and the spellings that Prometheus' text format allows.
pub fn parse_value(text: &str) -> Option<f64> {
    match text {
        "NaN" | "nan" => Some(f64::NAN),
        "+Inf" | "Inf" | "inf" | "+inf" => Some(f64::INFINITY),
        "-Inf" | "-inf" => Some(f64::NEG_INFINITY),
        _ if text.ends_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_go_does() {
        for (v, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (-2.0, "-2"),
            (1e21, "1e+21"),
            (1e-7, "1e-07"),
            (f64::INFINITY, "+Inf"),
            (123456789.0, "123456789"),
        ] {
            assert_eq!(format_value(v), text);
            assert_eq!(parse_value(text), Some(v));
        }
        assert!(is_stale(stale_nan()) && stale_nan().is_nan() && !is_stale(f64::NAN));
    }
}
