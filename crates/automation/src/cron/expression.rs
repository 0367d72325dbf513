//! The five fields together, and which days and times they mean.

use jiff::civil::Date;

use super::CronError;
use super::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};

const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub minute: Field,
    pub hour: Field,
    pub day: Field,
    pub month: Field,
    pub weekday: Field,
}

impl Expression {
    pub fn parse(text: &str) -> Result<Expression, CronError> {
        let text = text.trim();
        let text = match text.starts_with('@') {
            false => text,
            true => MACROS
                .iter()
                .find(|(name, _)| text.eq_ignore_ascii_case(name))
                .map(|(_, fields)| *fields)
                .ok_or_else(|| CronError::Macro(text.into()))?,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(CronError::Fields(fields.len()));
        };
        Ok(Expression {
            minute: Field::parse(&MINUTE, minute)?,
            hour: Field::parse(&HOUR, hour)?,
            day: Field::parse(&DAY, day)?,
            month: Field::parse(&MONTH, month)?,
            weekday: Field::parse(&WEEKDAY, weekday)?,
        })
    }

    /// Follows real time where the clock is put forward or back.
    pub fn follows_real_time(&self) -> bool {
        self.minute.star || self.hour.star
    }

    /// Either of the two days is enough, unless one of them is a `*` (with a step or without): the rule of Vixie cron.
    pub fn either_day(&self) -> bool {
        !self.day.star && !self.weekday.star
    }

    pub fn has_month(&self, month: i8) -> bool {
        self.month.has(month as u32)
    }

    pub fn has_day(&self, date: Date) -> bool {
        let day = self.day.has(date.day() as u32);
        let weekday = self.weekday.has(date.weekday().to_sunday_zero_offset() as u32);
        let fits = if self.either_day() { day || weekday } else { day && weekday };
        fits && self.has_month(date.month())
    }
}
