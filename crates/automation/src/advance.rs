//! The life of an attempt: waiting -> running -> verifying -> fixed, or one of four bad ends.
//!
//! Invariants: a terminal state never changes; `StartRun` is asked at most once; an exit code of zero is
//! never a success by itself.

use watchtower_model::{AutomationId, IncidentId, RunId, ServerId, Timestamp, UserId, format_duration_ms};

use crate::attempt::{APPROVAL_MS, GOOD_SAMPLES, LOST_GRACE_MS};
use crate::{Approval, Attempt, AttemptState, Effect, Input, Plan};

struct Turn {
    attempt: Attempt,
    effects: Vec<Effect>,
    now: Timestamp,
}

/// Begins an attempt that [`crate::decide`] allowed.
pub fn begin(
    automation_id: AutomationId,
    server_id: ServerId,
    incident_id: Option<IncidentId>,
    number: u32,
    plan: Plan,
    now: Timestamp,
) -> (Attempt, Vec<Effect>) {
    let attempt = Attempt {
        automation_id,
        server_id,
        incident_id,
        number,
        plan,
        state: AttemptState::Waiting,
        approval: if plan.needs_approval { Approval::Awaited } else { Approval::NotNeeded },
        created_at: now,
        asked_at: None,
        run_id: None,
        started_at: None,
        finished_at: None,
        exit: None,
        good_samples: 0,
        last_sample_at: None,
        ended_at: None,
        outcome: String::new(),
        next_wake_at: None,
    };
    let mut turn = Turn { attempt, effects: Vec::new(), now };
    if plan.needs_approval {
        let until = now.plus_ms(APPROVAL_MS);
        turn.effects.push(Effect::AskApproval { until });
        turn.wake_at(until);
    } else {
        turn.start_when_due();
    }
    (turn.attempt, turn.effects)
}

/// Moves an attempt by one input. What does not apply in its state changes nothing.
pub fn advance(attempt: Attempt, input: Input, now: Timestamp) -> (Attempt, Vec<Effect>) {
    let mut turn = Turn { attempt, effects: Vec::new(), now };
    match turn.attempt.state {
        AttemptState::Waiting => turn.waiting(input),
        AttemptState::Running => turn.running(input),
        AttemptState::Verifying => turn.verifying(input),
        _ => {}
    }
    (turn.attempt, turn.effects)
}

impl Turn {
    fn waiting(&mut self, input: Input) {
        match input {
            Input::Approved { by } => self.approved(by),
            Input::Denied { by } if self.attempt.asked_at.is_none() => {
                self.end(AttemptState::Refused, format!("denied by user {by}"))
            }
            Input::Refused { reason } => self.end(AttemptState::Refused, reason),
            Input::Sample { condition_true: false, .. } if self.attempt.asked_at.is_none() => {
                self.end_quietly(AttemptState::Refused, "the problem went away before the run".into());
            }
            // A command that was sent may run although nothing was heard of it.
            Input::Lost { reason } if self.attempt.asked_at.is_some() => self.end(AttemptState::Lost, reason),
            Input::Started { run_id } if self.attempt.asked_at.is_some() => self.started(run_id),
            // The start was reported late or never: the end proves it.
            Input::Finished { exit } if self.attempt.asked_at.is_some() => self.finished(exit),
            Input::Killed { reason } if self.attempt.asked_at.is_some() => {
                self.end(AttemptState::Failed, reason)
            }
            Input::Wake if self.wake_is_due() => self.waiting_is_over(),
            _ => {}
        }
    }

    fn approved(&mut self, by: UserId) {
        if self.attempt.approval != Approval::Awaited {
            return;
        }
        if self.now >= self.attempt.created_at.plus_ms(APPROVAL_MS) {
            return self.end(AttemptState::Refused, "the approval came too late".into());
        }
        self.attempt.approval = Approval::Given(by);
        self.start_when_due();
    }

    fn start_when_due(&mut self) {
        let due = self.attempt.created_at.plus_ms(self.attempt.plan.delay_ms.max(0));
        if self.now < due {
            return self.wake_at(due);
        }
        let not_after = self.now.plus_ms(self.attempt.plan.start_within_ms.max(0));
        self.attempt.asked_at = Some(self.now);
        self.effects.push(Effect::StartRun { number: self.attempt.number, not_after });
        self.wake_at(not_after.plus_ms(LOST_GRACE_MS));
    }

    fn waiting_is_over(&mut self) {
        if self.attempt.approval == Approval::Awaited {
            let waited = format_duration_ms(APPROVAL_MS);
            self.end(AttemptState::Refused, format!("nobody approved it within {waited}"));
        } else if self.attempt.asked_at.is_some() {
            self.end(AttemptState::Lost, "no answer to the start: it may have run".into());
        } else {
            self.start_when_due();
        }
    }

    fn started(&mut self, run_id: RunId) {
        self.attempt.state = AttemptState::Running;
        self.attempt.run_id = Some(run_id);
        self.attempt.started_at = Some(self.now);
        self.wake_at(self.now.plus_ms(self.attempt.plan.timeout_ms.max(0) + LOST_GRACE_MS));
    }

    fn running(&mut self, input: Input) {
        match input {
            Input::Finished { exit } => self.finished(exit),
            Input::Killed { reason } => self.end(AttemptState::Failed, reason),
            Input::Lost { reason } => self.end(AttemptState::Lost, reason),
            Input::Refused { reason } => self.end(AttemptState::Refused, reason),
            Input::Wake if self.wake_is_due() => {
                self.end(AttemptState::Lost, "nothing was heard of the run past its time limit".into());
            }
            _ => {}
        }
    }

    fn finished(&mut self, exit: i32) {
        self.attempt.exit = Some(exit);
        self.attempt.finished_at = Some(self.now);
        if exit != 0 {
            return self.end(AttemptState::Failed, format!("the script ended with exit code {exit}"));
        }
        self.attempt.state = AttemptState::Verifying;
        let until = self.now.plus_ms(self.attempt.plan.verify_window_ms());
        self.effects.push(Effect::BoostInterval { until });
        self.wake_at(until);
    }

    fn verifying(&mut self, input: Input) {
        match input {
            Input::Sample { condition_true, at } => self.sample(condition_true, at),
            Input::Wake if self.wake_is_due() => {
                let window = format_duration_ms(self.attempt.plan.verify_window_ms());
                let reason = format!("the script succeeded, but the problem was not gone after {window}");
                self.end(AttemptState::NotFixed, reason);
            }
            _ => {}
        }
    }

    /// Counts only samples taken after the run ended, each instant once.
    fn sample(&mut self, condition_true: bool, at: Timestamp) {
        let newest = self.attempt.last_sample_at.max(self.attempt.finished_at);
        if Some(at) <= newest {
            return;
        }
        self.attempt.last_sample_at = Some(at);
        self.attempt.good_samples = if condition_true { 0 } else { self.attempt.good_samples + 1 };
        if self.attempt.good_samples >= GOOD_SAMPLES {
            let from = self.attempt.started_at.or(self.attempt.asked_at).unwrap_or(self.attempt.created_at);
            let took_ms = self.now.since(from).max(0);
            self.end_quietly(AttemptState::Fixed, format!("fixed in {}", format_duration_ms(took_ms)));
            self.effects.push(Effect::Succeeded { took_ms });
        }
    }

    fn end(&mut self, state: AttemptState, reason: String) {
        self.effects.push(Effect::Escalate { state, reason: reason.clone() });
        self.end_quietly(state, reason);
    }

    fn end_quietly(&mut self, state: AttemptState, outcome: String) {
        self.attempt.state = state;
        self.attempt.ended_at = Some(self.now);
        self.attempt.outcome = outcome;
        self.attempt.next_wake_at = None;
    }

    fn wake_at(&mut self, at: Timestamp) {
        self.attempt.next_wake_at = Some(at);
        self.effects.push(Effect::ScheduleWake { at });
    }

    fn wake_is_due(&self) -> bool {
        self.attempt.next_wake_at.is_some_and(|at| at <= self.now)
    }
}
