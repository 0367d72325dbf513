//! How full is too full. Pure: what to do at a share of the disk, and what was done before.
//!
//! Invariant: a level is left only once the disk is [`MARGIN`] points below where it began, so that nothing flaps at a border.

/// Points of a hundred below its border at which a level ends.
const MARGIN: f64 = 3.0;

/// What the hub refuses, from nothing to all that can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fine,
    /// Someone is paged.
    Filling,
    NoLogs,
    /// Agents spool, other senders are told to repeat.
    NoMetrics,
}

/// Percent of the disk at which each level begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Borders {
    pub page: f64,
    pub logs: f64,
    pub metrics: f64,
}

impl Default for Borders {
    fn default() -> Self {
        Borders { page: 80.0, logs: 85.0, metrics: 90.0 }
    }
}

impl Borders {
    /// `page=80,logs=85,metrics=90`, any of them; each at least as high as the one before.
    pub fn parse(text: &str) -> Result<Borders, String> {
        let mut borders = Borders::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=PERCENT"))?;
            let percent = value.trim_end_matches('%').parse::<f64>().ok();
            let percent = percent.filter(|p| (1.0..=100.0).contains(p));
            let percent = percent.ok_or_else(|| format!("{value:?} is not a percentage from 1 to 100"))?;
            match name {
                "page" => borders.page = percent,
                "logs" => borders.logs = percent,
                "metrics" => borders.metrics = percent,
                _ => return Err(format!("{name:?} is not one of page, logs, metrics")),
            }
        }
        if borders.page > borders.logs || borders.logs > borders.metrics {
            return Err("page, logs and metrics must rise in this order".into());
        }
        Ok(borders)
    }

    fn begin(&self, level: Level) -> f64 {
        match level {
            Level::Fine => f64::NEG_INFINITY,
            Level::Filling => self.page,
            Level::NoLogs => self.logs,
            Level::NoMetrics => self.metrics,
        }
    }

    /// The level at `used` percent, after `before`.
    pub fn next(&self, before: Level, used: f64) -> Level {
        let levels = [Level::NoMetrics, Level::NoLogs, Level::Filling];
        let holds = |level: &Level| {
            let margin = if *level <= before { MARGIN } else { 0.0 };
            used >= self.begin(*level) - margin
        };
        levels.into_iter().find(holds).unwrap_or(Level::Fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_at_their_borders_and_end_below_them() {
        let borders = Borders::default();
        let mut level = Level::Fine;
        let mut walk = |used: f64| {
            level = borders.next(level, used);
            level
        };
        assert_eq!(
            [79.9, 80.0, 77.1, 76.9].map(&mut walk),
            [Level::Fine, Level::Filling, Level::Filling, Level::Fine]
        );
        assert_eq!(
            [85.0, 90.0, 87.1, 86.9].map(&mut walk),
            [Level::NoLogs, Level::NoMetrics, Level::NoMetrics, Level::NoLogs]
        );
        assert_eq!(
            [81.9, 77.0, 100.0, 10.0].map(&mut walk),
            [Level::Filling, Level::Filling, Level::NoMetrics, Level::Fine]
        );
    }

    #[test]
    fn borders_are_read_and_checked() {
        assert_eq!(Borders::parse(""), Ok(Borders::default()));
        assert_eq!(
            Borders::parse("page=50%, metrics=99.5"),
            Ok(Borders { page: 50.0, logs: 85.0, metrics: 99.5 })
        );
        for wrong in ["page", "page=x", "page=0", "metrics=101", "pages=3", "page=86", "metrics=84"] {
            assert!(Borders::parse(wrong).is_err(), "{wrong}");
        }
    }
}
