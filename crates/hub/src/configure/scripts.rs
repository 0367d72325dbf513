//! Scripts: versioned text with typed parameters.

use watchtower_api_types as api;
use watchtower_api_types::ParameterKind;
use watchtower_model::{Id, ScriptId, check_line, limits};
use watchtower_store::Stored;

use super::{Noun, approval, named, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::jobs::runs::{TIMEOUT_MS_DEFAULT, TIMEOUT_MS_MAX, sha256};
use crate::jobs::secrets;
use crate::objects::ScriptBody;
use crate::{Hub, Objects};

const PARAMETERS_MAX: usize = 32;
const CHOICES_MAX: usize = 100;

pub struct Scripts;

impl Noun for Scripts {
    type Body = ScriptBody;
    type Input = api::ScriptInput;
    type View = api::Script;

    fn list(objects: &Objects) -> &[Stored<ScriptBody>] {
        &objects.scripts
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<ScriptBody>> {
        &mut objects.scripts
    }

    fn body(
        _: &Hub,
        _: &Principal,
        _: Id,
        input: api::ScriptInput,
        old: Option<&Stored<ScriptBody>>,
    ) -> Result<ScriptBody, HubError> {
        named(&input.name)?;
        check_line(&input.description, limits::LINE_BYTES_MAX)
            .map_err(|e| HubError::invalid("description", e))?;
        if input.body.is_empty() || input.body.len() > limits::SCRIPT_BYTES_MAX || input.body.contains('\0') {
            let text = format!("must have from 1 to {} bytes, none of them zero", limits::SCRIPT_BYTES_MAX);
            return Err(HubError::invalid("body", text));
        }
        let interpreter =
            if input.interpreter.is_empty() { vec!["/bin/sh".to_string()] } else { input.interpreter };
        check_interpreter(&interpreter)?;
        check_parameters(&input.parameters)?;
        if let Some(user) = &input.user {
            let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if user.is_empty() || user.starts_with('-') || user.len() > 32 || !user.chars().all(ok) {
                return Err(HubError::invalid("user", "is not a user name"));
            }
        }
        let timeout_ms = match input.timeout_seconds {
            Some(value) => seconds("timeout_seconds", value, 1.0, (TIMEOUT_MS_MAX / 1000) as f64)?,
            None => TIMEOUT_MS_DEFAULT,
        };
        let mut body = ScriptBody {
            name: input.name,
            description: input.description,
            sha256: sha256(&input.body),
            body: input.body,
            interpreter,
            parameters: input.parameters,
            timeout_ms,
            user: input.user,
            needs_approval: input.needs_approval,
            idempotent: input.idempotent,
            approval: None,
        };
        body.approval = approval::kept(old.map(|old| &old.body), &body);
        Ok(body)
    }

    async fn view(_: &Hub, stored: &Stored<ScriptBody>, _: bool) -> Result<api::Script, HubError> {
        Ok(view(stored))
    }

    /// What it calls secret from now on is sealed where it is stored already.
    async fn changed(hub: &Hub, _: &Stored<ScriptBody>, new: Option<&ScriptBody>) -> Result<(), HubError> {
        match new {
            Some(new) if new.parameters.iter().any(|parameter| parameter.secret) => {
                secrets::seal_automations(hub).await
            }
            _ => Ok(()),
        }
    }

    fn refuse_delete(hub: &Hub, stored: &Stored<ScriptBody>) -> Result<(), HubError> {
        match hub.objects().automations.iter().find(|automation| automation.body.script_id.0 == stored.id) {
            Some(automation) => {
                Err(HubError::Conflict(format!("automation {:?} runs this script", automation.body.name)))
            }
            None => Ok(()),
        }
    }
}

/// One version as the API shows it.
pub fn view(stored: &Stored<ScriptBody>) -> api::Script {
    let body = stored.body.clone();
    api::Script {
        id: ScriptId(stored.id),
        name: body.name,
        description: body.description,
        version: stored.version,
        body: body.body,
        sha256: body.sha256,
        interpreter: body.interpreter,
        parameters: body.parameters,
        timeout_seconds: body.timeout_ms as f64 / 1000.0,
        user: body.user,
        approval: body.approval.map(|approval| api::ScriptApproval {
            key: approval.key,
            expires_at: approval.expires_at.into(),
        }),
        needs_approval: body.needs_approval,
        idempotent: body.idempotent,
        updated_by: stored.changed_by.clone(),
        created_at: stored.created_at.into(),
        updated_at: stored.updated_at.into(),
    }
}

fn check_interpreter(interpreter: &[String]) -> Result<(), HubError> {
    let bad = |text: &str| Err(HubError::invalid("interpreter", text));
    if interpreter.len() > 8 {
        return bad("at most 8 words");
    }
    if !interpreter[0].starts_with('/') {
        return bad("must begin with an absolute path, such as /bin/sh");
    }
    match interpreter.iter().find_map(|word| check_line(word, 256).err()) {
        Some(error) => bad(&error.to_string()),
        None => Ok(()),
    }
}

fn check_parameters(parameters: &[api::Parameter]) -> Result<(), HubError> {
    if parameters.len() > PARAMETERS_MAX {
        return Err(HubError::invalid("parameters", format!("at most {PARAMETERS_MAX}")));
    }
    for (i, parameter) in parameters.iter().enumerate() {
        let field = |name: &str| format!("parameters[{i}].{name}");
        let name = &parameter.name;
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
        let rest = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !first || !rest || name.len() > 64 {
            return Err(HubError::invalid(field("name"), "must match [A-Z][A-Z0-9_]*"));
        }
        if name.starts_with("WATCHTOWER_")
            || name.starts_with("LD_")
            || matches!(name.as_str(), "PATH" | "HOME" | "LANG" | "IFS" | "ENV")
        {
            return Err(HubError::invalid(field("name"), "is reserved"));
        }
        if parameters[..i].iter().any(|other| other.name == *name) {
            return Err(HubError::invalid(field("name"), "occurs twice"));
        }
        if parameter.choices.len() > CHOICES_MAX
            || (parameter.kind == ParameterKind::Choice && parameter.choices.is_empty())
        {
            return Err(HubError::invalid(
                field("choices"),
                format!("needs from 1 to {CHOICES_MAX} choices"),
            ));
        }
        for text in parameter.choices.iter().chain(&parameter.default).chain([&parameter.description]) {
            check_line(text, limits::LINE_BYTES_MAX)
                .map_err(|e| HubError::invalid(format!("parameters[{i}]"), e))?;
        }
    }
    Ok(())
}
