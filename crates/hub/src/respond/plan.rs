//! Who would be paged, when and how, if an incident of a service began at an instant and nobody answered.

use watchtower_api_types as api;
use watchtower_incident::{PolicySnapshot, Step, Strategy, Target};
use watchtower_model::{ServiceId, Timestamp, Urgency};
use watchtower_store::Stored;

use super::rounds;
use super::snapshots::policy_for;
use super::targets::{self, Contact};
use crate::Hub;
use crate::error::HubError;
use crate::objects::ServiceBody;

/// The first round of the policy, with what is wrong with it.
pub async fn page_plan(
    hub: &Hub,
    service: &Stored<ServiceBody>,
    urgency: Urgency,
    at: Timestamp,
) -> Result<api::PagePlan, HubError> {
    let policy = policy_for(hub, ServiceId(service.id));
    let mut walk = Walk { hub, urgency, at, begins_ms: 0, messages: Vec::new(), warnings: Vec::new() };
    for (number, step) in policy.steps.iter().enumerate() {
        let asked = asked(hub, &policy, number).await?;
        walk.step(number, step, &asked, number + 1 < policy.steps.len() || policy.repeat > 0);
    }
    if policy.steps.is_empty() {
        walk.warnings.push("the service has no policy: only the catch-all channel is told".into());
    }
    walk.messages.sort_by(|a, b| a.after_seconds.total_cmp(&b.after_seconds).then(a.step.cmp(&b.step)));
    let then = walk.end(&policy);
    Ok(api::PagePlan {
        service: service.body.0.name.clone(),
        urgency,
        at: at.into(),
        messages: walk.messages,
        then,
        warnings: walk.warnings,
    })
}

/// Whom a step would ask, each with what leads there: of a step by turns, those of its round from the next one on.
struct Asked {
    targets: Vec<(Target, String)>,
    by_turns: bool,
}

async fn asked(hub: &Hub, policy: &PolicySnapshot, number: usize) -> Result<Asked, HubError> {
    let step = &policy.steps[number];
    let by_turns = step.strategy == Strategy::RoundRobin && step.targets.len() > 1;
    let first = if by_turns { rounds::next(hub, policy, number).await? } else { None };
    let from = step.targets.iter().position(|target| Some(*target) == first).unwrap_or(0);
    let all = rounds::describe_asked(hub, step.strategy, &step.targets);
    let words = |target: &Target| match targets::describe(hub, target) {
        one if by_turns => format!("{all}; next: {one}"),
        one => one,
    };
    let round = step.targets.iter().cycle().skip(from).take(step.targets.len());
    Ok(Asked { targets: round.map(|target| (*target, words(target))).collect(), by_turns })
}

struct Walk<'h> {
    hub: &'h Hub,
    urgency: Urgency,
    at: Timestamp,
    /// When the step begins, from the incident's beginning.
    begins_ms: i64,
    messages: Vec<api::PlannedMessage>,
    warnings: Vec<String>,
}

impl Walk<'_> {
    /// `more`: another step follows, which ends what its people wanted to be told later, unless they want it all the same.
    fn step(&mut self, number: usize, step: &Step, asked: &Asked, more: bool) {
        let at = self.at.plus_ms(self.begins_ms);
        let mut reached = false;
        for (target, words) in &asked.targets {
            let contacts = targets::contacts_of(self.hub, target, at, self.urgency);
            self.warn_of(number, target, at, &contacts);
            // Of a round, who cannot be reached gives way to the next.
            let told = !(asked.by_turns && reached);
            reached |= !contacts.is_empty();
            for contact in contacts.into_iter().filter(|_| told) {
                self.message(number, step, more, words, contact);
            }
        }
        if reached {
            self.begins_ms += step.delay_ms;
        } else {
            self.warnings.push(format!("step {} reaches nobody: the next begins at once", number + 1));
        }
    }

    fn message(&mut self, number: usize, step: &Step, more: bool, target: &str, contact: Contact) {
        let Contact { knock, user } = contact;
        let channel = self.hub.objects().channel(knock.channel).map(|one| one.body.name.clone());
        let channel = channel.unwrap_or_default();
        let person = user.map(|id| targets::describe(self.hub, &Target::User(id)));
        if more && knock.delay_ms >= step.delay_ms && !knock.to_completion {
            let who = person.unwrap_or_default();
            let text =
                format!("step {}: {who} is not told by {channel}, the next step begins before", number + 1);
            return self.warnings.push(text);
        }
        self.messages.push(api::PlannedMessage {
            after_seconds: (self.begins_ms + knock.delay_ms) as f64 / 1_000.0,
            step: number as u32 + 1,
            person,
            channel,
            channel_id: knock.channel,
            target: target.to_string(),
        });
    }

    fn warn_of(&mut self, number: usize, target: &Target, at: Timestamp, contacts: &[Contact]) {
        let named = targets::describe(self.hub, target);
        let users = targets::users_of(self.hub, target, at);
        if users.is_empty() && contacts.is_empty() {
            let why = match target {
                Target::Channel(_) => "it is switched off or was removed",
                Target::Schedule(_) => "nobody is on call then",
                Target::User(_) | Target::Team(_) => "there is nobody in it",
            };
            self.warnings.push(format!("step {}: {named} reaches nobody: {why}", number + 1));
        }
        for user in users.into_iter().filter(|id| contacts.iter().all(|contact| contact.user != Some(*id))) {
            let name = targets::describe(self.hub, &Target::User(user));
            self.warnings.push(format!("step {}: no channel that is switched on reaches {name}", number + 1));
        }
    }

    /// What happens when the steps are over.
    fn end(&mut self, policy: &PolicySnapshot) -> String {
        let rounds = match policy.repeat {
            0 => String::new(),
            n => format!("all steps {n} more time{}, then ", if n == 1 { "" } else { "s" }),
        };
        let channels: Vec<String> = targets::catch_all(self.hub)
            .into_iter()
            .map(|id| targets::describe(self.hub, &Target::Channel(id)))
            .collect();
        if channels.is_empty() {
            self.warnings.push("no catch-all channel hears that nobody answered".into());
            return format!("{rounds}nobody is told");
        }
        format!("{rounds}the catch-all: {}", channels.join(", "))
    }
}
