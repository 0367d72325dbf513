//! The words of a story: names, times, signals.

use watchtower_incident::{Actor, AlertSignal};
use watchtower_model::{AlertId, Id, Severity, Timestamp, Urgency, UserId, parse_duration_ms};

use super::Story;

impl Story {
    pub(super) fn signal(&mut self, alert: &str, severity: &str, rest: &[&str]) -> AlertSignal {
        let severity: Severity = severity.parse().unwrap();
        let urgency = if severity >= Severity::Error { Urgency::High } else { Urgency::Low };
        let suppressed_by = rest.contains(&"silenced").then(|| "a silence".to_string());
        AlertSignal {
            id: AlertId(self.id(alert)),
            severity,
            urgency,
            title: alert.to_string(),
            suppressed_by,
        }
    }

    pub(super) fn set_service(&mut self, settings: &[&str]) {
        for pair in settings.chunks(2) {
            let ms = Some(self.duration(pair[1]));
            match pair[0] {
                "ack_timeout" => self.service.ack_timeout_ms = ms,
                "auto_resolve" => self.service.auto_resolve_ms = ms,
                "hold" => self.service.hold_pages_ms = ms,
                "resolve_delay" => self.service.resolve_delay_ms = self.duration(pair[1]),
                "group_window" => self.service.group_window_ms = self.duration(pair[1]),
                other => panic!("{}: unknown setting {other}", self.name),
            }
        }
    }

    pub(super) fn user(&mut self, name: &str) -> Actor {
        Actor::User(UserId(self.id(name)))
    }

    pub(super) fn id(&mut self, name: &str) -> Id {
        let id = Id::from_digest(name.as_bytes());
        let known = self.names.entry(id).or_insert_with(|| name.to_string());
        assert_eq!(known, name, "two names with one id");
        id
    }

    pub(super) fn duration(&self, text: &str) -> i64 {
        parse_duration_ms(text).unwrap_or_else(|e| panic!("{}: {:?}: {e}", self.name, self.line))
    }

    pub(super) fn time(&self, text: &str) -> Timestamp {
        Timestamp(self.duration(text))
    }
}
