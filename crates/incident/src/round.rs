//! Steps that ask one of their targets, by turns: fair over all incidents of a policy.
//!
//! Invariant: as long as a round of the policy lasts, the one whose turn it was is asked again for the same incident; whoever cannot be
//! reached gives way to the next of the round, each once, and then the step is empty.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::turn::Turn;
use crate::{Actor, Incident, Target, TimelineKind};

/// Whom a step asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Every target.
    #[default]
    All,
    /// One of them, by turns.
    RoundRobin,
}

/// Who was asked of a step by turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub step: usize,
    #[serde(rename = "loop")]
    pub loop_no: u32,
    /// In their order: the last one has it now.
    pub targets: Vec<Target>,
}

/// Whose turn it is: the first behind `last` in the round that `may` be asked. Without `last`, or where it is not in the round any
/// more, the round begins anew.
pub fn in_turn<T: Copy + PartialEq>(round: &[T], last: Option<T>, may: impl Fn(&T) -> bool) -> Option<T> {
    let behind = last.and_then(|last| round.iter().position(|one| *one == last)).map_or(0, |at| at + 1);
    round.iter().cycle().skip(behind).take(round.len()).copied().find(may)
}

impl Incident {
    /// Who was asked of the current step by turns in this round of the policy.
    fn asked_now(&self) -> &[Target] {
        let asked = self.asked.as_ref();
        let current = asked.filter(|asked| (asked.step, asked.loop_no) == (self.step, self.loop_no));
        current.map(|asked| asked.targets.as_slice()).unwrap_or_default()
    }

    /// The targets that the current step asks, and whether the hub is to draw one of them.
    pub(crate) fn to_ask(&self) -> (Vec<Target>, bool) {
        let Some(step) = self.policy.steps.get(self.step) else { return (Vec::new(), false) };
        match (step.strategy, self.asked_now().last()) {
            (Strategy::RoundRobin, Some(theirs)) => (vec![*theirs], false),
            (Strategy::RoundRobin, None) if step.targets.len() > 1 => (step.targets.clone(), true),
            _ => (step.targets.clone(), false),
        }
    }

    /// Those of the current step's round who were not asked yet, where somebody was.
    pub(crate) fn left_to_ask(&self) -> Vec<Target> {
        let asked = self.asked_now();
        let round = self.policy.steps.get(self.step).map(|step| step.targets.as_slice()).unwrap_or_default();
        if asked.is_empty() {
            return Vec::new();
        }
        round.iter().copied().filter(|target| !asked.contains(target)).collect()
    }
}

impl Turn {
    /// The hub has drawn this one of a step's round. Of several that were due together, only the last is still asked.
    pub fn drawn(&mut self, (step, loop_no): (usize, u32), target: Target, text: String) {
        let incident = &mut self.incident;
        if (step, loop_no) == (incident.step, incident.loop_no) {
            let mut targets = incident.asked_now().to_vec();
            targets.push(target);
            incident.asked = Some(Asked { step, loop_no, targets });
        }
        incident.paged.insert(target);
        let data = json!({ "step": step, "loop": loop_no, "target": target });
        self.say(TimelineKind::Turn, &Actor::System, text, data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_follows_the_one_before_and_who_left_the_round_is_not_waited_for() {
        let all = |_: &char| true;
        let round = ['a', 'b', 'c'];
        assert_eq!(in_turn(&round, None, all), Some('a'));
        assert_eq!(in_turn(&round, Some('a'), all), Some('b'));
        assert_eq!(in_turn(&round, Some('c'), all), Some('a'));
        assert_eq!(in_turn(&round, Some('x'), all), Some('a'));
        assert_eq!(in_turn(&round, Some('a'), |one| *one != 'b'), Some('c'));
        assert_eq!(in_turn(&round, Some('a'), |one| *one == 'a'), Some('a'));
        assert_eq!(in_turn(&round, Some('a'), |_| false), None);
        assert_eq!(in_turn(&[], Some('a'), all), None);
    }
}
