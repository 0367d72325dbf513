//! Trouble that comes and goes: its end counts only once it has stayed away, so that it is one incident and one page.

use serde::{Deserialize, Serialize};
use serde_json::json;
use watchtower_model::{Timestamp, format_duration_ms};

use crate::turn::Turn;
use crate::{Actor, Incident, PendingAction, PendingKind, Resolution, Status, TimelineKind};

/// What came so often within [`FLAP_WINDOW_MS`], this time included, is flapping.
pub const FLAPS: u32 = 3;
pub const FLAP_WINDOW_MS: i64 = 30 * 60_000;
/// The end of what is flapping waits until it stayed away for this long.
pub const FLAP_CALM_MS: i64 = 10 * 60_000;

/// The trouble of the same key before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Of the last incident of it.
    pub number: i64,
    pub ended_at: Timestamp,
    /// Incidents of it that ended within [`FLAP_WINDOW_MS`].
    pub lately: u32,
}

/// All alerts are over, and the incident waits whether they stay so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calm {
    /// What would have happened next, and does if the trouble comes back.
    pub held: Vec<PendingAction>,
}

/// What is put off while all is calm: nobody is paged for what is over.
const HELD: [PendingKind; 3] = [PendingKind::ReleaseHold, PendingKind::Escalate, PendingKind::Unacknowledge];

impl Incident {
    /// How long its alerts must stay away before it ends; 0 ends it with the last of them.
    fn calm_ms(&self) -> i64 {
        let own = self.service.resolve_delay_ms.max(0);
        if self.flapping { own.max(FLAP_CALM_MS) } else { own }
    }
}

impl Turn {
    /// Says that it is not the first time, and whether it comes and goes.
    pub fn say_earlier(&mut self, earlier: Earlier) {
        let ago = format_duration_ms(self.now.since(earlier.ended_at).max(0) / 1000 * 1000);
        let text = format!("recurrence of incident {}, which ended {ago} before", earlier.number);
        self.say(TimelineKind::Note, &Actor::System, text, json!({ "recurrence_of": earlier.number }));
        if earlier.lately + 1 >= FLAPS {
            self.begin_flapping(earlier.lately + 1);
        }
    }

    fn begin_flapping(&mut self, times: u32) {
        self.incident.flapping = true;
        let text = format!(
            "flapping: it came {times} times within {}; from now on it ends only after {} without it",
            format_duration_ms(FLAP_WINDOW_MS),
            format_duration_ms(FLAP_CALM_MS)
        );
        self.say(TimelineKind::Flapping, &Actor::System, text, json!({ "times": times }));
    }

    /// Its last open alert is over.
    pub fn last_alert_resolved(&mut self) {
        let wait_ms = self.incident.calm_ms();
        if wait_ms == 0 {
            let text = "its last alert was resolved by its source";
            return self.resolve(Actor::System, Resolution::AlertsResolved, text);
        }
        let held = self.incident.pending_actions.iter().filter(|action| HELD.contains(&action.kind));
        self.incident.calm = Some(Calm { held: held.copied().collect() });
        HELD.into_iter().for_each(|kind| self.incident.cancel(kind));
        self.incident.schedule(PendingKind::ResolveCalm, self.now.plus_ms(wait_ms));
        let text =
            format!("over for now: it ends if nothing comes back within {}", format_duration_ms(wait_ms));
        self.say(TimelineKind::Calm, &Actor::System, text, json!({ "wait_ms": wait_ms }));
    }

    /// An alert triggers while all was calm.
    pub fn calm_ended(&mut self) {
        if !self.resume() {
            return;
        }
        let times = self.count_return();
        let text = format!("it came back before its end counted, {times} times by now");
        self.say(TimelineKind::Retriggered, &Actor::System, text, json!({ "times": times }));
        self.flaps_after(times);
    }

    /// How often it came within [`FLAP_WINDOW_MS`], now included.
    fn count_return(&mut self) -> u32 {
        self.incident.came_back.retain(|at| self.now.since(*at) < FLAP_WINDOW_MS);
        self.incident.came_back.push(self.now);
        self.incident.came_back.len() as u32 + 1
    }

    fn flaps_after(&mut self, times: u32) {
        if times >= FLAPS && !self.incident.flapping {
            self.begin_flapping(times);
        }
    }

    /// An alert triggers after the end, and opens it again.
    pub fn came_back(&mut self) {
        let times = self.count_return();
        self.flaps_after(times);
    }

    /// All is calm no longer: what was put off goes on. `false` where nothing was.
    pub fn resume(&mut self) -> bool {
        let Some(calm) = self.incident.calm.take() else { return false };
        self.incident.cancel(PendingKind::ResolveCalm);
        for action in calm.held {
            let of_status = match self.incident.status {
                Status::Acknowledged => action.kind == PendingKind::Unacknowledge,
                _ => action.kind != PendingKind::Unacknowledge,
            };
            // What a person did meanwhile counts more.
            if of_status && self.incident.suppressed.is_none() && !self.incident.is_pending(action.kind) {
                self.incident.schedule(action.kind, action.at.max(self.now));
            }
        }
        true
    }

    /// Puts off what is due, if all is calm.
    pub fn put_off(&mut self, due: PendingAction) -> bool {
        match &mut self.incident.calm {
            Some(calm) if HELD.contains(&due.kind) => {
                calm.held.push(due);
                true
            }
            _ => false,
        }
    }

    /// It stayed away.
    pub fn stayed_calm(&mut self) {
        let text = "its alerts were resolved by their sources and did not come back";
        self.resolve(Actor::System, Resolution::AlertsResolved, text);
    }
}
