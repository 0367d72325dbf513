//! Steps by turns: whose turn it is, over all incidents of a policy and all hubs of a database.
//!
//! Invariant: a turn is written in the transaction of the page that it is for, over the very turn that was read. Of two hubs that page at
//! one instant one reads again, and asks the next; a page that was not stored took no turn.

use std::collections::HashMap;

use watchtower_incident::{Input, Page, PolicySnapshot, Strategy, Target, in_turn};
use watchtower_model::PolicyId;
use watchtower_store::{DbError, Statement, Store};

use super::targets::{describe, target_key};
use crate::Hub;

/// Who had the last turn of each step, as it was read and as it was drawn since.
#[derive(Default)]
pub(super) struct Rounds(HashMap<(PolicyId, usize), Option<String>>);

impl Rounds {
    /// Of all steps by turns of these policies.
    pub async fn read(hub: &Hub, policies: &[&PolicySnapshot]) -> Result<Rounds, DbError> {
        let mut rounds = Rounds::default();
        for policy in policies {
            let Some(id) = policy.id else { continue };
            let by_turns = |at: &usize| policy.steps[*at].strategy == Strategy::RoundRobin;
            for step in (0..policy.steps.len()).filter(by_turns) {
                rounds.0.insert((id, step), hub.store.last_in_round(id, step).await?);
            }
        }
        Ok(rounds)
    }

    /// Those that an incident of `policy` may need while these inputs move it.
    pub async fn for_inputs(hub: &Hub, policy: &PolicySnapshot, inputs: &[Input]) -> Result<Rounds, DbError> {
        let reopened = inputs.iter().filter_map(|input| match input {
            Input::Reopened(reopening) => Some(&reopening.policy),
            _ => None,
        });
        let policies: Vec<&PolicySnapshot> = std::iter::once(policy).chain(reopened).collect();
        Rounds::read(hub, &policies).await
    }

    /// Draws whom a page by turns asks, and what is stored of that.
    pub fn draw(&mut self, policy: &PolicySnapshot, page: &Page) -> Option<(Target, Option<Statement>)> {
        let round = policy.steps.get(page.step).map(|step| step.targets.as_slice()).unwrap_or_default();
        let last = policy.id.and_then(|id| self.0.get_mut(&(id, page.step)));
        let had = |last: &String| round.iter().copied().find(|target| target_key(target) == *last);
        let before = last.as_ref().and_then(|last| last.as_ref().and_then(had));
        let target = in_turn(round, before, |target| page.targets.contains(target))?;
        let statement = policy.id.zip(last).map(|(id, last)| {
            let next = target_key(&target);
            let statement = Store::take_turn_of_round(id, page.step, last.as_deref(), &next);
            *last = Some(next);
            statement
        });
        Some((target, statement))
    }
}

/// Whose turn is next of a step that nobody was asked of yet.
pub(super) async fn next(hub: &Hub, policy: &PolicySnapshot, step: usize) -> Result<Option<Target>, DbError> {
    let Some(round) = policy.steps.get(step).map(|step| step.targets.as_slice()) else { return Ok(None) };
    let last = match policy.id {
        Some(id) => hub.store.last_in_round(id, step).await?,
        None => None,
    };
    let had = last.and_then(|last| round.iter().copied().find(|target| target_key(target) == last));
    Ok(in_turn(round, had, |_| true))
}

/// In words, for people: `ann, ben`, or `one of ann, ben by turns`.
pub fn describe_asked(hub: &Hub, strategy: Strategy, targets: &[Target]) -> String {
    let names: Vec<String> = targets.iter().map(|target| describe(hub, target)).collect();
    match strategy {
        Strategy::RoundRobin if names.len() > 1 => format!("one of {} by turns", names.join(", ")),
        _ => names.join(", "),
    }
}
