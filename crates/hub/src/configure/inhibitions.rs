//! Inhibitions: nobody is paged for what follows from something else that is wrong.

use std::collections::BTreeSet;

use watchtower_api_types as api;
use watchtower_matchers::Matchers;
use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{Id, InhibitionId, check_line, is_label_name};
use watchtower_store::Stored;

use super::{Noun, named};
use crate::access::Principal;
use crate::error::HubError;
use crate::objects::InhibitionBody;
use crate::{Hub, Objects, quiet};

/// Labels that must be equal.
const EQUAL_MAX: usize = 32;

pub struct Inhibitions;

/// A cause has something that says so: else every alert would be one.
fn source(text: &str) -> Result<String, HubError> {
    let matchers: Matchers = text.parse().map_err(|e| HubError::invalid("source", e))?;
    if matchers.all_match_empty() {
        let text =
            "would match every alert: name a label that causes have, such as alertname=\"Server lost\"";
        return Err(HubError::invalid("source", text));
    }
    Ok(matchers.to_string())
}

/// What follows may be all that is not the cause.
fn target(text: &str) -> Result<String, HubError> {
    let matchers: Matchers = text.parse().map_err(|e| HubError::invalid("target", e))?;
    if matchers.is_empty() {
        let text = "must not be empty: say what is not the cause, such as alertname!=\"Server lost\"";
        return Err(HubError::invalid("target", text));
    }
    Ok(matchers.to_string())
}

fn equal(names: Vec<String>) -> Result<Vec<String>, HubError> {
    let refused = |text: String| Err(HubError::invalid("equal", text));
    if names.len() > EQUAL_MAX {
        return refused(format!("at most {EQUAL_MAX} labels"));
    }
    if let Some(name) = names.iter().find(|name| !is_label_name(name)) {
        return refused(format!("{name:?} is not the name of a label"));
    }
    if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
        return refused("names a label twice".into());
    }
    Ok(names)
}

impl Noun for Inhibitions {
    type Body = InhibitionBody;
    type Input = api::InhibitionInput;
    type View = api::Inhibition;

    const FOR_RESTRICTED: bool = true;

    fn list(objects: &Objects) -> &[Stored<InhibitionBody>] {
        &objects.inhibitions
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<InhibitionBody>> {
        &mut objects.inhibitions
    }

    fn body(
        _: &Hub,
        by: &Principal,
        _: Id,
        mut input: api::InhibitionInput,
        old: Option<&Stored<InhibitionBody>>,
    ) -> Result<InhibitionBody, HubError> {
        named(&input.name)?;
        input.source = source(&input.source)?;
        input.target = target(&input.target)?;
        input.equal = equal(input.equal)?;
        check_line(&input.comment, LINE_BYTES_MAX).map_err(|e| HubError::invalid("comment", e))?;
        Ok(InhibitionBody {
            input,
            created_by: old.map_or_else(|| by.name.clone(), |old| old.body.created_by.clone()),
            servers: match old {
                Some(old) => old.body.servers.clone(),
                None => by.servers.as_ref().map(Matchers::to_string),
            },
        })
    }

    async fn view(hub: &Hub, stored: &Stored<InhibitionBody>, _: bool) -> Result<api::Inhibition, HubError> {
        let InhibitionBody { input, created_by, servers } = stored.body.clone();
        let (open_sources, inhibited_alerts) = quiet::inhibited(hub, stored.id).await?;
        Ok(api::Inhibition {
            id: InhibitionId(stored.id),
            name: input.name,
            source: input.source,
            target: input.target,
            equal: input.equal,
            comment: input.comment,
            enabled: input.enabled,
            created_by,
            servers,
            open_sources,
            inhibited_alerts,
            created_at: stored.created_at.into(),
        })
    }

    /// The clockwork may never have seen what was changed again at once.
    async fn changed(
        hub: &Hub,
        _: &Stored<InhibitionBody>,
        _: Option<&InhibitionBody>,
    ) -> Result<(), HubError> {
        quiet::settle(hub).await
    }

    /// Who is restricted to some servers changes what concerns those alone.
    fn check_change(by: &Principal, stored: &Stored<InhibitionBody>) -> Result<(), HubError> {
        match &by.servers {
            Some(own) if stored.body.servers.as_deref() != Some(own.to_string().as_str()) => {
                Err(HubError::Forbidden("it concerns servers that you are not responsible for".into()))
            }
            _ => Ok(()),
        }
    }
}
