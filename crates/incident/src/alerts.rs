//! What alerts do to an incident: join it, repeat, get worse, resolve.

use serde_json::json;
use watchtower_model::AlertId;

use crate::turn::Turn;
use crate::{Actor, AlertSignal, IncidentAlert, PageReason, PendingKind, Status, TimelineKind};

/// Alerts that have a line of their own when they join; of a storm, only each doubling has one beyond.
const JOINS_SAID_MAX: usize = 20;

/// How a signal relates to what the incident knows.
#[derive(Clone, Copy, PartialEq)]
enum Novelty {
    Added,
    Reopened,
    Repeated,
}

impl Turn {
    pub fn alert_triggered(&mut self, signal: AlertSignal) {
        if self.incident.is_resolved() {
            let text = "an alert triggered after the end: it needs an incident of its own";
            return self.say(TimelineKind::Ignored, &Actor::System, text, json!({ "alert_id": signal.id }));
        }
        let incident = &mut self.incident;
        let novelty = match incident.alerts.get(&signal.id) {
            None => Novelty::Added,
            Some(known) if !known.open => Novelty::Reopened,
            Some(_) => Novelty::Repeated,
        };
        incident.alerts.insert(signal.id, IncidentAlert { severity: signal.severity, open: true });
        incident.triggers += 1;
        incident.last_seen_at = self.now;
        if novelty == Novelty::Added {
            incident.joined_at = self.now;
        }
        let louder = signal.urgency > incident.urgency;
        incident.urgency = incident.urgency.max(signal.urgency);
        let raised = signal.severity > incident.severity;
        if raised {
            incident.severity = signal.severity;
            incident.title.clone_from(&signal.title);
        }
        self.calm_ended();
        self.restart_auto_resolve();
        self.say_trigger(&signal, novelty, raised);
        self.page_for_trigger(&signal, novelty);
        if louder {
            self.page_louder();
        }
    }

    fn say_trigger(&mut self, signal: &AlertSignal, novelty: Novelty, raised: bool) {
        let triggers = self.incident.triggers;
        let data = json!({ "alert_id": signal.id, "severity": signal.severity, "triggers": triggers });
        let alerts = self.incident.alerts.len();
        if novelty == Novelty::Added && (alerts <= JOINS_SAID_MAX || alerts.is_power_of_two()) {
            let text = format!("alert joined, {alerts} by now: {}", signal.title);
            self.say(TimelineKind::AlertAdded, &Actor::System, text, data.clone());
        } else if novelty == Novelty::Reopened || triggers.is_power_of_two() {
            // A source may repeat itself every few seconds: only each doubling of the count is a line.
            let text = format!("triggered again, {triggers} times by now: {}", signal.title);
            self.say(TimelineKind::Retriggered, &Actor::System, text, data.clone());
        }
        if raised {
            let text = format!("severity rose to {}", signal.severity);
            self.say(TimelineKind::SeverityRaised, &Actor::System, text, data);
        }
    }

    fn page_for_trigger(&mut self, signal: &AlertSignal, novelty: Novelty) {
        match self.incident.status {
            Status::Acknowledged if Some(self.incident.severity) > self.incident.acked_severity => {
                match &signal.suppressed_by {
                    Some(why) => self.say_not_paged(&format!("suppressed by {why}")),
                    None => {
                        self.incident.suppressed = None;
                        self.unack(&Actor::System, self.now, PageReason::SeverityRaised);
                    }
                }
            }
            Status::Acknowledged if novelty != Novelty::Repeated => {
                self.say_not_paged("the incident is acknowledged and this is not worse");
            }
            Status::Triggered if signal.suppressed_by.is_none() => self.suppression_ended(),
            _ => {}
        }
    }

    pub fn alert_resolved(&mut self, alert: AlertId) {
        let data = json!({ "alert_id": alert });
        match self.incident.alerts.get_mut(&alert) {
            None => {
                let text = "resolve of an alert that is not part of this incident";
                return self.say(TimelineKind::Ignored, &Actor::System, text, data);
            }
            Some(known) if !known.open => return,
            Some(known) => known.open = false,
        }
        let left = self.incident.open_alerts().count();
        let text = format!("an alert was resolved by its source, {left} still open");
        self.say(TimelineKind::AlertResolved, &Actor::System, text, data);
        if left == 0 {
            self.last_alert_resolved();
        }
    }

    /// Auto-resolve is for sources that never say "resolved": each sign of life starts its time anew.
    pub fn restart_auto_resolve(&mut self) {
        if let Some(ms) = self.incident.service.auto_resolve_ms.filter(|ms| *ms > 0) {
            self.incident.schedule(PendingKind::AutoResolve, self.now.plus_ms(ms));
        }
    }
}
