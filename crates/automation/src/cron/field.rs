//! One field of an expression: the values it allows, as bits.

use super::CronError;

/// What a field is called, and what it may hold.
pub(super) struct Kind {
    pub name: &'static str,
    pub min: u32,
    pub max: u32,
    /// Names in order; the first is for `min`.
    names: &'static [&'static str],
}

pub(super) static MINUTE: Kind = Kind { name: "minute", min: 0, max: 59, names: &[] };
pub(super) static HOUR: Kind = Kind { name: "hour", min: 0, max: 23, names: &[] };
pub(super) static DAY: Kind = Kind { name: "day of the month", min: 1, max: 31, names: &[] };
pub(super) static MONTH: Kind = Kind {
    name: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// Sunday is 0, and 7 too.
pub(super) static WEEKDAY: Kind = Kind {
    name: "day of the week",
    min: 0,
    max: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Begins with `*`, a step after it or not: that is what the rules of Vixie cron ask for.
    pub star: bool,
    /// The step after a single `*`.
    pub every: Option<u32>,
}

impl Field {
    pub fn has(&self, value: u32) -> bool {
        self.bits & (1 << value) != 0
    }

    pub fn values(&self) -> Vec<u32> {
        (0..64).filter(|value| self.has(*value)).collect()
    }

    /// `*`, `5`, `1-5`, `*/15`, `8-18/2`, names of months and days, and lists of these.
    pub fn parse(kind: &'static Kind, text: &str) -> Result<Field, CronError> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= part_bits(kind, part).map_err(|why| CronError::Field {
                field: kind.name,
                text: text.into(),
                why,
            })?;
        }
        if std::ptr::eq(kind, &WEEKDAY) && bits & (1 << 7) != 0 {
            bits = (bits | 1) & !(1 << 7);
        }
        let every = text.strip_prefix("*/").and_then(|step| step.parse().ok());
        Ok(Field { bits, star: text.starts_with('*'), every })
    }
}

fn part_bits(kind: &Kind, part: &str) -> Result<u64, String> {
    if part.is_empty() {
        return Err("a value is missing".into());
    }
    let (range, step) = match part.split_once('/') {
        None => (part, 1),
        Some((range, step)) => (range, self::step(kind, step)?),
    };
    let (from, to) = if range == "*" {
        (kind.min, if kind.max == 7 { 6 } else { kind.max })
    } else if let Some((from, to)) = range.split_once('-') {
        ends(kind, from, to)?
    } else if step > 1 || part.contains('/') {
        return Err(format!("a step needs a range: {range}-{}/{step} or */{step}", kind.max));
    } else {
        let one = value(kind, range)?;
        (one, one)
    };
    Ok((from..=to).step_by(step as usize).fold(0, |bits, value| bits | (1 << value)))
}

fn step(kind: &Kind, text: &str) -> Result<u32, String> {
    let most = kind.max - kind.min;
    match number(text) {
        Some(step) if (1..=most).contains(&step) => Ok(step),
        Some(step) => Err(format!("a step must be from 1 to {most}, not {step}")),
        None => Err(format!("{text:?} is not a step")),
    }
}

fn ends(kind: &Kind, from: &str, to: &str) -> Result<(u32, u32), String> {
    let (start, mut end) = (value(kind, from)?, value(kind, to)?);
    // A week may end on Sunday.
    if kind.max == 7 && end == 0 && start > 0 {
        end = 7;
    }
    if start > end {
        return Err(format!("the range {from}-{to} runs backwards: write it as two"));
    }
    Ok((start, end))
}

fn value(kind: &Kind, text: &str) -> Result<u32, String> {
    if let Some(place) = kind.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
        return Ok(kind.min + place as u32);
    }
    match number(text) {
        Some(value) if (kind.min..=kind.max).contains(&value) => Ok(value),
        Some(value) => Err(format!("{value} is not from {} to {}", kind.min, kind.max)),
        None => Err(foreign(text)),
    }
}

/// Digits alone: no sign, no more than any field can hold.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Names the sign of another kind of cron where that is what was written.
fn foreign(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    let numbered = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    if text.contains('#') {
        "# (the nth such day of a month) is not known".into()
    } else if text == "?" {
        "? is not known: write *".into()
    } else if upper == "L" || upper == "LW" || upper.strip_suffix('L').is_some_and(numbered) {
        "L (the last day) is not known".into()
    } else if upper.strip_suffix('W').is_some_and(numbered) {
        "W (the nearest working day) is not known".into()
    } else {
        format!("{text:?} is not a value")
    }
}
