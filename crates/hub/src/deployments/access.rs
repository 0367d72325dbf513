//! The secrets of a batch, from what was sent and from what is saved.

use watchtower_api_types::SshAccess;
use watchtower_deploy::{Credentials, Key, Secret};
use watchtower_model::CredentialId;

use super::credentials;
use crate::Hub;
use crate::error::HubError;

const KEY_BYTES_MAX: usize = 64 * 1024;
const PASSWORD_BYTES_MAX: usize = 1024;
/// Shorter texts occur by chance: they are not searched for in what a host prints.
const MASKED_BYTES_MIN: usize = 4;

/// By which right hosts are entered and changed.
#[derive(Clone, Default)]
pub(super) struct Access {
    pub key: Option<Key>,
    pub password: Option<Secret>,
    pub sudo_password: Option<Secret>,
    /// The saved one it comes from.
    pub credential: Option<CredentialId>,
    /// Whether all of it can be had again from what is saved.
    pub saved: bool,
    /// The saved credential's user.
    pub user: Option<String>,
}

impl Access {
    /// What to offer when signing in.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            keys: self.key.iter().cloned().collect(),
            agent_socket: None,
            password: self.password.clone(),
        }
    }

    /// For sudo: the sign-in's own password when no other was given.
    pub fn for_sudo(&self) -> Option<Secret> {
        self.sudo_password.clone().or_else(|| self.password.clone())
    }

    fn is_empty(&self) -> bool {
        self.key.is_none() && self.password.is_none()
    }

    /// `text` without the secrets: a host may print what it was told.
    pub fn mask(&self, text: &str) -> String {
        let passphrase = self.key.as_ref().and_then(|key| key.passphrase.as_ref());
        let secrets = [self.password.as_ref(), self.sudo_password.as_ref(), passphrase];
        secrets
            .into_iter()
            .flatten()
            .filter(|secret| secret.reveal().len() >= MASKED_BYTES_MIN)
            .fold(text.to_string(), |text, secret| text.replace(secret.reveal(), "***"))
    }

    /// Everything that is saved under a credential.
    pub async fn of_saved(hub: &Hub, id_or_name: &str) -> Result<Access, HubError> {
        let row = credentials::find(hub, id_or_name).await?;
        let sealed = credentials::open(hub, &row)?;
        let secret = |text: Option<String>| text.map(Secret::new);
        Ok(Access {
            key: sealed.private_key.map(|text| Key {
                name: row.name.clone(),
                text: Secret::new(text),
                passphrase: secret(sealed.passphrase),
            }),
            password: secret(sealed.password),
            sudo_password: secret(sealed.sudo_password),
            credential: Some(row.id),
            saved: true,
            user: Some(row.user_name),
        })
    }
}

/// What was sent, over what is saved. `required` refuses an access that could not sign in anywhere.
pub(super) async fn access(hub: &Hub, ssh: &SshAccess, required: bool) -> Result<Access, HubError> {
    check_sizes(ssh)?;
    let mut access = match &ssh.credential {
        Some(name) => Access::of_saved(hub, name).await?,
        None => Access::default(),
    };
    let given = |text: &Option<String>| text.as_ref().filter(|text| !text.is_empty()).map(Secret::new);
    if let Some(text) = given(&ssh.private_key) {
        let passphrase = given(&ssh.passphrase);
        access.key = Some(Key { name: "that was given".into(), text, passphrase });
        access.saved = false;
    }
    for (field, sent) in
        [(&mut access.password, &ssh.password), (&mut access.sudo_password, &ssh.sudo_password)]
    {
        if let Some(secret) = given(sent) {
            *field = Some(secret);
            access.saved = false;
        }
    }
    if required && access.is_empty() {
        return Err(HubError::invalid(
            "ssh",
            "has no way to sign in: give private_key, password, or the name of a saved credential",
        ));
    }
    Ok(access)
}

fn check_sizes(ssh: &SshAccess) -> Result<(), HubError> {
    let fields = [
        ("ssh.private_key", &ssh.private_key, KEY_BYTES_MAX),
        ("ssh.passphrase", &ssh.passphrase, PASSWORD_BYTES_MAX),
        ("ssh.password", &ssh.password, PASSWORD_BYTES_MAX),
        ("ssh.sudo_password", &ssh.sudo_password, PASSWORD_BYTES_MAX),
    ];
    for (field, text, max) in fields {
        check_secret(field, text.as_deref(), max)?;
    }
    Ok(())
}

fn check_secret(field: &str, text: Option<&str>, max: usize) -> Result<(), HubError> {
    match text {
        Some(text) if text.len() > max => {
            Err(HubError::invalid(field, format!("is longer than {max} bytes")))
        }
        Some(text) if max == PASSWORD_BYTES_MAX && text.contains(['\n', '\r', '\0']) => {
            Err(HubError::invalid(field, "must be one line"))
        }
        _ => Ok(()),
    }
}

/// The same bounds for what is to be saved.
pub(super) fn check_saved(input: &watchtower_api_types::CredentialInput) -> Result<(), HubError> {
    check_secret("private_key", input.private_key.as_deref(), KEY_BYTES_MAX)?;
    for (field, text) in [
        ("passphrase", &input.passphrase),
        ("password", &input.password),
        ("sudo_password", &input.sudo_password),
    ] {
        check_secret(field, text.as_deref(), PASSWORD_BYTES_MAX)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_are_printed() {
        let access = Access {
            password: Some(Secret::new("hunter2!")),
            sudo_password: Some(Secret::new("abc")),
            ..Access::default()
        };
        assert_eq!(access.mask("sudo: hunter2!: abc hunter2!"), "sudo: ***: abc ***");
        assert!(access.for_sudo().is_some_and(|secret| secret.reveal() == "abc"));
    }
}
