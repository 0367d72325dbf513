//! Snapshots of a service and its escalation policy, taken when the incident opens: later edits of either
//! do not change a running incident. People and contact methods are resolved by the hub at step time.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use watchtower_model::{ChannelId, PolicyId, ScheduleId, ServiceId, TeamId, UserId};

use crate::Strategy;

/// Steps of one policy.
pub const STEPS_MAX: usize = 20;
/// Targets of one step, as PagerDuty.
pub const TARGETS_PER_STEP_MAX: usize = 10;
/// Extra rounds through the steps, as PagerDuty's `num_loops`.
pub const LOOPS_MAX: u32 = 9;
/// A step shorter than this could page a whole policy before a phone rings.
pub const STEP_DELAY_MS_MIN: i64 = 1_000;
/// A step longer than this is a forgotten incident.
pub const STEP_DELAY_MS_MAX: i64 = 24 * 3_600_000;

/// Who or what a step reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Target {
    User(UserId),
    /// Everybody of the team.
    Team(TeamId),
    /// Whoever is on call when the step begins.
    Schedule(ScheduleId),
    Channel(ChannelId),
}

/// One rung: its targets are paged when it begins, all or one by turns, and have `delay_ms` to answer before the next begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub delay_ms: i64,
    pub targets: Vec<Target>,
    #[serde(default)]
    pub strategy: Strategy,
}

/// The steps, gone through `1 + repeat` times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySnapshot {
    /// Over whose incidents turns are taken. Absent where there is none, or of incidents stored by a hub that did not write it.
    #[serde(default)]
    pub id: Option<PolicyId>,
    pub steps: Vec<Step>,
    pub repeat: u32,
}

/// What of the service an incident needs for as long as it lives. Absent timeouts are switched off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSnapshot {
    pub id: ServiceId,
    pub name: String,
    /// Acknowledged for longer than this: triggered again.
    pub ack_timeout_ms: Option<i64>,
    /// No trigger for longer than this: resolved.
    pub auto_resolve_ms: Option<i64>,
    /// How long a running repair may hold back the first page; cut to the first step's delay.
    pub hold_pages_ms: Option<i64>,
    /// Alerts of one rule, each at most this much later than the one before, share an incident; 0 gives each its own.
    #[serde(default)]
    pub group_window_ms: i64,
    /// How long the last alert must stay away before the incident ends; 0: it ends with it.
    #[serde(default)]
    pub resolve_delay_ms: i64,
    /// What comes back so soon after its end opens the same incident again; 0: another one.
    #[serde(default)]
    pub reopen_window_ms: i64,
}

/// Which field of a policy is out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    #[error("steps: a policy needs 1 to {STEPS_MAX} steps, this one has {0}")]
    Steps(usize),
    #[error("steps[{step}].targets: a step needs 1 to {TARGETS_PER_STEP_MAX} targets, this one has {count}")]
    Targets { step: usize, count: usize },
    #[error("steps[{step}].delay: must be from 1 s to 24 h, not {delay_ms} ms")]
    Delay { step: usize, delay_ms: i64 },
    #[error("repeat: at most {LOOPS_MAX} extra rounds, not {0}")]
    Repeat(u32),
}

impl PolicySnapshot {
    /// Checks a policy before it is saved. The engine itself also survives what this refuses.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(PolicyError::Steps(self.steps.len()));
        }
        if self.repeat > LOOPS_MAX {
            return Err(PolicyError::Repeat(self.repeat));
        }
        for (step, Step { delay_ms, targets, .. }) in self.steps.iter().enumerate() {
            if targets.is_empty() || targets.len() > TARGETS_PER_STEP_MAX {
                return Err(PolicyError::Targets { step, count: targets.len() });
            }
            if !(STEP_DELAY_MS_MIN..=STEP_DELAY_MS_MAX).contains(delay_ms) {
                return Err(PolicyError::Delay { step, delay_ms: *delay_ms });
            }
        }
        Ok(())
    }

    pub(crate) fn delay_ms(&self, step: usize) -> i64 {
        let stated = self.steps.get(step).map_or(STEP_DELAY_MS_MIN, |s| s.delay_ms);
        stated.clamp(STEP_DELAY_MS_MIN, STEP_DELAY_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Id;

    #[test]
    fn each_bound_is_named() {
        let targets = vec![Target::User(UserId(Id::NIL))];
        let step = Step { delay_ms: 300_000, targets, strategy: Strategy::All };
        let good = PolicySnapshot { id: None, steps: vec![step.clone()], repeat: 9 };
        assert_eq!(good.check(), Ok(()));
        let cases = [
            (PolicySnapshot::default(), "steps:"),
            (PolicySnapshot { repeat: 10, ..good.clone() }, "repeat:"),
            (
                PolicySnapshot {
                    steps: vec![step.clone(), Step { delay_ms: 0, ..step.clone() }],
                    ..PolicySnapshot::default()
                },
                "steps[1].delay:",
            ),
            (
                PolicySnapshot { steps: vec![Step { targets: vec![], ..step }], ..PolicySnapshot::default() },
                "steps[0].targets:",
            ),
        ];
        for (policy, field) in cases {
            let text = policy.check().unwrap_err().to_string();
            assert!(text.starts_with(field), "{text}");
        }
    }
}
