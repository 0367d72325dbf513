//! Schedules: what is understood and refused, when they fire, and what they say of themselves.

use watchtower_automation::cron::{CronError, Schedule};
use watchtower_model::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-01-01T00:00:00Z")
}

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::new(expression, zone, now()).unwrap_or_else(|error| panic!("{expression} {zone}: {error}"))
}

fn refused(expression: &str) -> String {
    Schedule::new(expression, "UTC", now()).map(|_| ()).expect_err(expression).to_string()
}

/// The next firings in UTC, seconds left out.
fn fires(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let times = schedule(expression, zone).upcoming(at(after), count);
    times.iter().map(|at| at.to_rfc3339().replace(":00.000Z", "Z")).collect()
}

#[test]
fn fields_have_ranges_steps_lists_and_names() {
    for (expression, expected) in [
        ("30 3 * * *", ["2026-03-04T03:30Z", "2026-03-05T03:30Z"]),
        ("*/20 * * * *", ["2026-03-04T00:20Z", "2026-03-04T00:40Z"]),
        ("10-30/10 5 * * *", ["2026-03-04T05:10Z", "2026-03-04T05:20Z"]),
        ("0 6,18 * * *", ["2026-03-04T06:00Z", "2026-03-04T18:00Z"]),
        ("0 0 * JUN-aug Mon", ["2026-06-01T00:00Z", "2026-06-08T00:00Z"]),
        ("0 0 * * 7", ["2026-03-08T00:00Z", "2026-03-15T00:00Z"]),
        ("0 0 * * 0", ["2026-03-08T00:00Z", "2026-03-15T00:00Z"]),
        ("0 0 * * sat-sun", ["2026-03-07T00:00Z", "2026-03-08T00:00Z"]),
        ("  0\t0  29 2 * ", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]),
        ("@hourly", ["2026-03-04T01:00Z", "2026-03-04T02:00Z"]),
        ("@Daily", ["2026-03-05T00:00Z", "2026-03-06T00:00Z"]),
        ("@weekly", ["2026-03-08T00:00Z", "2026-03-15T00:00Z"]),
        ("@monthly", ["2026-04-01T00:00Z", "2026-05-01T00:00Z"]),
        ("@yearly", ["2027-01-01T00:00Z", "2028-01-01T00:00Z"]),
    ] {
        assert_eq!(fires(expression, "UTC", "2026-03-04T00:00:00Z", 2), expected, "{expression}");
    }
}

#[test]
fn of_two_days_either_is_enough_unless_one_is_a_star() {
    // Friday the 13th of March; every Friday, and every 13th.
    let either = fires("0 0 13 * fri", "UTC", "2026-03-01T00:00:00Z", 4);
    assert_eq!(either, ["2026-03-06T00:00Z", "2026-03-13T00:00Z", "2026-03-20T00:00Z", "2026-03-27T00:00Z"]);
    // A star with a step is a star: both must fit.
    let both = fires("0 0 */2 * fri", "UTC", "2026-03-01T00:00:00Z", 2);
    assert_eq!(both, ["2026-03-13T00:00Z", "2026-03-27T00:00Z"]);
}

#[test]
fn what_is_not_understood_is_refused_with_its_reason() {
    for (expression, reason) in [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("0 30 3 * * *", "has 6 fields, not 5"),
        ("@reboot", "is not known"),
        ("@every 5m", "is not known"),
        ("60 * * * *", "60 is not from 0 to 59"),
        ("* 24 * * *", "24 is not from 0 to 23"),
        ("* * 0 * *", "0 is not from 1 to 31"),
        ("* * * 13 *", "13 is not from 1 to 12"),
        ("* * * * 8", "8 is not from 0 to 7"),
        ("0 0 L * *", "L (the last day)"),
        ("0 0 * * 5L", "L (the last day)"),
        ("0 0 * * fri#2", "# (the nth"),
        ("0 0 15W * *", "W (the nearest"),
        ("0 0 ? * *", "write *"),
        ("5/15 * * * *", "a step needs a range: 5-59/15"),
        ("*/0 * * * *", "a step must be from 1"),
        ("*/90 * * * *", "a step must be from 1 to 59"),
        ("30-10 * * * *", "runs backwards"),
        ("0 0 * * fri-mon", "runs backwards"),
        ("1,,2 * * * *", "a value is missing"),
        ("-5 * * * *", "is not a value"),
        ("+5 * * * *", "is not a value"),
        ("1- * * * *", "is not a value"),
        ("1.5 * * * *", "is not a value"),
        ("99999 * * * *", "is not a value"),
        ("0 0 * monday *", "is not a value"),
    ] {
        let text = refused(expression);
        assert!(text.contains(reason), "{expression}: {text}");
    }
    assert_eq!(Schedule::new(&"*".repeat(300), "UTC", now()).err(), Some(CronError::Long));
}

#[test]
fn what_would_never_fire_is_refused() {
    for expression in ["30 2 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *"] {
        assert!(refused(expression).contains("never fire"), "{expression}");
    }
    // No leap year between 2096 and 2104.
    let rare = Schedule::new("0 0 29 2 *", "UTC", at("2096-03-01T00:00:00Z")).unwrap();
    assert_eq!(rare.next(at("2096-03-01T00:00:00Z")), Some(at("2104-02-29T00:00:00Z")));
}

#[test]
fn zones_are_known_by_their_names() {
    for zone in ["", "Mars/Olympus", "CEST", "+02:00", "../etc/passwd"] {
        let error = Schedule::new("@daily", zone, now()).expect_err(zone);
        assert!(error.is_of_zone(), "{zone}: {error}");
    }
    assert_eq!(
        fires("30 3 * * *", "asia/kathmandu", "2026-03-04T00:00:00Z", 1),
        ["2026-03-04T21:45Z"],
        "an offset of 5:45"
    );
    let local = schedule("30 3 * * *", "America/New_York").local(at("2026-07-01T07:30:00Z"));
    assert_eq!(local, "2026-07-01T03:30:00-04:00");
}

/// In Berlin 02:00 becomes 03:00 on 29 March 2026 at 01:00 UTC.
#[test]
fn a_time_that_does_not_exist_fires_once_after_the_gap() {
    for expression in ["30 2 * * *", "0,15,30 2 * * *", "0 2,3 * * *"] {
        let days = fires(expression, "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
        assert_eq!(days[0], "2026-03-29T01:00Z", "{expression}");
        assert!(days[1].starts_with("2026-03-30"), "{expression}: {days:?}");
    }
    // A whole day was left out in Samoa; its firings come once, as the next day begins.
    assert_eq!(
        fires("0 8,9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", 3),
        ["2011-12-30T10:00Z", "2011-12-30T18:00Z", "2011-12-30T19:00Z"]
    );
}

/// In Berlin 03:00 becomes 02:00 on 25 October 2026 at 01:00 UTC.
#[test]
fn a_time_that_exists_twice_fires_once() {
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]
    );
    // Asked between the two: the first has been.
    assert_eq!(fires("30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", 1), ["2026-10-26T01:30Z"]);
}

#[test]
fn stars_follow_real_time() {
    assert_eq!(
        fires("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 4),
        ["2026-03-29T00:30Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z", "2026-03-29T02:00Z"]
    );
    assert_eq!(
        fires("30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 3),
        ["2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-25T02:30Z"]
    );
    // What the gap swallows does not fire; what the clock shows twice fires twice.
    assert_eq!(fires("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 1), ["2026-03-30T00:00Z"]);
    assert_eq!(fires("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 5).len(), 5);
    assert_eq!(fires("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 4)[3], "2026-10-25T01:30Z");
}

#[test]
fn schedules_say_what_they_are_in_words() {
    for (expression, words) in [
        ("30 3 * * mon", "at 03:30 on Mondays"),
        ("@daily", "at 00:00 every day"),
        ("0 6,18 * * *", "at 06:00 and 18:00 every day"),
        ("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/7 * * * *", "every 7 minutes from the full hour"),
        ("@hourly", "every hour, on the hour"),
        ("5 * * * *", "every hour, at minute 5"),
        ("5,35 * * * 1-5", "every hour, at minutes 5 and 35 from Monday to Friday"),
        ("*/15 9-17 * * 1-5", "every 15 minutes of the hours 9 to 17 from Monday to Friday"),
        ("*/5 3 * * *", "every 5 minutes of hour 03"),
        ("30 */2 * * *", "at minute 30, in every 2nd hour from 00"),
        ("0 0 1 * *", "at 00:00 on day 1 of the month"),
        ("0 0 1-7,15 * *", "at 00:00 on days 1 to 7 and 15 of the month"),
        ("0 0 13 * fri", "at 00:00 on day 13 of the month or on Fridays"),
        ("0 0 */10 * fri", "at 00:00 on days 1, 11, 21 and 31 of the month, only on Fridays"),
        ("0 0 * * sat,sun", "at 00:00 on Saturdays and Sundays"),
        ("0 0 * * 5-7", "at 00:00 from Friday to Sunday"),
        ("0 0 1 1,7 *", "at 00:00 on day 1 of the month in January and July"),
        ("0 0 1-31 * fri", "at 00:00 every day"),
        ("0 0 * * 0-6", "at 00:00 every day"),
    ] {
        assert_eq!(schedule(expression, "Europe/Berlin").words(), format!("{words}, Europe/Berlin"));
    }
}

/// Two years of minutes of one zone: for each its local time in minutes since the epoch.
fn minutes_of(zone: &str) -> Vec<(i64, i64)> {
    let zone = jiff::tz::TimeZone::get(zone).unwrap();
    let from = at("2025-12-31T00:00:00Z").0 / 60_000;
    let mut out = Vec::new();
    for quarter in (from..from + 2 * 366 * 1440).step_by(15) {
        let instant = jiff::Timestamp::from_second(quarter * 60).unwrap();
        let offset = i64::from(zone.to_offset(instant).seconds()) / 60;
        out.extend((quarter..quarter + 15).map(|minute| (minute, minute + offset)));
    }
    out
}

/// Year, month, day and weekday (Sunday 0) of a day since the epoch, by the arithmetic of the calendar alone.
fn civil(day: i64) -> (u32, u32, u32) {
    let z = day + 719_468;
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (month as u32, date as u32, (day + 4).rem_euclid(7) as u32)
}

struct Wanted {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Vec<u32>,
    months: Vec<u32>,
    weekdays: Vec<u32>,
    either_day: bool,
    real_time: bool,
}

impl Wanted {
    fn day(&self, day: i64) -> bool {
        let (month, date, weekday) = civil(day);
        let (date, weekday) = (self.days.contains(&date), self.weekdays.contains(&weekday));
        let fits = if self.either_day { date || weekday } else { date && weekday };
        fits && self.months.contains(&month)
    }

    /// Every firing, found by looking at each minute.
    fn firings(&self, minutes: &[(i64, i64)]) -> Vec<i64> {
        let (mut found, mut shown, mut known) = (Vec::new(), i64::MIN, (i64::MIN, false));
        let mut of_day = [false; 1440];
        for (hour, minute) in self.hours.iter().flat_map(|h| self.minutes.iter().map(move |m| (h, m))) {
            of_day[(hour * 60 + minute) as usize] = true;
        }
        let mut fits = |local: i64| {
            let day = local.div_euclid(1440);
            if known.0 != day {
                known = (day, self.day(day));
            }
            known.1 && of_day[local.rem_euclid(1440) as usize]
        };
        for (minute, local) in minutes {
            let fires = match shown {
                _ if self.real_time => fits(*local),
                i64::MIN => fits(*local),
                // Whatever the clock has passed over since it last showed something new.
                shown => (shown + 1..=*local).any(&mut fits),
            };
            shown = shown.max(*local);
            if fires {
                found.push(*minute);
            }
        }
        found
    }
}

/// A random expression, and what it means.
fn random(next: &mut impl FnMut(u32) -> u32) -> (String, Wanted) {
    let mut field = |min: u32, max: u32, stars: u32| match next(stars + 3) {
        0 => {
            let value = min + next(max - min + 1);
            (value.to_string(), vec![value])
        }
        1 => {
            let (a, b) = (min + next(max - min + 1), min + next(max - min + 1));
            (format!("{a},{b}"), vec![a, b])
        }
        2 => {
            let (a, step) = (min + next((max - min) / 2), 1 + next(7));
            let b = a + next(max - a + 1);
            (format!("{a}-{b}/{step}"), (a..=b).step_by(step as usize).collect())
        }
        3 => {
            let step = 2 + next((max - min) / 2);
            (format!("*/{step}"), (min..=max).step_by(step as usize).collect())
        }
        _ => ("*".to_string(), (min..=max).collect()),
    };
    let (minute, hour) = (field(0, 59, 1), field(0, 23, 1));
    let (day, month, weekday) = (field(1, 31, 4), field(1, 12, 6), field(0, 6, 3));
    let text = [&minute, &hour, &day, &month, &weekday].map(|field| field.0.clone()).join(" ");
    let star = |field: &(String, Vec<u32>)| field.0.starts_with('*');
    let wanted = Wanted {
        either_day: !star(&day) && !star(&weekday),
        real_time: star(&minute) || star(&hour),
        minutes: minute.1,
        hours: hour.1,
        days: day.1,
        months: month.1,
        weekdays: weekday.1,
    };
    (text, wanted)
}

/// Against a slow and simple reading of the rules, over two years in five zones: whole hours, half hours, and none at all.
#[test]
fn every_firing_is_found_and_no_other() {
    let mut state = 11_u64;
    let mut next = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32 % below
    };
    let mut firings = 0;
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"] {
        let minutes = minutes_of(zone);
        for _ in 0..8 {
            let (text, wanted) = random(&mut next);
            // The first day is there to know what the clock has shown.
            let expected: Vec<i64> =
                wanted.firings(&minutes).into_iter().filter(|minute| *minute >= minutes[1440].0).collect();
            let Ok(schedule) = Schedule::new(&text, zone, now()) else {
                assert!(expected.is_empty(), "{text} {zone}");
                continue;
            };
            let start = Timestamp((minutes[1440].0 - 1) * 60_000);
            let end = minutes[minutes.len() - 1].0;
            // Frequent ones are compared where the clocks change and in between, not all of a million.
            let step = (expected.len() / 500).max(1);
            let mut after = start;
            for (place, minute) in expected.iter().enumerate() {
                let passed_over = place > 0 && place % step != 0 && !changes_near(&minutes, *minute);
                if !passed_over {
                    let found = schedule.next(after).map(|at| at.0 / 60_000);
                    assert_eq!(found, Some(*minute), "{text} {zone} after {after}");
                    firings += 1;
                }
                after = Timestamp(minute * 60_000);
            }
            let beyond = schedule.next(after).map(|at| at.0 / 60_000);
            assert!(beyond.is_none_or(|at| at > end), "{text} {zone}: one more at {beyond:?}");
        }
    }
    assert!(firings > 3_000, "{firings}");
}

/// Whether the clock is changed within three hours of this minute.
fn changes_near(minutes: &[(i64, i64)], minute: i64) -> bool {
    let place = (minute - minutes[0].0) as usize;
    let offset = |place: usize| minutes[place].1 - minutes[place].0;
    offset(place.saturating_sub(180)) != offset((place + 180).min(minutes.len() - 1))
}
