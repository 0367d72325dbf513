//! What people do to an incident: acknowledge, take it back, resolve, escalate, note.

use serde_json::json;
use watchtower_model::{Timestamp, format_duration_ms, limits::TEXT_BYTES_MAX, truncate};

use crate::merge::notices_of;
use crate::turn::Turn;
use crate::{Actor, Effect, PageReason, PendingKind, Resolution, Status, TimelineKind};

/// The longest snooze: an acknowledgement by hand that outlives a week is a resolve.
pub const SNOOZE_MS_MAX: i64 = 7 * 24 * 3_600_000;

impl Turn {
    pub fn ack(&mut self, by: Actor, via: &str, snooze_ms: Option<i64>) {
        let snooze_ms = snooze_ms.filter(|ms| *ms > 0).map(|ms| ms.min(SNOOZE_MS_MAX));
        let data = json!({ "via": via, "snooze_ms": snooze_ms });
        match self.incident.status {
            Status::Resolved => {
                let text = format!("{by} acknowledged it by {via} after it was resolved: it stays resolved");
                self.say(TimelineKind::Note, &by, text, data);
            }
            Status::Acknowledged => {
                if let Some(ms) = snooze_ms {
                    self.incident.schedule(PendingKind::Unacknowledge, self.now.plus_ms(ms));
                    let text = format!("snoozed for {}", format_duration_ms(ms));
                    self.say(TimelineKind::Acknowledged, &by, text, data);
                } else if self.incident.acked_by.as_ref() != Some(&by) {
                    self.say(TimelineKind::Note, &by, format!("{by} acknowledged it by {via}, too"), data);
                }
            }
            Status::Triggered => {
                self.acknowledge(&by, snooze_ms);
                let text =
                    match self.incident.pending_actions.iter().find(|a| a.kind == PendingKind::Unacknowledge)
                    {
                        Some(a) => format!(
                            "acknowledged by {via}: pages again in {} if it is still open",
                            format_duration_ms(a.at.since(self.now))
                        ),
                        None => format!("acknowledged by {via}"),
                    };
                self.say(TimelineKind::Acknowledged, &by, text, data);
            }
        }
    }

    fn acknowledge(&mut self, by: &Actor, snooze_ms: Option<i64>) {
        let now = self.now;
        let incident = &mut self.incident;
        incident.status = Status::Acknowledged;
        incident.acked_by = Some(by.clone());
        incident.acked_at = Some(now);
        incident.acked_severity = Some(incident.severity);
        incident.first_acked_at.get_or_insert(now);
        incident.unanswered = false;
        incident.cancel(PendingKind::Escalate);
        incident.cancel(PendingKind::ReleaseHold);
        let timeout_ms = snooze_ms.or(incident.service.ack_timeout_ms).filter(|ms| *ms > 0);
        if let Some(ms) = timeout_ms {
            incident.schedule(PendingKind::Unacknowledge, now.plus_ms(ms));
        }
        self.void_pages();
        let notices: Vec<_> = notices_of(&self.incident).map(Effect::AckNotice).collect();
        self.effects.extend(notices);
    }

    fn clear_ack(&mut self) {
        let incident = &mut self.incident;
        incident.status = Status::Triggered;
        incident.acked_by = None;
        incident.acked_at = None;
        incident.acked_severity = None;
        incident.cancel(PendingKind::Unacknowledge);
    }

    /// Pages that were not sent yet must not be, and later ones get keys of their own.
    pub fn void_pages(&mut self) {
        self.incident.generation += 1;
        self.effects.push(Effect::CancelPages { generation: self.incident.generation });
    }

    /// Acknowledged -> triggered, resuming at the same step as if it had been due at `due`.
    pub fn unack(&mut self, by: &Actor, due: Timestamp, reason: PageReason) {
        self.clear_ack();
        self.say(TimelineKind::Unacknowledged, by, format!("triggered again: {}", reason.text()), json!({}));
        if self.incident.suppressed.is_some() {
            self.say_suppressed();
        } else {
            self.begin_step(self.incident.step, due, reason, None);
        }
    }

    pub fn unack_by_person(&mut self, by: &Actor) {
        if self.incident.status == Status::Acknowledged {
            self.unack(by, self.now, PageReason::Unacknowledged);
        } else {
            let text = format!("unacknowledge does not apply: it is {}", self.incident.status.as_str());
            self.say(TimelineKind::Ignored, by, text, json!({}));
        }
    }

    pub fn resolve_by_person(&mut self, by: Actor, note: &str) {
        if self.incident.is_resolved() {
            let text = "resolve does not apply: it is resolved already";
            return self.say(TimelineKind::Ignored, &by, text, json!({ "note": note }));
        }
        let text = if note.is_empty() { "resolved by hand" } else { note };
        self.resolve(by, Resolution::Manual, text);
    }

    /// It is over, and so are its alerts.
    pub fn resolve(&mut self, by: Actor, reason: Resolution, text: &str) {
        let open: Vec<_> = self.incident.open_alerts().collect();
        self.incident.closed_by_end = open.iter().copied().collect();
        self.end(&by, reason);
        self.say(TimelineKind::Resolved, &by, text, json!({ "reason": reason }));
        if !open.is_empty() {
            self.effects.push(Effect::ResolveAlerts { alerts: open });
        }
        let notices: Vec<_> = notices_of(&self.incident).map(Effect::ResolveNotice).collect();
        self.effects.extend(notices);
    }

    /// The one way to the terminal state.
    pub fn end(&mut self, by: &Actor, reason: Resolution) {
        let incident = &mut self.incident;
        incident.status = Status::Resolved;
        incident.resolved_at = Some(self.now);
        incident.resolved_by = Some(by.clone());
        incident.resolved_reason = Some(reason);
        incident.pending_actions.clear();
        incident.calm = None;
        incident.alerts.values_mut().for_each(|a| a.open = false);
        self.void_pages();
    }

    pub fn escalate_by_person(&mut self, by: &Actor) {
        if self.incident.is_resolved() {
            return self.say(TimelineKind::Ignored, by, "escalate does not apply: it is resolved", json!({}));
        }
        self.say(TimelineKind::Escalated, by, "escalated by hand", json!({}));
        if self.incident.status == Status::Acknowledged {
            self.clear_ack();
        }
        self.incident.suppressed = None;
        let reason = PageReason::EscalatedByPerson;
        if self.incident.paged.is_empty() {
            self.begin_step(0, self.now, reason, None);
        } else if self.incident.unanswered {
            // Nobody is left above the last step: who asks again wants the whole policy again.
            self.incident.loop_no += 1;
            self.begin_step(0, self.now, reason, None);
        } else {
            self.next_step(self.now, reason, None);
        }
    }

    pub fn note(&mut self, by: &Actor, text: &str) {
        let first_line = text.lines().next().unwrap_or_default().to_string();
        let full = truncate(text, TEXT_BYTES_MAX);
        self.say(TimelineKind::Note, by, first_line, json!({ "text": full }));
    }
}
