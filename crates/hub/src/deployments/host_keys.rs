//! Keys of hosts: shown to a person before a password is sent, confirmed, revoked.

use std::time::Duration;

use watchtower_api_types::{HostKeyInput, HostKeyMatch, HostKeyQuery, HostKeyRule, HostKeyState, SshAccess};
use watchtower_deploy::{Code, Fingerprint, HostKey, offered_host_key};
use watchtower_model::{DeploymentId, HostKeyId, Id, Labels};
use watchtower_store::{DbError, HostKeyRow, Store};

use super::access::{Access, access};
use super::port::{Binaries, Port, known};
use super::request::{Options, check_jumps, check_user, host_of, port_of};
use crate::error::HubError;
use crate::{Hub, random};

/// Keys of all hosts.
const HOST_KEYS_MAX: i64 = 100_000;
/// The way to a host and its key exchange, through all jump hosts.
const OFFER_MAX: Duration = Duration::from_secs(40);

/// The key a host shows now, beside what is known of it.
pub struct Offered {
    pub host: String,
    pub port: u16,
    pub key: HostKey,
    pub known: HostKeyMatch,
    /// The key that is known instead.
    pub other: Option<HostKey>,
}

/// Asks a host for its key. Only jump hosts are signed in to.
pub async fn offer(hub: &Hub, query: &HostKeyQuery, by: &str) -> Result<Offered, HubError> {
    let host = host_of("host", &query.host)?;
    let port = port_of("port", query.port.or(query.ssh.port))?;
    check_jumps(&query.ssh.jump)?;
    let access = access(hub, &query.ssh, false).await?;
    let user = query.ssh.user.clone().or_else(|| access.user.clone()).unwrap_or_else(|| "root".into());
    check_user("ssh.user", &user)?;
    let key = ask(hub, &options(&query.ssh, host.clone(), port, user), &access, by).await?;
    let known = known(hub, &host, port).await?;
    let same = known.iter().find(|old| old.blob == key.blob);
    let pinned = known.iter().find(|old| old.state == watchtower_deploy::HostKeyState::Pinned);
    let found = match same.map(|old| old.state) {
        Some(watchtower_deploy::HostKeyState::Pinned) => HostKeyMatch::Pinned,
        Some(watchtower_deploy::HostKeyState::Revoked) => HostKeyMatch::Revoked,
        None if pinned.is_some() => HostKeyMatch::Changed,
        None => HostKeyMatch::Unknown,
    };
    let other = pinned.filter(|_| found == HostKeyMatch::Changed).cloned();
    let first_seen = same.and_then(|old| old.first_seen);
    Ok(Offered { host, port, key: HostKey { first_seen, ..key }, known: found, other })
}

fn options(ssh: &SshAccess, host: String, port: u16, user: String) -> Options {
    Options {
        action: watchtower_api_types::DeploymentAction::Install,
        host,
        port,
        user,
        jumps: ssh.jump.clone(),
        labels: Labels::default(),
        policy: watchtower_api_types::AgentPolicy::Monitor,
        takeover: false,
        dry_run: true,
        remove_server: false,
        host_keys: HostKeyRule::AcceptNew,
        legacy_algorithms: ssh.legacy_algorithms,
        credential: None,
        resumable: false,
        repeats: None,
    }
}

/// Looks at the key, within the time a person waits.
async fn ask(hub: &Hub, options: &Options, access: &Access, by: &str) -> Result<HostKey, HubError> {
    let job = options.job(DeploymentId(Id::NIL), "", access)?;
    let (binaries, labels) = (Binaries::default(), Labels::default());
    let port = Port { hub, binaries: &binaries, deployment: DeploymentId(Id::NIL), labels: &labels, by };
    let shown = offered_host_key(&job.login, &job.jumps, &port);
    match tokio::time::timeout(OFFER_MAX, shown).await {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(failure)) => {
            Err(HubError::Conflict(format!("{}: {}; {}", failure.code.as_str(), failure.cause, failure.fix)))
        }
        Err(_) => Err(HubError::Conflict(format!(
            "{}: {} showed no key within {} s; check the address, the port and the firewall",
            Code::TcpTimeout.as_str(),
            options.host,
            OFFER_MAX.as_secs()
        ))),
    }
}

/// Keeps a key as pinned; one that is known stays as it is.
pub(super) async fn remember(
    hub: &Hub,
    host: &str,
    port: u16,
    key: HostKey,
    by: &str,
) -> Result<(), HubError> {
    if hub.store.count_host_keys().await? >= HOST_KEYS_MAX {
        return Err(HubError::Conflict(format!("there are {HOST_KEYS_MAX} host keys already")));
    }
    let row = HostKeyRow {
        id: HostKeyId(random::id(hub.now())),
        host: host.to_lowercase(),
        port: i64::from(port),
        algorithm: key.algorithm.clone(),
        fingerprint: key.fingerprint().to_string(),
        key_blob: key.blob,
        state: HostKeyState::Pinned.as_str().into(),
        added_by: by.into(),
        first_seen_at: hub.now(),
        revoked_at: None,
    };
    match hub.store.commit(vec![Store::insert_host_key(&row)]).await {
        Ok(_) | Err(DbError::Unique(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Pins the key of this fingerprint, if it is the one the host shows.
pub async fn confirm(hub: &Hub, input: HostKeyInput, by: &str) -> Result<HostKeyRow, HubError> {
    let expected = Fingerprint::parse(&input.fingerprint).map_err(|e| HubError::invalid("fingerprint", e))?;
    let query = HostKeyQuery { host: input.host, port: input.port, ssh: input.ssh };
    let offered = offer(hub, &query, by).await?;
    let shown = offered.key.fingerprint();
    if shown != expected {
        return Err(HubError::Conflict(format!(
            "E_HOSTKEY_CHANGED: {} shows {shown} now, not {expected}: find out why before anything is sent to it",
            offered.host
        )));
    }
    match offered.known {
        HostKeyMatch::Revoked => {
            return Err(HubError::Conflict(format!(
                "E_HOSTKEY_REVOKED: {shown} was revoked for {}: give the host a new key",
                offered.host
            )));
        }
        HostKeyMatch::Changed if !input.replace => {
            let old = offered.other.map(|key| key.fingerprint().to_string()).unwrap_or_default();
            return Err(HubError::Conflict(format!(
                "E_HOSTKEY_CHANGED: {} was known by {old}: confirm with `replace` if it was rebuilt",
                offered.host
            )));
        }
        _ => {}
    }
    remember(hub, &offered.host, offered.port, offered.key, by).await?;
    let port = i64::from(offered.port);
    if input.replace {
        let revoke = Store::revoke_other_host_keys(&offered.host, port, shown.as_str(), hub.now());
        hub.store.commit(vec![revoke]).await?;
    }
    let rows = hub.store.host_keys_of(&offered.host, port).await?;
    let row = rows.into_iter().find(|row| row.fingerprint == shown.as_str());
    row.ok_or_else(|| HubError::Internal("the key that was just kept is gone".into()))
}

pub async fn revoke(hub: &Hub, id: HostKeyId) -> Result<HostKeyRow, HubError> {
    hub.store.commit(vec![Store::revoke_host_key(id, hub.now())]).await?;
    hub.store.host_key(id).await?.ok_or_else(|| HubError::not_found("host key", id))
}
