//! Parts of a date, UTC. Values are seconds since the epoch.

use crate::functions::Code;

pub(super) fn find(code: Code) -> Option<fn(f64) -> f64> {
    Some(match code {
        Code::Minute => |v| part(v, |s| s.rem_euclid(3600) / 60),
        Code::Hour => |v| part(v, |s| s.rem_euclid(86_400) / 3600),
        // 1970-01-01 was a Thursday.
        Code::DayOfWeek => |v| part(v, |s| (s.div_euclid(86_400) + 4).rem_euclid(7)),
        Code::DayOfMonth => |v| part(v, |s| civil(s).2),
        Code::DayOfYear => |v| part(v, day_of_year),
        Code::Month => |v| part(v, |s| civil(s).1),
        Code::Year => |v| part(v, |s| civil(s).0),
        Code::DaysInMonth => |v| part(v, |s| days_in_month(civil(s).0, civil(s).1)),
        _ => return None,
    })
}

/// Beyond a few hundred million years the arithmetic would overflow, and nobody asks.
const SECONDS_MAX: f64 = 1e16;

fn part(v: f64, f: impl Fn(i64) -> i64) -> f64 {
    if v.is_nan() || v.abs() > SECONDS_MAX { f64::NAN } else { f(v.floor() as i64) as f64 }
}

/// Year, month, day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(seconds: i64) -> (i64, i64, i64) {
    let z = seconds.div_euclid(86_400) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn day_of_year(seconds: i64) -> i64 {
    let (year, month, day) = civil(seconds);
    (1..month).map(|m| days_in_month(year, m)).sum::<i64>() + day
}
