//! A schedule in words, for people.

use super::expression::Expression;
use super::field::Field;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Fixed times that are named one by one.
const TIMES_NAMED: usize = 6;
/// Values in a row that are named by the first and the last.
const ROW: usize = 3;

pub(super) fn words(expression: &Expression) -> String {
    let named = named_times(expression);
    let every_day = if named.is_some() { " every day" } else { "" };
    let days = days(expression).map_or(every_day.to_string(), |days| format!(" {days}"));
    let time = named.unwrap_or_else(|| repeated(expression));
    format!("{time}{days}{}", months(&expression.month))
}

fn months(field: &Field) -> String {
    if is_all(field, 12) {
        return String::new();
    }
    let names = field.values().into_iter().map(|month| MONTHS[month as usize - 1].to_string());
    format!(" in {}", listed(names.collect()))
}

fn is_all(field: &Field, count: usize) -> bool {
    field.values().len() == count
}

/// Few fixed times are named one by one.
fn named_times(expression: &Expression) -> Option<String> {
    let (minutes, hours) = (expression.minute.values(), expression.hour.values());
    if is_all(&expression.hour, 24) || minutes.len() * hours.len() > TIMES_NAMED {
        return None;
    }
    let at =
        |hour: &u32| minutes.iter().map(move |minute| format!("{hour:02}:{minute:02}")).collect::<Vec<_>>();
    Some(format!("at {}", listed(hours.iter().flat_map(at).collect())))
}

fn repeated(expression: &Expression) -> String {
    let (minutes, hours) = (expression.minute.values(), expression.hour.values());
    let every_hour = is_all(&expression.hour, 24);
    let (minute, complete) = match (expression.minute.every, &minutes[..]) {
        _ if minutes.len() == 60 => ("every minute".to_string(), true),
        (Some(step), _) if 60 % step == 0 => (format!("every {step} minutes"), true),
        (Some(step), _) => (format!("every {step} minutes from the full hour"), true),
        (None, [0]) if every_hour => ("on the hour".to_string(), false),
        (None, [one]) => (format!("at minute {one}"), false),
        (None, _) => (format!("at minutes {}", numbers(&minutes)), false),
    };
    match expression.hour.every {
        _ if every_hour && complete => minute,
        _ if every_hour => format!("every hour, {minute}"),
        Some(2) => format!("{minute}, in every 2nd hour from 00"),
        Some(3) => format!("{minute}, in every 3rd hour from 00"),
        Some(step) => format!("{minute}, in every {step}th hour from 00"),
        None if hours.len() == 1 => format!("{minute} of hour {:02}", hours[0]),
        None => format!("{minute} of the hours {}", numbers(&hours)),
    }
}

/// `None`: on all of them.
fn days(expression: &Expression) -> Option<String> {
    let weekdays = (!is_all(&expression.weekday, 7)).then(|| weekdays(&expression.weekday));
    let days = (!is_all(&expression.day, 31)).then(|| {
        let values = expression.day.values();
        let word = if values.len() == 1 { "day" } else { "days" };
        format!("on {word} {} of the month", numbers(&values))
    });
    match (days, weekdays) {
        (Some(days), Some(weekdays)) if expression.either_day() => Some(format!("{days} or {weekdays}")),
        (Some(days), Some(weekdays)) => Some(format!("{days}, only {weekdays}")),
        // Without a star both days count: where one allows all, so does the whole.
        (days, weekdays) => days.or(weekdays).filter(|_| !expression.either_day()),
    }
}

fn weekdays(field: &Field) -> String {
    // A week begins on Monday.
    let order: Vec<usize> = [1, 2, 3, 4, 5, 6, 0].into_iter().filter(|day| field.has(*day as u32)).collect();
    let in_row = order.len() >= ROW && order.windows(2).all(|pair| (pair[0] + 1) % 7 == pair[1]);
    match (in_row, &order[..]) {
        (true, [first, .., last]) => format!("from {} to {}", WEEKDAYS[*first], WEEKDAYS[*last]),
        _ => format!("on {}", listed(order.iter().map(|day| format!("{}s", WEEKDAYS[*day])).collect())),
    }
}

/// `0, 15 and 30`, `8 to 17`, `1 to 5 and 20`.
fn numbers(values: &[u32]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = values;
    while let Some(first) = rest.first() {
        let row = rest.iter().zip(*first..).take_while(|(value, wanted)| *value == wanted).count();
        if row >= ROW {
            parts.push(format!("{first} to {}", rest[row - 1]));
            rest = &rest[row..];
        } else {
            parts.push(first.to_string());
            rest = &rest[1..];
        }
    }
    listed(parts)
}

fn listed(mut parts: Vec<String>) -> String {
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}
