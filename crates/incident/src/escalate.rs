//! The walk through the policy: begin a step, find the next one, run out.
//!
//! Invariant: called only while triggered. A step's time counts from when it was due, so that a late wake
//! does not push the rest of the policy back.

use serde_json::json;
use watchtower_model::Timestamp;

use crate::turn::Turn;
use crate::{Actor, Effect, LOOPS_MAX, Page, PageReason, PendingKind, Target, TimelineKind};

impl Turn {
    /// Pages `step`, which was due at `due`. A step without targets, or beyond the end, gives way at once.
    pub fn begin_step(&mut self, step: usize, due: Timestamp, reason: PageReason, output: Option<String>) {
        self.incident.cancel(PendingKind::ReleaseHold);
        self.incident.unanswered = false;
        let mut step = step;
        let mut reason = reason;
        loop {
            self.incident.step = step;
            self.incident.step_started_at = self.now;
            let (targets, by_turns) = self.incident.to_ask();
            if !targets.is_empty() {
                return self.page(due, (targets, by_turns), reason, output);
            }
            if step < self.incident.policy.steps.len() {
                let text =
                    format!("step {} has no targets: not paged, the next step begins at once", step + 1);
                self.say(TimelineKind::StepEmpty, &Actor::System, text, json!({ "step": step }));
                reason = PageReason::NobodyReached;
            }
            match self.step_after(step) {
                Some(next) => step = next,
                None => return self.exhaust(reason, output),
            }
        }
    }

    /// Pages these of the current step, or one of them by turns.
    fn page(
        &mut self,
        due: Timestamp,
        (targets, by_turns): (Vec<Target>, bool),
        reason: PageReason,
        output: Option<String>,
    ) {
        let incident = &mut self.incident;
        let step = incident.step;
        if !by_turns {
            incident.paged.extend(targets.iter().copied());
        }
        let delay_ms = incident.policy.delay_ms(step);
        incident.schedule(PendingKind::Escalate, due.plus_ms(delay_ms));
        self.began_step = true;
        let loop_no = incident.loop_no;
        let text = format!("paging step {} (round {}): {}", step + 1, loop_no + 1, reason.text());
        self.ask((targets, by_turns), reason, text, output);
    }

    /// Pages those of the step that the incident is at.
    fn ask(
        &mut self,
        (targets, by_turns): (Vec<Target>, bool),
        reason: PageReason,
        text: String,
        output: Option<String>,
    ) {
        let incident = &self.incident;
        let (step, generation, loop_no) = (incident.step, incident.generation, incident.loop_no);
        let data = json!({ "step": step, "loop": loop_no, "generation": generation, "targets": targets,
            "reason": reason });
        self.say(TimelineKind::Paged, &Actor::System, text, data);
        self.effects.push(Effect::Page(Page {
            generation,
            step,
            loop_no,
            targets,
            by_turns,
            reason,
            output,
        }));
    }

    /// The urgency rose while a step has its time: its people are told as they want to be told of that urgency. Nothing is sent
    /// twice, since the messages that went out already have the same keys.
    pub fn page_louder(&mut self) {
        let incident = &self.incident;
        if self.began_step || !incident.is_pending(PendingKind::Escalate) {
            return;
        }
        let text = format!("step {} is paged by the rules for high urgency", incident.step + 1);
        self.ask(incident.to_ask(), PageReason::UrgencyRaised, text, None);
    }

    /// A schedule stands for other people later: who was on call is kept, for the notice that it is over.
    pub fn on_call(&mut self, people: Vec<Target>, text: String) {
        let data = json!({ "step": self.incident.step, "people": people });
        self.incident.paged.extend(people);
        self.say(TimelineKind::OnCall, &Actor::System, text, data);
    }

    /// The step to begin after `step`, counting a finished round; `None` when the policy has run out.
    fn step_after(&mut self, step: usize) -> Option<usize> {
        let incident = &mut self.incident;
        if step + 1 < incident.policy.steps.len() {
            return Some(step + 1);
        }
        let repeat = incident.policy.repeat.min(LOOPS_MAX);
        if incident.policy.steps.is_empty() || incident.loop_no >= repeat {
            return None;
        }
        incident.loop_no += 1;
        Some(0)
    }

    pub fn next_step(&mut self, due: Timestamp, reason: PageReason, output: Option<String>) {
        match self.step_after(self.incident.step) {
            Some(next) => self.begin_step(next, due, reason, output),
            None => self.exhaust(reason, output),
        }
    }

    fn exhaust(&mut self, reason: PageReason, output: Option<String>) {
        let incident = &mut self.incident;
        incident.cancel(PendingKind::Escalate);
        incident.unanswered = true;
        incident.catch_all_paged = true;
        let (generation, loop_no) = (incident.generation, incident.loop_no);
        let text = format!("the policy has run out: paging the catch-all channel, since {}", reason.text());
        let data = json!({ "loop": loop_no, "generation": generation, "reason": reason });
        self.say(TimelineKind::Exhausted, &Actor::System, text, data);
        self.effects.push(Effect::PageCatchAll { generation, loop_no, reason, output });
    }

    /// The timer of the current step, due at `due`, has come.
    pub fn step_unanswered(&mut self, due: Timestamp) {
        let is_last = self.incident.step + 1 >= self.incident.policy.steps.len();
        if is_last && self.began_step {
            let delay_ms = self.incident.policy.delay_ms(self.incident.step);
            self.incident.schedule(PendingKind::Escalate, self.now.plus_ms(delay_ms));
        } else {
            self.next_step(due, PageReason::NotAnswered, None);
        }
    }

    pub fn step_empty(&mut self, generation: u64, step: usize, loop_no: u32) {
        let incident = &self.incident;
        let current = incident.page_is_current(generation)
            && (incident.step, incident.loop_no) == (step, loop_no)
            && incident.is_pending(PendingKind::Escalate);
        let data = json!({ "step": step, "loop": loop_no, "generation": generation });
        if !current {
            let text = format!("nobody of step {} could be reached, but that step is over", step + 1);
            return self.say(TimelineKind::Ignored, &Actor::System, text, data);
        }
        let left = self.incident.left_to_ask();
        if !left.is_empty() {
            let text =
                format!("nobody of step {} could be reached: the next of its round is asked", step + 1);
            self.say(TimelineKind::StepEmpty, &Actor::System, text, data);
            return self.page(self.now, (left, true), PageReason::NobodyReached, None);
        }
        let text = format!("nobody of step {} could be reached: the next step begins at once", step + 1);
        self.say(TimelineKind::StepEmpty, &Actor::System, text, data);
        self.next_step(self.now, PageReason::NobodyReached, None);
    }
}
