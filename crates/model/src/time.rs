//! Instants as integer milliseconds since the epoch, UTC, and durations as Prometheus writes them.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. On the wire and in tables it is the bare integer;
/// [`Timestamp::to_rfc3339`] is for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Why a time or duration was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimeError {
    pub input: String,
    pub expected: &'static str,
}

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not {}", self.input, self.expected)
    }
}

impl std::error::Error for ParseTimeError {}

impl Timestamp {
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    pub fn from_secs(secs: i64) -> Self {
        Timestamp(secs.saturating_mul(1000))
    }

    pub fn ms(self) -> i64 {
        self.0
    }

    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    pub fn plus_ms(self, ms: i64) -> Self {
        Timestamp(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-11-24T21:52:17.042Z`.
    pub fn to_rfc3339(self) -> String {
        let days = self.0.div_euclid(86_400_000);
        let ms_of_day = self.0.rem_euclid(86_400_000);
        let (y, m, d) = civil_from_days(days);
        let (h, rest) = (ms_of_day / 3_600_000, ms_of_day % 3_600_000);
        let (min, rest) = (rest / 60_000, rest % 60_000);
        format!("{y:04}-{m:02}-{d:02}T{h:02}:{min:02}:{:02}.{:03}Z", rest / 1000, rest % 1000)
    }

    /// `2026-11-24`, the UTC day that names a day's file.
    pub fn day(self) -> String {
        self.to_rfc3339()[..10].to_string()
    }

    /// Reads RFC 3339 with `Z` or a numeric offset; fractions beyond milliseconds are cut.
    pub fn parse_rfc3339(text: &str) -> Result<Self, ParseTimeError> {
        parse_rfc3339(text).ok_or_else(|| ParseTimeError {
            input: text.to_string(),
            expected: "an RFC 3339 time such as 2026-11-24T21:52:17Z",
        })
    }
}

impl Add<i64> for Timestamp {
    type Output = Timestamp;
    fn add(self, ms: i64) -> Timestamp {
        self.plus_ms(ms)
    }
}

impl Sub<i64> for Timestamp {
    type Output = Timestamp;
    fn sub(self, ms: i64) -> Timestamp {
        Timestamp(self.0.saturating_sub(ms))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Days since the epoch to year, month, day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let b = text.as_bytes();
    if b.len() < 20 || !text.is_ascii() {
        return None;
    }
    let num = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        part.bytes().all(|c| c.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let sep_ok =
        b[4] == b'-' && b[7] == b'-' && matches!(b[10], b'T' | b't' | b' ') && b[13] == b':' && b[16] == b':';
    let (y, mo, d) = (num(0, 4)?, num(5, 7)?, num(8, 10)?);
    let (h, mi, s) = (num(11, 13)?, num(14, 16)?, num(17, 19)?);
    let days_in_month = match mo {
        2 => 28 + i64::from((y % 4 == 0 && y % 100 != 0) || y % 400 == 0),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !sep_ok || !(1..=12).contains(&mo) || !(1..=days_in_month).contains(&d) || h > 23 || mi > 59 || s > 60
    {
        return None;
    }
    let mut at = 19;
    let mut ms = 0;
    if b[at] == b'.' {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let kept = &text[at + 1..at + 1 + digits.min(3)];
        ms = kept.parse::<i64>().ok()? * 10_i64.pow(3 - kept.len() as u32);
        at += 1 + digits;
    }
    let offset_min = match (b.get(at)?, b.len() - at) {
        (b'Z' | b'z', 1) => 0,
        (sign @ (b'+' | b'-'), 6) if b[at + 3] == b':' => {
            let (oh, om) = (num(at + 1, at + 3)?, num(at + 4, at + 6)?);
            if oh > 23 || om > 59 {
                return None;
            }
            (oh * 60 + om) * if *sign == b'+' { 1 } else { -1 }
        }
        _ => return None,
    };
    let secs = days_from_civil(y, mo, d) * 86_400 + h * 3600 + mi * 60 + s - offset_min * 60;
    Some(Timestamp(secs * 1000 + ms))
}

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads `5m`, `1h30m`, `250ms`: units in falling order, each at most once, as in PromQL. `0` is zero.
pub fn parse_duration_ms(text: &str) -> Result<i64, ParseTimeError> {
    let bad = || ParseTimeError { input: text.to_string(), expected: "a duration such as 30s, 5m or 1h30m" };
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut next_unit = 0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: i64 = rest[..digits].parse().map_err(|_| bad())?;
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &rest[digits..digits + letters];
        let unit = UNITS[next_unit..].iter().position(|(n, _)| *n == name).ok_or_else(bad)? + next_unit;
        total = amount.checked_mul(UNITS[unit].1).and_then(|ms| total.checked_add(ms)).ok_or_else(bad)?;
        next_unit = unit + 1;
        rest = &rest[digits + letters..];
    }
    Ok(total)
}

/// The shortest exact writing of a duration: 90_000 is `1m30s`.
pub fn format_duration_ms(ms: i64) -> String {
    if ms == 0 {
        return "0s".into();
    }
    let mut out = String::new();
    let mut rest = ms.unsigned_abs() as i64;
    if ms < 0 {
        out.push('-');
    }
    // Weeks and years only when exact, as Prometheus does: 8d reads better than 1w1d.
    for (name, size) in UNITS {
        let exact_only = matches!(name, "y" | "w");
        if rest >= size && (!exact_only || rest % size == 0) {
            out.push_str(&format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2026-11-24T21:52:17.042Z",
            "2000-02-29T23:59:59.999Z",
            "1969-12-31T23:59:59.000Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().to_rfc3339(), text);
        }
        assert_eq!(
            Timestamp::parse_rfc3339("2026-11-24T22:52:17+01:00").unwrap().to_rfc3339(),
            "2026-11-24T21:52:17.000Z"
        );
        assert_eq!(Timestamp::parse_rfc3339("2026-11-24T21:52:17.5Z").unwrap().0 % 1000, 500);
    }

    #[test]
    fn bad_times_are_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-24T21:52:17",
            "2026-11-24T21:52:17.Z",
            "2026-11-24T25:00:00Z",
            "2026-11-24T21:52:17+0100",
            "2026-11-24T21:52:17Zjunk",
        ] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_round_trip() {
        for (text, ms) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("1d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration_ms(text).unwrap(), ms);
            assert_eq!(format_duration_ms(ms), text);
        }
        for text in ["", "5", "m", "5m1h", "5m5m", "-5m", "5 m", "99999999999y"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }
}
