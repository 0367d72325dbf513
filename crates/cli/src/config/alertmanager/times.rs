//! Times at which a route is mute, as maintenance windows.
//!
//! A window comes by a crontab's five fields and lasts; an interval of Alertmanager is what a clock shows. They are the same but when the
//! clocks change within one.

use serde_json::json;
use watchtower_matchers::{Matcher, Matchers, Op};

use super::Import;
use super::routes::{Leaves, Route};
use crate::config::node::Node;

const DAY: u32 = 24 * 60;
const WEEK: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const YEAR: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Begins, and lasts.
struct Window {
    cron: String,
    minutes: u32,
    zone: String,
}

pub(super) fn read(out: &mut Import, root: &Node, leaves: &Leaves) {
    let named = |name: &str| -> Option<&Node> {
        let all = ["time_intervals", "mute_time_intervals"].into_iter().filter_map(|key| root.get(key));
        all.flat_map(Node::items).find(|one| one.get("name").and_then(Node::text) == Some(name))
    };
    for route in leaves.all.iter().filter(|route| !route.mute.is_empty()) {
        let Some(matchers) = reach(route) else {
            out.note(route.line, "mute_time_intervals: which alerts end at this route cannot be said by matchers: plan its maintenance windows by hand");
            continue;
        };
        if route.shared {
            out.note(
                route.line,
                "mute_time_intervals: what is told to other receivers as well is silent for them too",
            );
        }
        for name in &route.mute {
            let Some(interval) = named(name) else {
                out.note(route.line, format!("there is no time interval {name:?}"));
                continue;
            };
            let mut windows = Vec::new();
            for one in interval.get("time_intervals").map_or(&[][..], Node::items) {
                match windows_of(one) {
                    Ok(made) => windows.extend(made),
                    Err(why) => out.note(one.line, format!("time interval {name:?}: {why}: plan it by hand")),
                }
            }
            push(out, &matchers, name, windows);
        }
    }
}

/// The alerts that end at a route; absent where a list of matchers cannot say it.
fn reach(route: &Route) -> Option<String> {
    let mut all = route.matchers.clone();
    for elder in &route.before {
        let mut elder = elder.iter();
        let (Some(only), None) = (elder.next(), elder.next()) else { return None };
        let op = match only.op() {
            Op::Eq => Op::Ne,
            Op::Ne => Op::Eq,
            Op::Re => Op::Nre,
            Op::Nre => Op::Re,
        };
        let negated = Matcher::new(only.name(), op, only.value()).ok()?;
        // What already wants another value of the label needs no second word for it.
        let said = all
            .iter()
            .any(|own| own.op() == Op::Eq && own.name() == only.name() && negated.matches(own.value()));
        if !said {
            all.push(negated);
        }
    }
    let all: Matchers = all.into_iter().collect();
    (!route.has_children && !all.all_match_empty()).then(|| all.to_string())
}

fn push(out: &mut Import, matchers: &str, interval: &str, windows: Vec<Window>) {
    let many = windows.len() > 1;
    for (at, window) in windows.into_iter().enumerate() {
        let interval = super::valid(interval);
        let base = if many { format!("{interval} {}", at + 1) } else { interval };
        let taken = |name: &str| out.maintenance_windows.iter().any(|one| one["name"] == name);
        let name = (1..)
            .map(|n| if n == 1 { base.clone() } else { format!("{base} again {n}") })
            .find(|name| !taken(name));
        out.maintenance_windows.push(json!({
            "name": name.unwrap_or(base),
            "matchers": matchers,
            "cron": window.cron,
            "timezone": window.zone,
            "duration_seconds": window.minutes * 60,
        }));
    }
}

fn windows_of(interval: &Node) -> Result<Vec<Window>, String> {
    let list = |key: &str| interval.get(key).map(|node| node.items().iter().map(word).collect::<Vec<_>>());
    if list("years").is_some() {
        return Err("there are no years in a crontab".into());
    }
    let zone = interval.get("location").and_then(Node::text).unwrap_or("UTC").to_string();
    let months = list("months").map_or(Ok("*".into()), |all| numbers(&all, &YEAR, 1))?;
    let (weekdays, days) =
        (ranges(list("weekdays"), &WEEK, 0, 7)?, ranges(list("days_of_month"), &[], 0, 32)?);
    if weekdays.is_some() && days.is_some() {
        return Err("a crontab takes days of the month or of the week, not both".into());
    }
    let Some(times) = interval.get("times") else {
        return whole_days(weekdays, days, &months, &zone);
    };
    let each = |ranges: Option<Vec<(u32, u32)>>| ranges.map_or("*".to_string(), |all| cron_list(&all));
    let (week, month) = (each(weekdays), each(days));
    times
        .items()
        .iter()
        .map(|one| {
            let at = |key: &str| one.get(key).map(word).and_then(|text| minute(&text));
            let (Some(from), Some(to)) = (at("start_time"), at("end_time")) else {
                return Err("a time is not HH:MM".to_string());
            };
            let cron = format!("{} {} {month} {months} {week}", from % 60, from / 60);
            Ok(Window { cron, minutes: to.saturating_sub(from), zone: zone.clone() })
        })
        .collect()
}

/// Each run of days is one window: one that reached to the begin of the next would never end.
fn whole_days(
    weekdays: Option<Vec<(u32, u32)>>,
    days: Option<Vec<(u32, u32)>>,
    months: &str,
    zone: &str,
) -> Result<Vec<Window>, String> {
    let is_week = weekdays.is_some();
    let runs = weekdays.or(days).ok_or("it is always: switch the channel off instead")?;
    runs.into_iter()
        .map(|(from, to)| {
            let length = if to >= from { to - from + 1 } else { to + 7 - from + 1 };
            if length >= 7 {
                return Err("a window lasts at most seven days, and ends before the next".to_string());
            }
            let cron = match is_week {
                true => format!("0 0 * {months} {}", &WEEK[from as usize][..3]),
                false => format!("0 0 {from} {months} *"),
            };
            Ok(Window { cron, minutes: length * DAY, zone: zone.into() })
        })
        .collect()
}

fn word(node: &Node) -> String {
    crate::output::cell::plain(&node.plain()).to_lowercase()
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour * 60 + minute <= DAY && minute < 60).then_some(hour * 60 + minute)
}

fn number(text: &str, names: &[&str], first: u32) -> Option<u32> {
    let named = names.iter().position(|name| *name == text).map(|at| at as u32 + first);
    named.or_else(|| text.parse().ok())
}

/// `monday:friday` and `saturday`, from and to.
fn ranges(
    all: Option<Vec<String>>,
    names: &[&str],
    first: u32,
    end: u32,
) -> Result<Option<Vec<(u32, u32)>>, String> {
    let Some(all) = all else { return Ok(None) };
    let range = |text: &String| {
        let (from, to) = text.split_once(':').unwrap_or((text, text));
        match (number(from, names, first), number(to, names, first)) {
            (Some(from), Some(to)) if from < end && to < end => Ok((from, to)),
            _ => Err(format!("{text:?} is not in a crontab")),
        }
    };
    let mut found = all.iter().map(range).collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    Ok(Some(found))
}

fn numbers(all: &[String], names: &[&str], first: u32) -> Result<String, String> {
    let found = ranges(Some(all.to_vec()), names, first, 13)?.unwrap_or_default();
    Ok(cron_list(&found))
}

fn cron_list(ranges: &[(u32, u32)]) -> String {
    let part = |(from, to): &(u32, u32)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    ranges.iter().map(part).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::node::parse;

    #[test]
    fn intervals_are_windows_where_a_crontab_can_say_them() {
        for (interval, wanted) in [
            ("times: [{start_time: '09:00', end_time: '17:30'}]", Ok(&[("0 9 * * *", 510)][..])),
            (
                "{times: [{start_time: '22:15', end_time: '24:00'}], weekdays: ['monday:wednesday', sunday]}",
                Ok(&[("15 22 * * 0,1-3", 105)]),
            ),
            ("{weekdays: ['saturday'], months: ['december', '1:2']}", Ok(&[("0 0 * 1-2,12 sat", 1440)])),
            ("{weekdays: ['monday:friday']}", Ok(&[("0 0 * * mon", 7200)])),
            (
                "{days_of_month: ['1:3', '15'], months: ['march:april']}",
                Ok(&[("0 0 1 3-4 *", 4320), ("0 0 15 3-4 *", 1440)]),
            ),
            ("{days_of_month: ['-1']}", Err("\"-1\" is not in a crontab")),
            ("{days_of_month: ['1'], weekdays: [monday]}", Err("not both")),
            ("{years: ['2030']}", Err("no years")),
            ("{months: [may]}", Err("always")),
            ("{weekdays: ['sunday:saturday']}", Err("at most seven days")),
            ("times: [{start_time: '9am', end_time: '17:00'}]", Err("not HH:MM")),
        ] {
            let node = parse("f", interval).unwrap();
            let made = windows_of(&node);
            let shown = made
                .as_ref()
                .map(|all| all.iter().map(|one| (one.cron.as_str(), one.minutes)).collect::<Vec<_>>());
            match (shown, wanted) {
                (Ok(made), Ok(wanted)) => assert_eq!(made, wanted, "{interval}"),
                (Err(why), Err(wanted)) => assert!(why.contains(wanted), "{interval}: {why}"),
                (made, _) => panic!("{interval}: {made:?}"),
            }
        }
    }
}
