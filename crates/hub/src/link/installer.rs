//! The one-line installer: a script that holds everything the agent must trust.

use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use watchtower_model::ServerId;

use crate::error::HubError;
use crate::{Hub, random};

/// Architectures that an agent may be shipped for.
pub const ARCHITECTURES: [&str; 2] = ["x86_64", "aarch64"];

/// What to paste on the server. The pin fails on a wrong hub even with `-k`.
pub fn install_command(hub: &Hub, token: &str) -> String {
    let url = &hub.config.agent_url;
    format!("curl -fsS -k --pinnedpubkey 'sha256//{}' {url}/install/{token} | sudo sh", hub.keys.leaf_pin)
}

/// The agent's program for one architecture.
pub struct Shipped {
    pub arch: &'static str,
    /// Hub and agent are built and shipped together.
    pub version: &'static str,
    /// Lower-case hex.
    pub sha256: String,
    pub bytes: Vec<u8>,
}

/// The agent for an architecture, with what a deployment checks it by.
pub fn shipped(hub: &Hub, arch: &str) -> Result<Shipped, HubError> {
    let bytes = agent_binary(hub, arch)?;
    let known = ARCHITECTURES.into_iter().find(|known| *known == arch);
    let arch = known.ok_or_else(|| HubError::not_found("agent binary for", arch))?;
    let sha256 = random::hex(digest(&SHA256, &bytes).as_ref());
    Ok(Shipped { arch, version: env!("CARGO_PKG_VERSION"), sha256, bytes })
}

/// Every agent that this hub ships.
pub fn all_shipped(hub: &Hub) -> Vec<Shipped> {
    ARCHITECTURES.iter().filter_map(|arch| shipped(hub, arch).ok()).collect()
}

/// The agent's binary for an architecture, as shipped.
pub fn agent_binary(hub: &Hub, arch: &str) -> Result<Vec<u8>, HubError> {
    let path = agent_path(hub, arch)?;
    std::fs::read(&path).map_err(|error| {
        // A hub need not ship every architecture.
        if error.kind() != std::io::ErrorKind::NotFound {
            tracing::error!(path = %path.display(), "reading the agent: {error}");
        }
        HubError::not_found("agent binary for", arch)
    })
}

fn agent_path(hub: &Hub, arch: &str) -> Result<PathBuf, HubError> {
    let dir = hub.config.agents_dir.as_ref();
    match (ARCHITECTURES.contains(&arch), dir) {
        (true, Some(dir)) => Ok(dir.join(format!("watchtower-agent-{arch}"))),
        _ => Err(HubError::not_found("agent binary for", arch)),
    }
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
    for Shipped { arch, sha256, .. } in all_shipped(hub) {
        checksums.push_str(&format!("  {arch}) sum={sha256} ;;\n"));
    }
    Ok(script(hub, token, server, &checksums))
}

fn script(hub: &Hub, token: &str, server: ServerId, checksums: &str) -> String {
    include_str!("install.sh")
        .replace("@SERVER@", &server.to_string())
        .replace("@URL@", &hub.config.agent_url)
        .replace("@PIN@", &hub.keys.leaf_pin)
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
