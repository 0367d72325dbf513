//! Every minute of two years in seven zones, by six kinds of rotation: what the crate says is what the clocks say.

use watchtower_model::{Id, Timestamp, UserId};
use watchtower_oncall::{Definition, LayerSpec, RANGE_MS_MAX, RestrictionSpec, Schedule, Unit, Weekday};

use crate::clocks::{Clocks, DAY, MINUTE_MS, at, days, month_days};

const PEOPLE: usize = 5;

pub fn person(n: usize) -> UserId {
    UserId(Id::from_digest(&[n as u8 + 1; 16]))
}

/// One rotation, and what is known of it without the crate.
struct Case {
    unit: Unit,
    length: u32,
    /// Minutes of the day.
    handoff: i64,
    /// Days on which windows begin, minutes of the day, and days until the end.
    windows: Option<(&'static [Weekday], i64, i64, Option<Weekday>)>,
}

const WORKDAYS: &[Weekday] = &[Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];

fn cases() -> Vec<Case> {
    let case = |unit, length, handoff| Case { unit, length, handoff, windows: None };
    vec![
        // At hours that the clocks skip or repeat somewhere.
        case(Unit::Hourly, 1, 15),
        case(Unit::Hourly, 7, 90),
        case(Unit::Daily, 1, 2 * 60 + 30),
        case(Unit::Daily, 3, 0),
        case(Unit::Weekly, 1, 60 + 45),
        Case {
            windows: Some((WORKDAYS, 22 * 60, 2 * 60 + 30, None)),
            ..case(Unit::Monthly, 1, 23 * 60 + 30)
        },
        Case {
            windows: Some((&[Weekday::Fri], 18 * 60, 60, Some(Weekday::Mon))),
            ..case(Unit::Daily, 1, 30)
        },
        Case { windows: Some((&[], 60 + 30, 2 * 60, None)), ..case(Unit::Weekly, 2, 0) },
    ]
}

fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn weekday_index(day: Weekday) -> i64 {
    use Weekday::*;
    [Mon, Tue, Wed, Thu, Fri, Sat, Sun].iter().position(|one| *one == day).unwrap() as i64
}

impl Case {
    fn layer(&self, year: i64) -> LayerSpec {
        let restrictions = self.windows.iter().map(|(days, from, to, to_day)| RestrictionSpec {
            days: days.to_vec(),
            from: clock(*from),
            to: clock(*to),
            to_day: *to_day,
        });
        LayerSpec {
            name: "layer".into(),
            participants: (0..PEOPLE).map(person).collect(),
            unit: self.unit,
            length: self.length,
            handoff: clock(self.handoff),
            start: format!("{year}-01-31"),
            first: 0,
            restrictions: restrictions.collect(),
        }
    }

    /// The shown minutes at which turns begin, from 31 January of this year on.
    fn handoffs(&self, year: i64, until: i64) -> Vec<i64> {
        let anchor = days(year, 1, 31) * DAY + self.handoff;
        let length = i64::from(self.length);
        let nth = |n: i64| match self.unit {
            Unit::Hourly => anchor + n * length * 60,
            Unit::Daily => anchor + n * length * DAY,
            Unit::Weekly => anchor + n * length * 7 * DAY,
            Unit::Monthly => {
                let (year, month) = (year + n * length / 12, n * length % 12 + 1);
                days(year, month, 31.min(month_days(year, month))) * DAY + self.handoff
            }
        };
        (0..).map(nth).take_while(|minute| *minute <= until).collect()
    }

    fn windows(&self, from: i64, to: i64) -> Option<Vec<(i64, i64)>> {
        let (days, begin, end, to_day) = self.windows?;
        let mut out = Vec::new();
        for day in from / DAY - 9..to / DAY + 9 {
            // The first of January 1970 was a Thursday.
            let weekday = (day + 3).rem_euclid(7);
            if !days.is_empty() && !days.iter().any(|one| weekday_index(*one) == weekday) {
                continue;
            }
            let ahead = match to_day {
                None => i64::from(end <= begin),
                Some(other) => {
                    let ahead = (weekday_index(other) - weekday).rem_euclid(7);
                    if ahead == 0 && end <= begin { 7 } else { ahead }
                }
            };
            out.push((day * DAY + begin, (day + ahead) * DAY + end));
        }
        Some(out)
    }

    fn expected(&self, clocks: &Clocks, year: i64, until: i64) -> Vec<Option<UserId>> {
        let turns = clocks.passed(&self.handoffs(year, until + 2 * DAY));
        let open = self.windows(clocks.from, until).map(|windows| clocks.within(&windows));
        let one = |at: usize| {
            let open = open.as_ref().is_none_or(|open| open[at]);
            (open && turns[at] > 0).then(|| person((turns[at] - 1) % PEOPLE))
        };
        (0..clocks.len()).map(one).collect()
    }
}

fn told(schedule: &Schedule, from: i64, minutes: usize) -> Vec<Option<UserId>> {
    let mut told = vec![None; minutes];
    let end = from + minutes as i64;
    let mut start = from;
    while start < end {
        let stop = (start + RANGE_MS_MAX / MINUTE_MS).min(end);
        for shift in schedule.shifts(at(start), at(stop)) {
            assert_eq!((shift.from.0 % MINUTE_MS, shift.to.0 % MINUTE_MS), (0, 0));
            let place = |t: Timestamp| (t.0 / MINUTE_MS - from) as usize;
            for minute in &mut told[place(shift.from)..place(shift.to)] {
                assert_eq!(minute.replace(shift.user), None, "two at once");
            }
        }
        start = stop;
    }
    told
}

/// Around each handoff, asked for that instant alone: who, and until when.
fn check_instants(schedule: &Schedule, expected: &[Option<UserId>], from: i64, label: &str) {
    let handoffs = (1..expected.len()).filter(|place| expected[*place] != expected[place - 1]);
    let known: Vec<usize> = handoffs.collect();
    // Hourly rotations have 17,000 of them.
    let every = known.len() / 400 + 1;
    for pair in known.windows(2).step_by(every) {
        for (minute, place) in [(-1, pair[0] - 1), (0, pair[0])] {
            let instant = at(from + pair[0] as i64 + minute).plus_ms(if minute < 0 { 59_999 } else { 0 });
            let duties = schedule.on_call(instant);
            let who: Vec<_> = duties.iter().map(|duty| duty.user).collect();
            assert_eq!(who, Vec::from_iter(expected[place]), "{label} at {instant}");
            if minute == 0 && !duties.is_empty() {
                assert_eq!(duties[0].until, at(from + pair[1] as i64), "{label}: until, at {instant}");
            }
        }
    }
}

fn check(zone: &str, year: i64) {
    let (from, to) = (days(year, 1, 1) * DAY, days(year + 2, 1, 1) * DAY);
    let clocks = Clocks::new(zone, from, to);
    for case in cases() {
        let label = format!("{zone} {:?} {}", case.unit, case.length);
        let definition = Definition::new(Timestamp(0), zone, &[case.layer(year)]).unwrap();
        let schedule = Schedule::new(definition, [], Vec::new());
        let expected = case.expected(&clocks, year, to);
        let told = told(&schedule, from, expected.len());
        if let Some(place) = (0..told.len()).find(|place| told[*place] != expected[*place]) {
            let minute = at(from + place as i64);
            panic!("{label}: at {minute} {:?}, the clocks say {:?}", told[place], expected[place]);
        }
        check_instants(&schedule, &expected, from, &label);
    }
}

#[test]
fn america_chicago() {
    check("America/Chicago", 2025);
}

#[test]
fn europe_dublin() {
    check("Europe/Dublin", 2026);
}

#[test]
fn australia_lord_howe_half_an_hour() {
    check("Australia/Lord_Howe", 2025);
}

#[test]
fn africa_casablanca_of_ramadan() {
    check("Africa/Casablanca", 2026);
}

#[test]
fn asia_kolkata() {
    check("Asia/Kolkata", 2026);
}

#[test]
fn america_sao_paulo_when_it_changed_at_midnight() {
    check("America/Sao_Paulo", 2017);
}

#[test]
fn pacific_apia_and_the_day_that_was_left_out() {
    check("Pacific/Apia", 2011);
}
