//! Saved SSH credentials: sealed for their own id, opened only to sign in.

use serde::{Deserialize, Serialize};
use watchtower_api_types::{CredentialInput, CredentialKind};
use watchtower_model::{CredentialId, check_name};
use watchtower_store::{CredentialRow, DbError, Store};

use super::access::check_saved;
use super::request::check_user;
use crate::error::HubError;
use crate::{Hub, random};

/// Saved credentials of one hub.
const CREDENTIALS_MAX: usize = 200;

/// What is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    pub private_key: Option<String>,
    pub passphrase: Option<String>,
    pub password: Option<String>,
    pub sudo_password: Option<String>,
}

fn sealed_for(id: CredentialId) -> String {
    format!("credential:{id}")
}

pub async fn create(hub: &Hub, input: CredentialInput, by: &str) -> Result<CredentialRow, HubError> {
    check_name(&input.name).map_err(|e| HubError::invalid("name", e))?;
    check_user("user", &input.user)?;
    check_saved(&input)?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (private_key, password) = (filled(input.private_key), filled(input.password));
    let kind = match (&private_key, &password) {
        (Some(_), None) => CredentialKind::Key,
        (None, Some(_)) => CredentialKind::Password,
        _ => return Err(HubError::invalid("private_key", "give either private_key or password")),
    };
    if hub.store.credentials().await?.len() >= CREDENTIALS_MAX {
        return Err(HubError::Conflict(format!("there are {CREDENTIALS_MAX} saved credentials already")));
    }
    let id = CredentialId(random::id(hub.now()));
    let secrets = Sealed {
        private_key,
        passphrase: filled(input.passphrase),
        password,
        sudo_password: filled(input.sudo_password),
    };
    let text = serde_json::to_vec(&secrets).map_err(|e| HubError::Internal(e.to_string()))?;
    let sealed =
        hub.keys.sealer.seal(&sealed_for(id), &text).map_err(|e| HubError::Internal(e.to_string()))?;
    let row = CredentialRow {
        id,
        name: input.name,
        kind: kind.as_str().into(),
        user_name: input.user,
        sealed,
        created_by: by.into(),
        created_at: hub.now(),
        last_used_at: None,
    };
    hub.store.commit(vec![Store::insert_credential(&row)]).await.map_err(|error| match error {
        DbError::Unique(_) => HubError::Conflict(format!("a credential named {:?} exists already", row.name)),
        error => error.into(),
    })?;
    Ok(row)
}

/// By id or name.
pub async fn find(hub: &Hub, id_or_name: &str) -> Result<CredentialRow, HubError> {
    let found = hub.store.find_credential(id_or_name).await?;
    found.ok_or_else(|| HubError::not_found("credential", id_or_name))
}

pub async fn delete(hub: &Hub, id: CredentialId) -> Result<(), HubError> {
    hub.store.commit(vec![Store::delete_credential(id)]).await?;
    Ok(())
}

pub(super) fn open(hub: &Hub, row: &CredentialRow) -> Result<Sealed, HubError> {
    let opened = hub.keys.sealer.open(&sealed_for(row.id), &row.sealed);
    let bytes = opened.map_err(|error| {
        HubError::Conflict(format!("credential {:?} cannot be opened ({error}): save it again", row.name))
    })?;
    serde_json::from_slice(&bytes).map_err(|e| HubError::Internal(e.to_string()))
}
