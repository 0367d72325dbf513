//! One decision: all gates, and the action that follows from them.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

use crate::gates::{self, Answer, GateName};
use crate::{Automation, BreakerState, Facts, Mode};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Run,
    /// All gates passed; it would have run.
    Observe,
    AwaitApproval,
    Refuse,
}

/// One question and its answer, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    pub name: GateName,
    pub passed: bool,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub action: Action,
    /// Every gate, in a fixed order, passed or not.
    pub gates: Vec<Gate>,
}

impl Decision {
    /// Refused since too many servers have the problem: it is not theirs alone.
    pub fn is_widespread(&self) -> bool {
        let blast = |name| {
            matches!(name, GateName::BlastRadius | GateName::GroupBlastRadius | GateName::HubConnected)
        };
        self.gates.iter().any(|gate| !gate.passed && blast(gate.name))
    }

    /// Why it was refused: the reasons of all gates that did not pass.
    pub fn refusal(&self) -> Option<String> {
        let reasons: Vec<_> = self.gates.iter().filter(|g| !g.passed).map(|g| g.reason.as_str()).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// Asks every gate. The hub asks again right before a delayed or approved attempt starts: facts grow old.
pub fn decide(def: &Automation, facts: &Facts, now: Timestamp) -> Decision {
    answered(gates::ask_all(def, facts, now), def.mode, facts.breaker.state(now))
}

pub(crate) fn answered(answers: Vec<Answer>, mode: Mode, breaker: BreakerState) -> Decision {
    let gate = |(name, passed, reason)| Gate { name, passed, reason };
    let gates: Vec<Gate> = answers.into_iter().map(gate).collect();
    let action = if gates.iter().any(|g| !g.passed) { Action::Refuse } else { action_for(mode, breaker) };
    Decision { action, gates }
}

fn action_for(mode: Mode, breaker: BreakerState) -> Action {
    match (mode, breaker) {
        (Mode::Observe, _) => Action::Observe,
        (Mode::Auto, BreakerState::Closed) => Action::Run,
        // A half-open breaker lets one through, under a person's eyes.
        (Mode::Auto | Mode::Approve, _) => Action::AwaitApproval,
    }
}
