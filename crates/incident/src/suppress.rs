//! Silences and maintenance windows over an incident: everything is recorded, nobody is paged.

use std::collections::BTreeSet;

use serde_json::json;
use watchtower_model::AlertId;

use crate::turn::Turn;
use crate::{Actor, PageReason, PendingKind, Status, TimelineKind};

impl Turn {
    pub fn say_not_paged(&mut self, why: &str) {
        self.say(TimelineKind::NotPaged, &Actor::System, format!("not paged: {why}"), json!({}));
    }

    pub fn say_suppressed(&mut self) {
        let why = self.incident.suppressed.clone().unwrap_or_default();
        self.say_not_paged(&format!("suppressed by {why}"));
    }

    /// Stops the paging of an open incident. An acknowledged one stays so, and does not page when that runs out. An alert that
    /// joined meanwhile and is not covered wants its page: then nothing changes.
    pub fn suppress(&mut self, by: String, covered: &BTreeSet<AlertId>) {
        if self.incident.is_resolved() || !self.incident.open_alerts().all(|alert| covered.contains(&alert)) {
            return;
        }
        let before = self.incident.suppressed.replace(by);
        if before == self.incident.suppressed {
            return;
        }
        if self.incident.status == Status::Triggered {
            self.incident.cancel(PendingKind::Escalate);
            self.incident.cancel(PendingKind::ReleaseHold);
            self.void_pages();
            self.say_suppressed();
        }
    }

    /// Resumes at the step where paging stopped.
    pub fn suppression_ended(&mut self) {
        if self.incident.is_resolved() || self.incident.suppressed.take().is_none() {
            return;
        }
        if self.incident.status == Status::Triggered {
            self.begin_step(self.incident.step, self.now, PageReason::SuppressionEnded, None);
        }
    }
}
