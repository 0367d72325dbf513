//! The one-line installer: a script that holds everything the agent must trust.

use watchtower_model::ServerId;

use super::programs::Shipped;
use crate::error::HubError;
use crate::{Hub, random};

/// What to paste on the server. The pin fails on a wrong hub even with `-k`.
pub fn install_command(hub: &Hub, token: &str) -> String {
    let url = &hub.config.agent_url;
    format!(
        "curl -fsS -k --pinnedpubkey 'sha256//{}' {url}/install/{token} | sudo sh",
        hub.keys.live().certificate.leaf_pin
    )
}

/// The server that a token may still enrol.
pub async fn check_token(hub: &Hub, token: &str) -> Result<ServerId, HubError> {
    let row = hub.store.enrol_token(&random::hash_secret(token)).await?;
    let row = row.ok_or_else(|| HubError::not_found("enrolment token", "given"))?;
    if row.used_at.is_some() {
        return Err(HubError::Conflict("this installer was used already; make a new one".into()));
    }
    if row.expires_at <= hub.now() {
        return Err(HubError::Conflict("this installer has expired; make a new one".into()));
    }
    Ok(row.server_id)
}

/// The script for a valid token. Downloading it does not use the token.
pub async fn install_script(hub: &Hub, token: &str) -> Result<String, HubError> {
    let server = check_token(hub, token).await?;
    let mut checksums = String::new();
    for Shipped { arch, sha256, .. } in hub.config.programs.all() {
        checksums.push_str(&format!("  {arch}) sum={sha256} ;;\n"));
    }
    Ok(script(hub, token, server, &checksums))
}

fn script(hub: &Hub, token: &str, server: ServerId, checksums: &str) -> String {
    include_str!("install.sh")
        .replace("@SERVER@", &server.to_string())
        .replace("@URL@", &hub.config.agent_url)
        .replace("@PIN@", &hub.keys.live().certificate.leaf_pin)
        .replace("@TOKEN@", token)
        .replace("@CHECKSUMS@", checksums)
        .replace("@BUNDLE@", &hub.bundle().to_line())
        .replace("@AGENT_UNIT@", include_str!("../../../../packaging/watchtower-agent.service").trim_end())
        .replace(
            "@EXECUTOR_SOCKET@",
            include_str!("../../../../packaging/watchtower-executor.socket").trim_end(),
        )
        .replace(
            "@EXECUTOR_UNIT@",
            include_str!("../../../../packaging/watchtower-executor.service").trim_end(),
        )
}
