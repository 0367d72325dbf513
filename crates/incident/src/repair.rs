//! Repairs beside an incident: holding the first page for one that runs, paging at once for one that failed.

use serde_json::json;
use watchtower_model::format_duration_ms;

use crate::turn::Turn;
use crate::{
    Actor, OUTPUT_EXCERPT_BYTES_MAX, PageReason, PendingKind, RunReport, RunState, Status, TimelineKind,
};

/// Repairs of several servers may fail together: one page tells of them, and further ones only after this.
pub const REPAIR_PAGE_GAP_MS: i64 = 60_000;

impl Turn {
    /// Opt-in: the first page waits for the repair, never longer than the first step's own delay.
    pub fn hold_pages(&mut self, hold_ms: i64) {
        let hold_ms = hold_ms.min(self.incident.policy.delay_ms(0));
        self.incident.schedule(PendingKind::ReleaseHold, self.now.plus_ms(hold_ms));
        let hold = format_duration_ms(hold_ms);
        self.say_not_paged(&format!("a repair is running, the page is held for at most {hold}"));
    }

    pub fn run_reported(&mut self, report: RunReport) {
        let output = excerpt(&report.output);
        let text = format!("repair {}: {}", report.state.as_str().replace('_', " "), report.detail);
        let data = json!({ "run_id": report.run_id, "state": report.state, "output": output });
        self.say(TimelineKind::Run, &Actor::System, text, data);
        if !report.state.needs_person() {
            return;
        }
        match self.incident.status {
            Status::Resolved => {}
            Status::Acknowledged => {
                self.say_not_paged("the repair did not help, but somebody has acknowledged the incident");
            }
            Status::Triggered if self.incident.suppressed.is_some() => self.say_suppressed(),
            Status::Triggered if self.incident.unanswered => {
                self.say_not_paged("the repair did not help, but the policy has run out already");
            }
            Status::Triggered => self.page_for_failed_repair(&report, output),
        }
    }

    fn page_for_failed_repair(&mut self, report: &RunReport, output: String) {
        let output = Some(output).filter(|o| !o.is_empty());
        let paged_at = self.incident.repair_paged_at;
        if self.incident.is_pending(PendingKind::ReleaseHold) {
            self.incident.repair_paged_at = Some(self.now);
            self.begin_step(0, self.now, PageReason::RepairFailed, output);
        } else if report.state == RunState::HeldBack {
            self.say_not_paged("nothing was tried, and the page for the trouble itself has gone out");
        } else if paged_at.is_some_and(|at| self.now.since(at) < REPAIR_PAGE_GAP_MS) {
            self.say_not_paged("a repair that did not help was paged for less than a minute ago");
        } else {
            self.incident.repair_paged_at = Some(self.now);
            self.next_step(self.now, PageReason::RepairFailed, output);
        }
    }
}

/// The last bytes of an output, cut at a character's edge.
fn excerpt(output: &str) -> String {
    let mut from = output.len().saturating_sub(OUTPUT_EXCERPT_BYTES_MAX);
    while !output.is_char_boundary(from) {
        from += 1;
    }
    output[from..].to_string()
}
