//! What a firing is asked about: its servers, its script, and whether who stands behind it still may.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use watchtower_api_types::{AutomationMode, Overlap};
use watchtower_automation::{self as engine, FiringFacts, Mode};
use watchtower_matchers::Matchers;
use watchtower_model::{ScriptId, Timestamp};
use watchtower_protocol::RunScript;
use watchtower_store::{FiringRow, Stored};

use super::firing::Occasion;
use super::{halt, runs, secrets, standing};
use crate::Hub;
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::{AutomationBody, ScriptBody};
use crate::servers::Server;

/// Firings looked at for the rate: more than it allows.
const LATEST: i64 = 50;

/// The script as it would be sent.
pub(super) struct Work {
    pub script: (ScriptId, i64),
    pub name: String,
    pub command: RunScript,
}

pub(super) struct Targets {
    pub facts: FiringFacts,
    pub mode: Mode,
    pub overlap: engine::Overlap,
    pub ready: Vec<Arc<Server>>,
    pub left_out: Vec<String>,
    /// Absent with an identity refusal in the facts.
    pub work: Option<Work>,
    /// Who must not approve the run.
    pub person: String,
}

pub(super) async fn gather(hub: &Hub, occasion: &Occasion<'_>, now: Timestamp) -> Result<Targets, HubError> {
    let automation = &occasion.automation.body;
    let matching = select(hub, automation.on.as_deref().unwrap_or_default());
    let (ready, left_out) = split(hub, &matching, now);
    let who = occasion.by.as_ref().unwrap_or(&automation.person);
    let principal = standing::principal(hub, &occasion.authority, who).await?;
    let script = hub.store.object::<ScriptBody>(automation.script_id.0).await?;
    let four_eyes = script.as_ref().is_some_and(|script| script.body.needs_approval);
    let work = work(hub, occasion, script.as_ref(), now);
    let refusal = match (&work, &principal) {
        (Err(reason), _) | (_, Err(reason)) => Some(reason.clone()),
        (Ok(_), Ok(principal)) => refusal(principal, occasion, &matching),
    };
    // Where nobody demands two people, whoever made it may say yes to it. A team does not say yes: who saved it for the team is meant.
    let person = match (&occasion.by, principal) {
        (Some(_), Ok(principal)) => principal.person,
        (None, Ok(_)) if four_eyes => automation.person.clone(),
        _ => String::new(),
    };
    Ok(Targets {
        facts: FiringFacts {
            matching: matching.len() as u32,
            ready: ready.len() as u32,
            ..facts(hub, occasion, refusal).await?
        },
        mode: mode(automation.mode, four_eyes),
        overlap: overlap(automation.trigger.overlap),
        ready,
        left_out,
        work: work.ok(),
        person,
    })
}

/// An empty selector selects nothing.
fn select(hub: &Hub, on: &str) -> Vec<Arc<Server>> {
    match on.parse::<Matchers>() {
        Ok(matchers) if !matchers.is_empty() => hub.servers.select(&matchers),
        _ => Vec::new(),
    }
}

/// Servers with an agent that is not connected are among those that match.
pub(super) fn some_are_away(hub: &Hub, automation: &AutomationBody) -> bool {
    let away = |server: &Arc<Server>| {
        let agent = server.with(|state| state.agent_id);
        agent.is_some_and(|agent| hub.links.get(agent).is_none())
    };
    select(hub, automation.on.as_deref().unwrap_or_default()).iter().any(away)
}

/// Those that can take a run now, and the others with their reasons.
fn split(hub: &Hub, matching: &[Arc<Server>], now: Timestamp) -> (Vec<Arc<Server>>, Vec<String>) {
    let (mut ready, mut left_out) = (Vec::new(), Vec::new());
    for server in matching {
        let in_maintenance =
            server.with(|state| state.in_maintenance(now)).then(|| "is in maintenance".to_string());
        match in_maintenance.or_else(|| runs::unavailable(hub, server, false)) {
            None => ready.push(Arc::clone(server)),
            Some(reason) => left_out.push(format!("{} {reason}", server.with(|state| state.name.clone()))),
        }
    }
    (ready, left_out)
}

/// Why it may not do this to all of these servers, if so.
fn refusal(principal: &Principal, occasion: &Occasion<'_>, matching: &[Arc<Server>]) -> Option<String> {
    if matching.len() > runs::TARGETS_MAX {
        return Some(format!("{} servers match: at most {} may", matching.len(), runs::TARGETS_MAX));
    }
    let action = standing::action(principal, occasion.by.is_some());
    standing::refusal(principal, action, matching.iter().map(AsRef::as_ref))
}

fn work(
    hub: &Hub,
    occasion: &Occasion<'_>,
    script: Option<&Stored<ScriptBody>>,
    now: Timestamp,
) -> Result<Work, String> {
    let script = script.ok_or("its script was removed")?;
    let values = secrets::values_of(hub, occasion.id(), &occasion.automation.body)
        .map_err(|error| error.to_string())?;
    let environment = runs::check_parameters(&script.body.parameters, &values)
        .map_err(|error| format!("its parameters do not fit the script any more: {error}"))?;
    let mut command = runs::command_of(script, environment, None, now);
    command.environment.insert("WATCHTOWER_DUE_AT".into(), occasion.due_at.to_rfc3339());
    Ok(Work { script: (ScriptId(script.id), script.version), name: script.body.name.clone(), command })
}

async fn facts(
    hub: &Hub,
    occasion: &Occasion<'_>,
    identity_refusal: Option<String>,
) -> Result<FiringFacts, HubError> {
    let earlier = hub.store.firings_of(occasion.id(), LATEST).await?;
    let open = hub.store.open_firings().await?;
    let own = |row: &&FiringRow| row.automation_id == occasion.id() && row.due_at != occasion.due_at;
    let (running, waiting): (Vec<_>, Vec<_>) = open.iter().filter(own).partition(|row| row.run_id.is_some());
    Ok(FiringFacts {
        halted: halt::check(hub).err().map(|error| error.to_string()),
        hub_may_be_cut_off: hub.cut_off.load(Ordering::Relaxed),
        identity_refusal,
        matching: 0,
        ready: 0,
        under_way: running.len() as u32,
        waiting: waiting.len() as u32,
        recent_starts: earlier.iter().filter(|row| row.run_id.is_some()).map(|row| row.created_at).collect(),
        breaker: occasion.automation.body.breaker,
    })
}

/// A script that asks for approval is not started without by the clock either.
fn mode(mode: AutomationMode, four_eyes: bool) -> Mode {
    match mode {
        AutomationMode::Observe => Mode::Observe,
        AutomationMode::Auto if !four_eyes => Mode::Auto,
        AutomationMode::Approve | AutomationMode::Auto => Mode::Approve,
    }
}

fn overlap(overlap: Option<Overlap>) -> engine::Overlap {
    match overlap {
        None | Some(Overlap::Skip) => engine::Overlap::Skip,
        Some(Overlap::Queue) => engine::Overlap::Queue,
        Some(Overlap::Allow) => engine::Overlap::Allow,
    }
}
