//! An approver's signature on a script: stored with the version it was made for, handed on with its runs.
//!
//! Invariant: the hub cannot approve anything; who counts as an approver is for each server's own policy to say.

use watchtower_api_types as api;
use watchtower_model::limits::SIGNATURE_BYTES_MAX;
use watchtower_model::{
    APPROVAL_NAMESPACE, MANIFEST_FORMAT, Manifest, ParameterKind, ParameterRule, Timestamp,
};
use watchtower_protocol::{Approval, verify_ssh};
use watchtower_store::{Store, objects as stored};

use super::{Scripts, find, save, scripts};
use crate::Hub;
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::{ScriptApproval, ScriptBody};

/// Checks that the signature is one, over a manifest of just this script, and makes it a new version.
pub async fn approve(
    hub: &Hub,
    by: &Principal,
    id_or_name: &str,
    input: api::ApprovalInput,
) -> Result<api::Script, HubError> {
    let old = find::<Scripts>(hub, id_or_name)?;
    Manifest::check_size(&input.manifest).map_err(|why| HubError::invalid("manifest", why))?;
    if input.signature.len() > SIGNATURE_BYTES_MAX {
        return Err(HubError::invalid("signature", format!("at most {SIGNATURE_BYTES_MAX} bytes")));
    }
    let key = verify_ssh(&input.signature, APPROVAL_NAMESPACE, input.manifest.as_bytes())
        .map_err(|why| HubError::invalid("signature", why))?;
    let manifest: Manifest =
        serde_json::from_str(&input.manifest).map_err(|why| HubError::invalid("manifest", why))?;
    if manifest.expires_at <= hub.now() {
        return Err(HubError::invalid("manifest", "has expired: sign the script again"));
    }
    if let Some(field) = differs(&manifest, &old.body) {
        let text = format!("{field} is not the script's: somebody changed it meanwhile; sign it again");
        return Err(HubError::invalid("manifest", text));
    }
    let approval = ScriptApproval {
        manifest: input.manifest,
        signature: input.signature,
        key: key.fingerprint(),
        expires_at: manifest.expires_at,
    };
    let body = ScriptBody { approval: Some(approval), ..old.body.clone() };
    let now = hub.now();
    let mut statements = stored::update(old.id, old.version, &body, &by.name, now);
    statements.push(Store::insert_change("script", old.id, now));
    save::<Scripts>(hub, &by.name, "sign", &body.name, statements).await?;
    Ok(scripts::view(&find::<Scripts>(hub, &old.id.to_string())?))
}

/// What of an earlier version's approval still holds for this one: all, or nothing.
pub(super) fn kept(old: Option<&ScriptBody>, new: &ScriptBody) -> Option<ScriptApproval> {
    let approval = old?.approval.clone()?;
    let manifest: Manifest = serde_json::from_str(&approval.manifest).ok()?;
    differs(&manifest, new).is_none().then_some(approval)
}

/// What agents get of it, while it holds.
pub fn for_agents(body: &ScriptBody, now: Timestamp) -> Option<Approval> {
    let approval = body.approval.as_ref().filter(|approval| approval.expires_at >= now)?;
    Some(Approval { manifest: approval.manifest.clone(), signature: approval.signature.clone() })
}

/// The first field in which a manifest and a script are not the same.
fn differs(manifest: &Manifest, body: &ScriptBody) -> Option<&'static str> {
    let rules: Vec<ParameterRule> = body.parameters.iter().map(rule_of).collect();
    let same = [
        ("format", manifest.format == MANIFEST_FORMAT),
        ("name", manifest.name == body.name),
        ("sha256", manifest.sha256 == body.sha256),
        ("interpreter", manifest.interpreter == body.interpreter),
        ("parameters", manifest.parameters == rules),
        ("user", manifest.user == body.user),
        ("timeout_ms", manifest.timeout_ms >= body.timeout_ms as u64),
    ];
    same.iter().find(|(_, same)| !same).map(|(field, _)| *field)
}

/// What holds a parameter's values to its kind, here and on the servers.
pub fn rule_of(parameter: &api::Parameter) -> ParameterRule {
    ParameterRule {
        name: parameter.name.clone(),
        kind: match parameter.kind {
            api::ParameterKind::Text => ParameterKind::Text,
            api::ParameterKind::Integer => ParameterKind::Integer,
            api::ParameterKind::Boolean => ParameterKind::Boolean,
            api::ParameterKind::Choice => ParameterKind::Choice,
        },
        required: parameter.required,
        choices: parameter.choices.clone(),
    }
}
