//! Numbers for people, as Prometheus' `template.go` and Go's `fmt` write them.

use watchtower_model::format_value;

/// Go's `%.<digits>g`.
pub(super) fn general(v: f64, digits: usize) -> String {
    if !v.is_finite() {
        return format_value(v);
    }
    if v == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    let scientific = format!("{v:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trimmed(&format!("{v:.decimals$}")).to_string()
}

fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Go's `%v`: the shortest exact writing.
pub(super) fn shortest(v: f64) -> String {
    if v != 0.0 && v.abs() < 1e-4 {
        let text = format!("{v:e}");
        let (mantissa, exponent) = text.split_once("e-").unwrap_or((&text, "0"));
        return format!("{mantissa}e-{exponent:0>2}");
    }
    format_value(v)
}

pub(super) fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return general(v, 4);
    }
    if v.abs() >= 1.0 { up(v, 1000.0, &["k", "M", "G", "T", "P", "E", "Z", "Y"]) } else { down(v) }
}

pub(super) fn humanize1024(v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() {
        return general(v, 4);
    }
    up(v, 1024.0, &["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"])
}

fn up(mut v: f64, base: f64, prefixes: &[&str]) -> String {
    let mut prefix = "";
    for p in prefixes {
        if v.abs() < base {
            break;
        }
        prefix = p;
        v /= base;
    }
    format!("{}{prefix}", general(v, 4))
}

fn down(mut v: f64) -> String {
    let mut prefix = "";
    for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if v.abs() >= 1.0 {
            break;
        }
        prefix = p;
        v *= 1000.0;
    }
    format!("{}{prefix}", general(v, 4))
}

pub(super) fn humanize_duration(v: f64) -> String {
    if !v.is_finite() {
        return general(v, 4);
    }
    if v == 0.0 {
        return "0s".into();
    }
    if v.abs() < 1.0 {
        return format!("{}s", down(v));
    }
    let sign = if v < 0.0 { "-" } else { "" };
    let whole = v.abs() as u64;
    let (d, h, m, s) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{sign}{}s", general(v.abs(), 4)),
        (0, 0, _) => format!("{sign}{m}m {s}s"),
        (0, _, _) => format!("{sign}{h}h {m}m {s}s"),
        _ => format!("{sign}{d}d {h}h {m}m {s}s"),
    }
}
