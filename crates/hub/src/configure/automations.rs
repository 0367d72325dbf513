//! Automations as people write them.

use std::collections::BTreeMap;

use watchtower_api_types as api;
use watchtower_api_types::AttemptState;
use watchtower_automation::Breaker;
use watchtower_matchers::Matchers;
use watchtower_model::{AutomationId, Id, ScriptId};
use watchtower_store::{AttemptRow, Statement, Store, Stored};

use super::{Noun, acting, cron, named, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::jobs::repair::AttemptBody;
use crate::jobs::{runs, secrets};
use crate::objects::{AutomationBody, ScriptBody, find};
use crate::{Hub, Objects};

const COOLDOWN_SECONDS: f64 = 900.0;
const ATTEMPTS: u32 = 2;
/// The engine watches at least this long, whatever is asked for.
const VERIFY_SECONDS_MIN: f64 = 120.0;
/// How far back the page of an automation looks.
const ATTEMPTS_SHOWN_MS: i64 = 30 * 86_400_000;
const ATTEMPTS_SHOWN: i64 = 500;
/// Due times of the past and of the future on the page of an automation.
const FIRINGS_SHOWN: i64 = 50;
const NEXT_SHOWN: usize = 5;

pub struct Automations;

impl Noun for Automations {
    type Body = AutomationBody;
    type Input = api::AutomationInput;
    type View = api::Automation;

    const INCIDENTAL: &[&str] = &["person", "sealed"];

    fn list(objects: &Objects) -> &[Stored<AutomationBody>] {
        &objects.automations
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<AutomationBody>> {
        &mut objects.automations
    }

    fn body(
        hub: &Hub,
        by: &Principal,
        id: Id,
        mut input: api::AutomationInput,
        old: Option<&Stored<AutomationBody>>,
    ) -> Result<AutomationBody, HubError> {
        named(&input.name)?;
        let objects = hub.objects();
        if input.trigger.cron.is_some() {
            cron::check(&mut input, hub.now())?;
        } else {
            check_trigger(&objects, &input.trigger)?;
            cron::refuse_fields(&input)?;
        }
        let script = find(&objects.scripts, &input.script).ok_or_else(|| {
            HubError::invalid("script", format!("script {:?} does not exist", input.script))
        })?;
        let kept = match old.filter(|old| old.body.script_id.0 == script.id) {
            Some(old) => keep_secrets(hub, id.into(), &mut input.parameters, script, &old.body)?,
            None => Vec::new(),
        };
        runs::check_parameters(&script.body.parameters, &input.parameters)?;
        let attempts = input.attempts_per_incident.unwrap_or(ATTEMPTS);
        if !(1..=20).contains(&attempts) {
            return Err(HubError::invalid("attempts_per_incident", "must be from 1 to 20"));
        }
        let cooldown = input.cooldown_seconds.unwrap_or(COOLDOWN_SECONDS);
        let verify = input
            .verify_within_seconds
            .map(|value| seconds("verify_within_seconds", value, VERIFY_SECONDS_MIN, 3600.0))
            .transpose()?;
        let authority = acting::chosen(hub, by, &input)?;
        let secret = |name: &str| {
            let declared = script.body.parameters.iter().any(|p| p.secret && p.name == name);
            declared || kept.iter().any(|kept| kept == name)
        };
        let (parameters, sealed) = secrets::part(hub, id.into(), input.parameters, secret)?;
        Ok(AutomationBody {
            name: input.name,
            enabled: input.enabled,
            trigger: input.trigger,
            script_id: ScriptId(script.id),
            parameters,
            sealed,
            mode: input.mode,
            cooldown_ms: seconds("cooldown_seconds", cooldown, 0.0, 7.0 * 86_400.0)?,
            attempts_per_incident: attempts,
            verify_within_ms: verify,
            breaker: old.map_or_else(Breaker::default, |old| old.body.breaker),
            created_by: old.map_or_else(|| by.name.clone(), |old| old.body.created_by.clone()),
            on: input.on,
            rollout: input.rollout,
            authority: authority.to_string(),
            person: by.person.clone(),
        })
    }

    fn saved(
        hub: &Hub,
        id: Id,
        old: Option<&Stored<AutomationBody>>,
        new: &AutomationBody,
    ) -> Vec<Statement> {
        cron::timetable(AutomationId(id), old.map(|old| &old.body), new, hub.now())
    }

    fn deleted(_: &Hub, stored: &Stored<AutomationBody>) -> Vec<Statement> {
        let id = AutomationId(stored.id);
        vec![Store::clear_due(id), Store::delete_firings_of(id)]
    }

    fn restrict(hub: &Hub, view: &mut api::Automation, servers: &Matchers) {
        view.attempts.retain(|attempt| {
            let server = hub.servers.get(attempt.server_id);
            server.is_some_and(|server| servers.matches(&server.with(|state| state.selector_labels())))
        });
        view.firings.iter_mut().for_each(cron::hide_servers);
    }

    async fn view(
        hub: &Hub,
        stored: &Stored<AutomationBody>,
        alone: bool,
    ) -> Result<api::Automation, HubError> {
        let body = stored.body.clone();
        let since = hub.now().plus_ms(-ATTEMPTS_SHOWN_MS);
        let shown = if alone { ATTEMPTS_SHOWN } else { 1 };
        let mut attempts = Vec::new();
        for row in hub.store.attempts_since(AutomationId(stored.id), since, shown).await? {
            attempts.push(view_attempt(hub, &row).await?);
        }
        let (words, next) = cron::shown(&body, if alone { NEXT_SHOWN } else { 1 }, hub.now());
        let firings = cron::firings(hub, stored, if alone { FIRINGS_SHOWN } else { 1 }).await?;
        let objects = hub.objects();
        let script = objects.script(body.script_id).map(|script| &script.body);
        let stands_for = Some(acting::stands_for(&objects.teams, &body));
        let team = acting::team_of(&objects.teams, &body).map(|team| team.body.0.name.clone());
        Ok(api::Automation {
            id: AutomationId(stored.id),
            name: body.name,
            enabled: body.enabled,
            trigger: body.trigger,
            script_id: body.script_id,
            script: script.map(|script| script.name.clone()).unwrap_or_default(),
            parameters: without_secrets(body.parameters, script.map(|script| script.parameters.as_slice())),
            mode: body.mode,
            cooldown_seconds: body.cooldown_ms as f64 / 1000.0,
            attempts_per_incident: body.attempts_per_incident,
            verify_within_seconds: body.verify_within_ms.map(|ms| ms as f64 / 1000.0),
            breaker_open: body.breaker.opened_at.is_some(),
            created_by: body.created_by,
            created_at: stored.created_at.into(),
            attempts,
            on: body.on,
            rollout: body.rollout,
            stands_for,
            team,
            words,
            next,
            firings,
        })
    }
}

/// What is not shown cannot be sent back: a secret that is left out, or empty, stays as it was. The names of those that do.
fn keep_secrets(
    hub: &Hub,
    id: AutomationId,
    given: &mut BTreeMap<String, String>,
    script: &Stored<ScriptBody>,
    old: &AutomationBody,
) -> Result<Vec<String>, HubError> {
    let left_out = |name: &String| {
        let known = script.body.parameters.iter().any(|parameter| parameter.name == *name);
        known && given.get(name).is_none_or(String::is_empty)
    };
    // Only what is to be kept has to be opened: what cannot be is written anew.
    let any = script.body.parameters.iter().any(|parameter| left_out(&parameter.name));
    let old = if any { secrets::sealed_of(hub, id, old)? } else { BTreeMap::new() };
    let kept: BTreeMap<String, String> = old.into_iter().filter(|(name, _)| left_out(name)).collect();
    let names = kept.keys().cloned().collect();
    given.extend(kept);
    Ok(names)
}

/// Of a script that is gone it is not known which values were secret: none are shown.
fn without_secrets(
    mut values: BTreeMap<String, String>,
    parameters: Option<&[api::Parameter]>,
) -> BTreeMap<String, String> {
    let open = |name: &str| parameters.is_some_and(|all| all.iter().any(|p| p.name == name && !p.secret));
    values.retain(|name, _| open(name));
    values
}

fn check_trigger(objects: &Objects, trigger: &api::AutomationTrigger) -> Result<(), HubError> {
    if let Some(rule) = trigger.rule_id
        && objects.rule(rule).is_none()
    {
        return Err(HubError::invalid("trigger.rule_id", "this rule does not exist"));
    }
    match (&trigger.rule_id, &trigger.matchers) {
        (None, None) => Err(HubError::invalid("trigger", "needs a rule_id, matchers or cron")),
        (_, Some(text)) => {
            let matchers: Matchers = text.parse().map_err(|e| HubError::invalid("trigger.matchers", e))?;
            if matchers.is_empty() && trigger.rule_id.is_none() {
                return Err(HubError::invalid(
                    "trigger.matchers",
                    "must not be empty: it would act on every alert",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn view_gate(gate: &watchtower_automation::Gate) -> api::Gate {
    let name = serde_json::to_value(gate.name).ok();
    api::Gate {
        name: name.and_then(|name| name.as_str().map(String::from)).unwrap_or_default(),
        passed: gate.passed,
        reason: gate.reason.clone(),
    }
}

/// One attempt as the API shows it.
pub async fn view_attempt(hub: &Hub, row: &AttemptRow) -> Result<api::Attempt, HubError> {
    let body: AttemptBody = serde_json::from_str(&row.body).map_err(|e| HubError::Internal(e.to_string()))?;
    let incident = match row.incident_id {
        Some(id) => hub.store.incident(id).await?.map(|incident| incident.number),
        None => None,
    };
    let run = match row.run_id {
        Some(id) => hub.store.run(id).await?.map(|run| run.number),
        None => None,
    };
    Ok(api::Attempt {
        id: row.id.to_string(),
        automation_id: row.automation_id,
        server_id: row.server_id,
        server: hub
            .servers
            .get(row.server_id)
            .map(|server| server.with(|s| s.name.clone()))
            .unwrap_or_default(),
        incident_id: row.incident_id,
        incident_number: incident,
        state: row.state.parse().unwrap_or(AttemptState::Running),
        gates: body.gates.iter().map(view_gate).collect(),
        run_id: row.run_id,
        run_number: run,
        reason: body.reason,
        created_at: row.created_at.into(),
        finished_at: row.finished_at.map(Into::into),
    })
}
