//! When an automation is due by the clock on the wall: five fields as in Vixie cron, in a time zone.
//!
//! Invariants: pure, the zones are compiled in. A local time that does not exist fires once, at the first instant after the gap; one that
//! exists twice fires the first time alone. Where minute or hour has a `*`, real time counts instead: what the gap swallows does not fire,
//! and what the clock shows twice fires twice. What would never fire cannot be made.

mod field;
mod expression;
mod next;
mod words;

use jiff::tz::TimeZone;
use thiserror::Error;
use watchtower_model::Timestamp;

use expression::Expression;

/// Bytes of an expression, or of a zone's name.
pub const TEXT_BYTES_MAX: usize = 200;

/// Why a schedule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CronError {
    #[error("must have at most {TEXT_BYTES_MAX} bytes")]
    Long,
    #[error(
        "has {0} fields, not 5: minute, hour, day of the month, month, day of the week (seconds and years are not known)"
    )]
    Fields(usize),
    #[error("{field} {text:?}: {why}")]
    Field { field: &'static str, text: String, why: String },
    #[error("{0:?} is not known: @hourly, @daily, @weekly, @monthly and @yearly are")]
    Macro(String),
    #[error("no such day comes within nine years: it would never fire")]
    Never,
    #[error("{0:?} is not a time zone: give its IANA name, such as Europe/Berlin, or UTC")]
    Zone(String),
}

impl CronError {
    /// Whether it is the zone that is wrong, not the expression.
    pub fn is_of_zone(&self) -> bool {
        matches!(self, CronError::Zone(_))
    }
}

/// An expression in its time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    expression: Expression,
    zone: TimeZone,
    zone_name: String,
}

impl Schedule {
    /// `30 3 * * mon` or `@daily`, in an IANA time zone. One that does not fire within nine years of `now` is refused.
    pub fn new(expression: &str, zone: &str, now: Timestamp) -> Result<Schedule, CronError> {
        if expression.len() > TEXT_BYTES_MAX || zone.len() > TEXT_BYTES_MAX {
            return Err(CronError::Long);
        }
        let expression = Expression::parse(expression)?;
        let no_zone = || CronError::Zone(zone.into());
        let found = TimeZone::get(zone).map_err(|_| no_zone())?;
        let zone_name = found.iana_name().ok_or_else(no_zone)?.to_string();
        let schedule = Schedule { expression, zone: found, zone_name };
        schedule.next(now).ok_or(CronError::Never)?;
        Ok(schedule)
    }

    /// The first instant after this one at which it fires; `None` when there is none within nine years.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        next::next(&self.expression, &self.zone, after)
    }

    /// The next firings after an instant, at most so many.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after), |at| self.next(*at)).take(count).collect()
    }

    /// The zone, as IANA writes it.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// For people: `at 03:30 on Mondays, Europe/Berlin`.
    pub fn words(&self) -> String {
        format!("{}, {}", words::words(&self.expression), self.zone_name)
    }

    /// An instant as its zone's clocks show it, RFC 3339 with the offset: `2026-11-30T03:30:00+01:00`.
    pub fn local(&self, at: Timestamp) -> String {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return at.to_rfc3339() };
        let offset = self.zone.to_offset(instant);
        instant.display_with_offset(offset).to_string()
    }
}
