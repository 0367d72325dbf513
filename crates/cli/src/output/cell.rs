//! One value in one column: exact for programs, readable for people.
//!
//! States are always a glyph and a word; colour only repeats what they say.

use serde_json::Value;
use watchtower_model::{Timestamp, format_duration_ms};

use super::Look;

/// How people read a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Text,
    /// A word such as `up` or `critical`.
    State,
    /// RFC 3339; people see how long ago.
    Time,
    Bytes,
    /// Bytes per second.
    Rate,
    Percent,
    Seconds,
}

/// One column of a table. `path` is dotted: `vitals.cpu_percent`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub header: &'static str,
    pub path: &'static str,
    pub shown: As,
    /// 0 stays; the highest goes first when the terminal is narrow.
    pub priority: u8,
    /// Only in `-o wide` and `-o csv`.
    pub wide: bool,
}

/// How objects of one kind are named and laid out.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The field that `-o name` prints.
    pub key: &'static str,
    pub columns: &'static [Column],
}

pub const fn column(header: &'static str, path: &'static str, shown: As, priority: u8) -> Column {
    Column { header, path, shown, priority, wide: false }
}

pub const fn wide(header: &'static str, path: &'static str, shown: As) -> Column {
    Column { header, path, shown, priority: 9, wide: true }
}

impl Shape {
    pub fn name_of(&self, item: &Value) -> String {
        plain(at(item, self.key))
    }
}

/// The value at a dotted path, `next.0.at` for the first of a list; null when any part is missing.
pub fn at<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(item, |value, part| match part.parse::<usize>() {
        Ok(place) if value.is_array() => &value[place],
        _ => &value[part],
    })
}

/// Keeps control characters, with which a server could command the terminal, out of a line.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { if c == '\t' || c == '\n' { ' ' } else { '\u{fffd}' } } else { c })
        .collect()
}

/// As `one_line`, but nothing is lost of lines and tabs: they are written `\n` and `\t`.
pub fn escaped(text: &str) -> String {
    one_line(&text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t"))
}

/// Exact, on one line: what pipes and CSV get.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}={}", plain(v))).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// For people.
pub fn shown(value: &Value, shown: As, look: Look) -> String {
    let number = value.as_f64();
    match (shown, number, value.as_str()) {
        _ if value.is_null() => "-".into(),
        (As::State, _, Some(word)) => format!("{} {}", mark(word).glyph(look.unicode), one_line(word)),
        (As::State, _, _) if value.is_boolean() => if value == true { "yes" } else { "no" }.into(),
        (As::Time, _, Some(text)) => ago(text, look.now_ms),
        (As::Bytes, Some(n), _) => bytes(n),
        (As::Rate, Some(n), _) => format!("{}/s", bytes(n)),
        (As::Percent, Some(n), _) => format!("{n:.0} %"),
        (As::Seconds, Some(n), _) => seconds(n),
        _ => one_line(&plain(value)),
    }
}

pub fn seconds(n: f64) -> String {
    // Below a second the milliseconds matter, above they are noise.
    if n.abs() < 1.0 {
        format_duration_ms((n * 1000.0).round() as i64)
    } else {
        format_duration_ms(n.round() as i64 * 1000)
    }
}

pub fn bytes(n: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut n = n;
    let mut unit = 0;
    while n.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        n /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n:.0} B") } else { format!("{n:.1} {}", UNITS[unit]) }
}

/// `3m ago`, `in 10m`; the largest unit is enough to decide on.
pub fn ago(text: &str, now_ms: i64) -> String {
    let Ok(at) = Timestamp::parse_rfc3339(text) else { return one_line(text) };
    let past = now_ms - at.ms();
    let size = past.abs();
    let (amount, unit) = match size {
        0..60_000 => (size / 1000, "s"),
        60_000..3_600_000 => (size / 60_000, "m"),
        3_600_000..172_800_000 => (size / 3_600_000, "h"),
        _ => (size / 86_400_000, "d"),
    };
    // Two clocks differ by less than a second at best: that is not the future.
    if past > -1000 { format!("{amount}{unit} ago") } else { format!("in {amount}{unit}") }
}

/// What a state word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Ok,
    Warn,
    Crit,
    Paused,
    Unknown,
}

impl Mark {
    pub fn glyph(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Mark::Ok, true) => "●",
            (Mark::Warn, true) => "▲",
            (Mark::Crit, true) => "■",
            (Mark::Paused, true) => "‖",
            (Mark::Unknown, true) => "?",
            (Mark::Ok, false) => "[OK]",
            (Mark::Warn, false) => "[WARN]",
            (Mark::Crit, false) => "[CRIT]",
            (Mark::Paused, false) => "[PAUSED]",
            (Mark::Unknown, false) => "[?]",
        }
    }

    /// One of the 16 colours of the terminal, so that the user's theme decides.
    pub fn sgr(self) -> &'static str {
        match self {
            Mark::Ok => "32",
            Mark::Warn => "33",
            Mark::Crit => "31",
            Mark::Paused => "35",
            Mark::Unknown => "90",
        }
    }
}

pub fn mark(word: &str) -> Mark {
    match word {
        "up" | "ok" | "resolved" | "succeeded" | "delivered" | "fixed" | "inactive" | "info" => Mark::Ok,
        "warning" | "away" | "acknowledged" | "partial" | "awaiting_approval" | "pending" | "retrying"
        | "blocked" | "skipped" | "missed" => Mark::Warn,
        "critical" | "error" | "lost" | "failed" | "firing" | "triggered" | "not_fixed" | "timed_out"
        | "refused" | "rejected" | "expired" => Mark::Crit,
        "maintenance" | "cancelled" | "denied" | "observed" => Mark::Paused,
        _ => Mark::Unknown,
    }
}
