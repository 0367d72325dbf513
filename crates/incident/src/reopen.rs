//! The trouble is back, or it never was over: a resolved incident opens again.
//!
//! Invariant: it begins as a new one would, at the first step of the policy as it is now. What was merged into another one stays ended.

use std::collections::BTreeSet;

use serde_json::json;
use watchtower_model::{AlertId, Timestamp, format_duration_ms};

use crate::turn::Turn;
use crate::{
    ALERTS_PER_INCIDENT_MAX, Actor, AlertSignal, Effect, Incident, IncidentAlert, PageReason, PolicySnapshot,
    ServiceSnapshot, Status, TimelineKind,
};

/// The longest that a service may say: what comes back after a day is another trouble.
pub const REOPEN_WINDOW_MS_MAX: i64 = 24 * 3_600_000;
/// How long after its end a person can say that it is not over.
pub const REOPEN_BY_HAND_MS: i64 = 24 * 3_600_000;

/// What [`crate::Input::Reopened`] needs: the snapshots as for a new incident.
#[derive(Clone, Debug)]
pub struct Reopening {
    pub service: ServiceSnapshot,
    pub policy: PolicySnapshot,
    pub by: Reopened,
}

#[derive(Clone, Debug)]
pub enum Reopened {
    /// An alert of the same key triggers.
    Alert {
        signal: AlertSignal,
        /// Those of this key that ended before.
        instead_of: Vec<AlertId>,
        /// As [`crate::Opening::repair_starting`].
        repair_starting: bool,
    },
    /// A person says so.
    Person {
        by: Actor,
        /// The silence or window that covers all alerts that its end closed, in words.
        suppressed_by: Option<String>,
    },
}

impl Incident {
    /// Whether it may open again so long after its end.
    pub fn reopens(&self, window_ms: i64, now: Timestamp) -> bool {
        let ended = self.resolved_at.filter(|_| self.is_resolved() && self.merged_into.is_none());
        ended.is_some_and(|at| now.since(at) < window_ms) && self.alerts.len() < ALERTS_PER_INCIDENT_MAX
    }
}

impl Turn {
    pub fn reopen(&mut self, reopening: Reopening) {
        let by = match &reopening.by {
            Reopened::Alert { .. } => Actor::System,
            Reopened::Person { by, .. } => by.clone(),
        };
        if !self.incident.is_resolved() || self.incident.merged_into.is_some() {
            let text = "reopen does not apply: it is open, or goes on in another one";
            return self.say(TimelineKind::Ignored, &by, text, json!({}));
        }
        self.say_reopened(&by, &reopening.by);
        let closed = std::mem::take(&mut self.incident.closed_by_end);
        self.begin_again(reopening.service, reopening.policy);
        let repair_starting = match reopening.by {
            Reopened::Alert { signal, instead_of, repair_starting } => {
                self.alert_came_back(signal, &instead_of);
                repair_starting
            }
            Reopened::Person { suppressed_by, .. } => {
                self.incident.suppressed = suppressed_by;
                self.go_on(closed);
                false
            }
        };
        self.restart_auto_resolve();
        self.ask_the_first(PageReason::Reopened, repair_starting);
    }

    fn say_reopened(&mut self, by: &Actor, why: &Reopened) {
        let incident = &self.incident;
        let ended = incident.resolved_at.unwrap_or(self.now);
        let ago = format_duration_ms(self.now.since(ended).max(0) / 1000 * 1000);
        let why = match why {
            Reopened::Alert { signal, .. } => format!("it came back: {}", signal.title),
            Reopened::Person { .. } => "it is not over".into(),
        };
        let data = json!({ "resolved_at": ended, "resolved_by": incident.resolved_by,
            "resolved_reason": incident.resolved_reason });
        self.say(TimelineKind::Reopened, by, format!("reopened {ago} after its end: {why}"), data);
    }

    /// All that an end, an answer and a page left behind is of the time before.
    fn begin_again(&mut self, service: ServiceSnapshot, policy: PolicySnapshot) {
        let incident = &mut self.incident;
        (incident.service, incident.policy) = (service, policy);
        incident.status = Status::Triggered;
        (incident.resolved_at, incident.resolved_by, incident.resolved_reason) = (None, None, None);
        (incident.acked_by, incident.acked_at, incident.acked_severity) = (None, None, None);
        (incident.step, incident.loop_no, incident.unanswered) = (0, 0, false);
        incident.asked = None;
        (incident.suppressed, incident.repair_paged_at, incident.flapping) = (None, None, false);
        incident.reopened += 1;
        incident.joined_at = self.now;
        incident.last_seen_at = self.now;
        // They have heard of its end as of that of what they knew, and are not paged again under that name.
        for merged in &mut incident.merged {
            merged.paged.clear();
            merged.catch_all_paged = false;
        }
        self.void_pages();
    }

    /// The sources of these never said that they are over.
    fn go_on(&mut self, closed: BTreeSet<AlertId>) {
        for (id, alert) in &mut self.incident.alerts {
            alert.open |= closed.contains(id);
        }
        if !closed.is_empty() {
            self.effects.push(Effect::ReopenAlerts { alerts: closed.into_iter().collect() });
        }
    }

    fn alert_came_back(&mut self, signal: AlertSignal, instead_of: &[AlertId]) {
        let incident = &mut self.incident;
        incident.alerts.retain(|id, _| !instead_of.contains(id));
        incident.alerts.insert(signal.id, IncidentAlert { severity: signal.severity, open: true });
        incident.triggers += 1;
        (incident.severity, incident.urgency) = (signal.severity, signal.urgency);
        (incident.title, incident.suppressed) = (signal.title, signal.suppressed_by);
        self.came_back();
    }
}
