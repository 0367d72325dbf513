//! Values of parameters that a script calls secret: sealed with the master key in an automation's document, and in what is stored of a run.
//!
//! Invariant: the database never holds one in the clear, and none longer than its run. What is stored before a script called a parameter
//! secret is sealed when it does, and when a hub starts.

use std::collections::BTreeMap;

use watchtower_model::{AutomationId, Id, RunId, ScriptId};
use watchtower_protocol::RunScript;
use watchtower_store::{RunRow, Store};

use crate::Hub;
use crate::error::HubError;
use crate::objects::AutomationBody;

pub type Values = BTreeMap<String, String>;

/// Documents and runs that are looked at in one go.
const AT_ONCE: i64 = 100;
/// Meta: what earlier builds stored of runs was sealed.
const RUNS_SEALED: &str = "run_secrets_sealed";

fn internal(error: impl std::fmt::Display) -> HubError {
    HubError::Internal(format!("secret values: {error}"))
}

fn seal(hub: &Hub, context: &str, values: &Values) -> Result<String, HubError> {
    let plain = serde_json::to_vec(values).map_err(internal)?;
    hub.keys.sealer.seal(context, &plain).map_err(internal)
}

fn open(hub: &Hub, context: &str, sealed: &str) -> Result<Values, HubError> {
    serde_json::from_slice(&hub.keys.sealer.open(context, sealed).map_err(internal)?).map_err(internal)
}

fn of_automation(id: AutomationId) -> String {
    format!("automation:{id}")
}

fn of_run(id: RunId) -> String {
    format!("run:{id}")
}

/// Takes the secret ones out of an automation's values: those that stay readable, and the others sealed.
pub fn part(
    hub: &Hub,
    id: AutomationId,
    mut values: Values,
    secret: impl Fn(&str) -> bool,
) -> Result<(Values, Option<String>), HubError> {
    let secrets: Values = values.extract_if(.., |name, _| secret(name)).collect();
    let sealed = if secrets.is_empty() { None } else { Some(seal(hub, &of_automation(id), &secrets)?) };
    Ok((values, sealed))
}

/// The sealed values of an automation.
pub fn sealed_of(hub: &Hub, id: AutomationId, body: &AutomationBody) -> Result<Values, HubError> {
    body.sealed.as_ref().map_or(Ok(Values::new()), |sealed| open(hub, &of_automation(id), sealed))
}

/// All values of an automation, the secret ones too.
pub fn values_of(hub: &Hub, id: AutomationId, body: &AutomationBody) -> Result<Values, HubError> {
    let mut values = body.parameters.clone();
    values.extend(sealed_of(hub, id, body)?);
    Ok(values)
}

/// A run's command as it is stored: the names of its secrets without their values, and these sealed; empty when there are none.
pub(super) fn conceal(hub: &Hub, id: RunId, command: &RunScript) -> Result<(RunScript, String), HubError> {
    let mut stored = command.clone();
    let mut secrets = Values::new();
    for (name, value) in stored.environment.iter_mut().filter(|(name, _)| command.secrets.contains(name)) {
        secrets.insert(name.clone(), std::mem::take(value));
    }
    let sealed = if secrets.is_empty() { String::new() } else { seal(hub, &of_run(id), &secrets)? };
    Ok((stored, sealed))
}

/// A run's command as it is sent.
pub fn reveal(hub: &Hub, run: &RunRow) -> Result<RunScript, HubError> {
    let mut command: RunScript = serde_json::from_str(&run.body).map_err(internal)?;
    if !run.sealed.is_empty() {
        command.environment.extend(open(hub, &of_run(run.id), &run.sealed)?);
    }
    Ok(command)
}

/// Seals what earlier builds stored readable. Once for runs; for automations also what a script has called secret since.
pub(crate) async fn seal_readable(hub: &Hub) -> Result<(), HubError> {
    seal_automations(hub).await?;
    if hub.store.meta(RUNS_SEALED).await?.is_none() {
        seal_runs(hub).await?;
        hub.store.set_meta(RUNS_SEALED, "1").await?;
    }
    Ok(())
}

/// Seals values of automations that are secret by their scripts and were not when they were saved, in every version.
pub(crate) async fn seal_automations(hub: &Hub) -> Result<(), HubError> {
    let mut sealed = 0;
    for past in [false, true] {
        let mut after = (Id::NIL, 0);
        loop {
            let found = hub.store.documents::<AutomationBody>(past, after, AT_ONCE).await?;
            let Some(last) = found.last() else { break };
            after = (last.id, last.version);
            let mut statements = Vec::new();
            for document in &found {
                let body: AutomationBody = serde_json::from_str(&document.text).map_err(internal)?;
                if let Some(body) = sealed_anew(hub, document.id.into(), body)? {
                    let text = serde_json::to_string(&body).map_err(internal)?;
                    statements.push(Store::rewrite_document(document, text));
                }
            }
            sealed += statements.len();
            hub.store.commit(statements).await?;
        }
    }
    if sealed > 0 {
        tracing::info!(documents = sealed, "secret values of automations are sealed now");
        hub.reload_objects().await?;
    }
    Ok(())
}

/// With all its secret values sealed, unless they were. Of a script that is gone it is not known which are.
fn sealed_anew(
    hub: &Hub,
    id: AutomationId,
    body: AutomationBody,
) -> Result<Option<AutomationBody>, HubError> {
    let objects = hub.objects();
    let parameters = objects.script(ScriptId(body.script_id.0)).map(|script| &script.body.parameters);
    let secret = |name: &str| {
        parameters.is_none_or(|all| all.iter().any(|parameter| parameter.secret && parameter.name == name))
    };
    if !body.parameters.keys().any(|name| secret(name)) {
        return Ok(None);
    }
    let before = sealed_of(hub, id, &body)?;
    let mut values = body.parameters.clone();
    values.extend(before.clone());
    let (parameters, sealed) = part(hub, id, values, |name| before.contains_key(name) || secret(name))?;
    Ok(Some(AutomationBody { parameters, sealed, ..body }))
}

/// Of runs that have ended the values go, of others they are sealed.
async fn seal_runs(hub: &Hub) -> Result<(), HubError> {
    let mut after = 0;
    loop {
        let found = hub.store.runs_with_secret_names(after, AT_ONCE).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.number;
        let mut statements = Vec::new();
        for run in found.iter().filter(|run| run.sealed.is_empty()) {
            let command: RunScript = serde_json::from_str(&run.body).map_err(internal)?;
            let (stored, sealed) = conceal(hub, run.id, &command)?;
            let sealed = if run.finished_at.is_some() { String::new() } else { sealed };
            statements.push(Store::conceal_run(
                run,
                &serde_json::to_string(&stored).map_err(internal)?,
                &sealed,
            ));
        }
        hub.store.commit(statements).await?;
    }
}
