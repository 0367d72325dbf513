//! A time zone by its name, for those who only ask what its clocks show.

use jiff::tz::TimeZone;
use watchtower_model::Timestamp;

use crate::wall;

#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// By the name that IANA gave it, such as `Europe/Berlin`.
    pub fn named(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok().map(Zone)
    }

    /// The hour that its clocks show, 0 to 23. What lies beyond all calendars is midnight.
    pub fn hour(&self, at: Timestamp) -> usize {
        wall::shown(&self.0, at).map_or(0, |shown| usize::try_from(shown.hour()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_put_forward_and_back() {
        let hour =
            |zone: &str, at: &str| Zone::named(zone).unwrap().hour(Timestamp::parse_rfc3339(at).unwrap());
        assert_eq!(hour("Europe/Berlin", "2026-01-15T22:30:00Z"), 23);
        assert_eq!(hour("Europe/Berlin", "2026-07-15T22:30:00Z"), 0);
        assert_eq!(hour("Asia/Kolkata", "2026-07-15T22:30:00Z"), 4);
        assert_eq!(hour("UTC", "2026-07-15T22:30:00Z"), 22);
        assert!(Zone::named("Middle/Earth").is_none());
    }
}
