//! The two entry points: `open` makes an incident, `advance` moves it.
//!
//! Wakes that were missed are caught up in the order of their due times: every step that should have been
//! paged meanwhile is paged, none is skipped, and the last one of the policy still gets its time to answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use watchtower_model::Timestamp;

use crate::turn::Turn;
use crate::{
    Actor, DeliveryReport, Effect, Incident, IncidentAlert, Input, Opening, PageReason, PendingAction,
    PendingKind, Resolution, Status, TimelineKind,
};

/// Timers handled by one `Wake`. What is left stays due, so the hub wakes the incident again.
pub const WAKE_ACTIONS_MAX: usize = 64;

/// Opens an incident for its first alert.
pub fn open(opening: Opening, now: Timestamp) -> (Incident, Vec<Effect>) {
    let (repair_starting, earlier) = (opening.repair_starting, opening.earlier);
    let mut turn = Turn::new(new_incident(opening, now), now);
    let opened = format!("{} ({})", turn.incident.title, turn.incident.severity);
    let data = json!({ "service": turn.incident.service.name, "group_key": turn.incident.group_key });
    turn.say(TimelineKind::Opened, &Actor::System, opened, data);
    earlier.into_iter().for_each(|earlier| turn.say_earlier(earlier));
    turn.restart_auto_resolve();
    turn.ask_the_first(PageReason::Opened, repair_starting);
    turn.finish()
}

/// Moves an incident by one input. The hub stores the result and all effects in one transaction.
pub fn advance(incident: Incident, input: Input, now: Timestamp) -> (Incident, Vec<Effect>) {
    let mut turn = Turn::new(incident, now);
    match input {
        Input::AlertTriggered(signal) => turn.alert_triggered(signal),
        Input::AlertResolved { alert } => turn.alert_resolved(alert),
        Input::Ack { by, via, snooze_ms } => turn.ack(by, &via, snooze_ms),
        Input::Unack { by } => turn.unack_by_person(&by),
        Input::Resolve { by, note } => turn.resolve_by_person(by, &note),
        Input::Escalate { by } => turn.escalate_by_person(&by),
        Input::Note { by, text } => turn.note(&by, &text),
        Input::Reopened(reopening) => turn.reopen(*reopening),
        Input::StepEmpty { generation, step, loop_no } => turn.step_empty(generation, step, loop_no),
        Input::OnCall { people, text } => turn.on_call(people, text),
        Input::Drawn { step, loop_no, target, text } => turn.drawn((step, loop_no), target, text),
        Input::Wake => turn.wake(),
        Input::Run(report) => turn.run_reported(report),
        Input::Delivery(report) => turn.delivery(&report),
        Input::Suppressed { by, alerts } => turn.suppress(by, &alerts),
        Input::SuppressionEnded => turn.suppression_ended(),
    }
    turn.finish()
}

impl Turn {
    /// Pages the first step, unless a silence or an opted-in hold for a running repair says otherwise.
    pub fn ask_the_first(&mut self, reason: PageReason, repair_starting: bool) {
        let hold_ms = self.incident.service.hold_pages_ms.filter(|ms| repair_starting && *ms > 0);
        if self.incident.suppressed.is_some() {
            self.say_suppressed();
        } else if let Some(hold_ms) = hold_ms {
            self.hold_pages(hold_ms);
        } else {
            self.begin_step(0, self.now, reason, None);
        }
    }

    fn wake(&mut self) {
        for _ in 0..WAKE_ACTIONS_MAX {
            let Some(due) = self.incident.pending_actions.first().copied().filter(|a| a.at <= self.now)
            else {
                return;
            };
            self.incident.cancel(due.kind);
            if !self.put_off(due) {
                self.run_pending(due);
            }
        }
    }

    fn run_pending(&mut self, due: PendingAction) {
        match due.kind {
            PendingKind::ReleaseHold => self.begin_step(0, due.at, PageReason::HoldEnded, None),
            PendingKind::Escalate => self.step_unanswered(due.at),
            PendingKind::Unacknowledge => {
                self.unack(&Actor::System, due.at, PageReason::AckTimeout);
            }
            PendingKind::ResolveCalm => self.stayed_calm(),
            PendingKind::AutoResolve => {
                self.resolve(
                    Actor::System,
                    Resolution::Timeout,
                    "nothing was heard of it for the auto-resolve time",
                );
            }
        }
    }

    fn delivery(&mut self, report: &DeliveryReport) {
        let data = json!({ "target": report.target, "channel": report.channel, "outcome": report.outcome });
        self.say(TimelineKind::Delivery, &Actor::System, report.detail.clone(), data);
    }
}

fn new_incident(opening: Opening, now: Timestamp) -> Incident {
    let alert = opening.alert;
    Incident {
        id: opening.id,
        number: opening.number,
        service: opening.service,
        policy: opening.policy,
        status: Status::Triggered,
        severity: alert.severity,
        urgency: alert.urgency,
        title: alert.title,
        group_key: opening.group_key,
        server_id: opening.server_id,
        alerts: BTreeMap::from([(alert.id, IncidentAlert { severity: alert.severity, open: true })]),
        triggers: 1,
        last_seen_at: now,
        joined_at: now,
        repair_paged_at: None,
        generation: 0,
        step: 0,
        loop_no: 0,
        asked: None,
        triggered_at: now,
        step_started_at: now,
        acked_by: None,
        acked_at: None,
        acked_severity: None,
        first_acked_at: None,
        resolved_at: None,
        resolved_by: None,
        resolved_reason: None,
        unanswered: false,
        flapping: false,
        recurrence_of: opening.earlier.map(|earlier| earlier.number),
        came_back: Vec::new(),
        closed_by_end: BTreeSet::new(),
        reopened: 0,
        calm: None,
        merged_into: None,
        merged: Vec::new(),
        suppressed: alert.suppressed_by,
        paged: BTreeSet::new(),
        catch_all_paged: false,
        pending_actions: Vec::new(),
        entries: 0,
    }
}
