//! From what a person asked for to what is done: checked before anything is stored.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use watchtower_api_types::{AgentPolicy, DeploymentAction, DeploymentInput, DeploymentTarget, HostKeyRule};
use watchtower_deploy::{self as deploy, Action, HostKeyCheck, HostKeyPolicy, Job, Login, Target, inventory};
use watchtower_model::{CredentialId, DeploymentId, Labels, check_name};

use super::TARGETS_MAX;
use super::access::Access;
use crate::error::HubError;
use crate::fleet;

const JUMPS_MAX: usize = 8;
const HOST_BYTES_MAX: usize = 253;
const USER_BYTES_MAX: usize = 64;
const USER_DEFAULT: &str = "root";
const PORT_DEFAULT: u16 = 22;

/// How a deployment is done: stored beside it, free of secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    pub action: DeploymentAction,
    pub host: String,
    pub port: u16,
    pub user: String,
    /// `[user@]host[:port]`, the first one to connect to first.
    pub jumps: Vec<String>,
    /// Of a server's record that is new.
    pub labels: Labels,
    pub policy: AgentPolicy,
    pub takeover: bool,
    pub dry_run: bool,
    pub remove_server: bool,
    pub host_keys: HostKeyRule,
    pub legacy_algorithms: bool,
    pub credential: Option<CredentialId>,
    /// Whether it can be taken up again by the saved credential alone.
    pub resumable: bool,
    /// The first of those that this one repeats.
    #[serde(default)]
    pub repeats: Option<DeploymentId>,
}

/// One deployment that is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Name of the server's record.
    pub server: String,
    pub options: Options,
}

impl Options {
    pub fn target(&self) -> Target {
        Target { user: self.user.clone(), host: self.host.clone(), port: self.port }
    }

    /// The job, with the secrets that are not stored.
    pub(super) fn job(&self, id: DeploymentId, server: &str, access: &Access) -> Result<Job, HubError> {
        let login = |target| Login {
            target,
            auth: access.credentials(),
            host_key: HostKeyCheck { policy: policy(self.host_keys), expected: None },
            legacy_algorithms: self.legacy_algorithms,
        };
        let jumps = self.jumps.iter().map(|hop| Ok(login(hop_of(hop, &self.user)?)));
        Ok(Job {
            id: Some(self.repeats.unwrap_or(id).to_string()),
            action: match self.action {
                DeploymentAction::Install => Action::Install,
                DeploymentAction::Uninstall => Action::Uninstall,
                DeploymentAction::RollBack => Action::RollBack,
            },
            server: server.into(),
            login: login(self.target()),
            jumps: jumps.collect::<Result<_, HubError>>()?,
            sudo_password: access.for_sudo(),
            takeover: self.takeover,
            dry_run: self.dry_run,
            policy: match self.policy {
                AgentPolicy::Monitor => deploy::AgentPolicy::Monitor,
                AgentPolicy::Allowlist => deploy::AgentPolicy::Allowlist,
                AgentPolicy::Full => deploy::AgentPolicy::Full,
            },
        })
    }
}

fn policy(rule: HostKeyRule) -> HostKeyPolicy {
    match rule {
        HostKeyRule::Strict => HostKeyPolicy::Strict,
        HostKeyRule::AcceptNew => HostKeyPolicy::AcceptNew,
    }
}

/// Every deployment of a request. Which servers the caller may touch is not asked here.
pub fn wanted(input: &DeploymentInput) -> Result<Vec<Wanted>, HubError> {
    if !(1..=TARGETS_MAX).contains(&input.targets.len()) {
        return Err(HubError::invalid("targets", format!("must be from 1 to {TARGETS_MAX}")));
    }
    let mut servers = HashSet::new();
    let mut out = Vec::with_capacity(input.targets.len());
    for (index, target) in input.targets.iter().enumerate() {
        let one = wanted_of(&format!("targets.{index}"), input, target)?;
        if !servers.insert(one.server.clone()) {
            let text = format!("{:?} is named twice", one.server);
            return Err(HubError::invalid(format!("targets.{index}.server"), text));
        }
        out.push(one);
    }
    Ok(out)
}

fn wanted_of(field: &str, input: &DeploymentInput, target: &DeploymentTarget) -> Result<Wanted, HubError> {
    let ssh = &input.ssh;
    let host = host_of(&format!("{field}.host"), &target.host)?;
    let user = target.user.clone().or_else(|| ssh.user.clone()).unwrap_or_default();
    if !user.is_empty() {
        check_user(&format!("{field}.user"), &user)?;
    }
    let server = target.server.clone().unwrap_or_else(|| host.clone());
    check_name(&server).map_err(|e| {
        HubError::invalid(format!("{field}.server"), format!("{e}: name the server's record of {host}"))
    })?;
    fleet::check_labels(&target.labels)?;
    let jumps = if target.jump.is_empty() { &ssh.jump } else { &target.jump };
    check_jumps(jumps)?;
    let options = Options {
        action: input.action,
        host,
        port: port_of(&format!("{field}.port"), target.port.or(ssh.port))?,
        user,
        jumps: jumps.clone(),
        labels: target.labels.clone(),
        policy: input.policy,
        takeover: input.takeover,
        dry_run: input.dry_run,
        remove_server: input.remove_server,
        host_keys: ssh.host_keys.unwrap_or(HostKeyRule::AcceptNew),
        legacy_algorithms: ssh.legacy_algorithms,
        credential: None,
        resumable: false,
        repeats: None,
    };
    Ok(Wanted { server, options })
}

impl Options {
    /// Completes it by what only the secrets tell.
    pub(super) fn with_access(mut self, access: &Access) -> Options {
        if self.user.is_empty() {
            self.user = access.user.clone().unwrap_or_else(|| USER_DEFAULT.into());
        }
        self.credential = access.credential;
        self.resumable = access.saved;
        self
    }
}

pub(super) fn port_of(field: &str, port: Option<u16>) -> Result<u16, HubError> {
    match port {
        Some(0) => Err(HubError::invalid(field, "must be from 1 to 65535")),
        port => Ok(port.unwrap_or(PORT_DEFAULT)),
    }
}

/// A name or address as it is looked up and remembered: in lower case, without brackets.
pub(super) fn host_of(field: &str, text: &str) -> Result<String, HubError> {
    let host = text.trim().trim_start_matches('[').trim_end_matches(']').to_lowercase();
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || host.len() > HOST_BYTES_MAX || host.starts_with('-') || !host.chars().all(ok) {
        return Err(HubError::invalid(field, "must be the name or address of a host"));
    }
    Ok(host)
}

pub(super) fn check_user(field: &str, user: &str) -> Result<(), HubError> {
    let ok = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '\\' | '$');
    if user.is_empty() || user.len() > USER_BYTES_MAX || user.starts_with('-') || !user.chars().all(ok) {
        return Err(HubError::invalid(
            field,
            format!("must be a user's name of at most {USER_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

pub(super) fn check_jumps(jumps: &[String]) -> Result<(), HubError> {
    if jumps.len() > JUMPS_MAX {
        return Err(HubError::invalid("jump", format!("leads through more than {JUMPS_MAX} hosts")));
    }
    jumps.iter().try_for_each(|hop| hop_of(hop, USER_DEFAULT).map(drop))
}

/// `[user@]host[:port]`, an IPv6 address in brackets.
pub(super) fn hop_of(text: &str, user: &str) -> Result<Target, HubError> {
    let hosts = inventory::expand(text.trim()).map_err(|e| HubError::invalid("jump", e))?;
    let [hop] = hosts.as_slice() else {
        return Err(HubError::invalid("jump", format!("{text:?} names more than one host")));
    };
    let user = hop.user.as_deref().unwrap_or(user);
    check_user("jump", user)?;
    Ok(Target { user: user.into(), host: host_of("jump", &hop.host)?, port: port_of("jump", hop.port)? })
}
