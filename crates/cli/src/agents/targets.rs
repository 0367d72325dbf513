//! From the words of the command line to jobs: targets, ssh_config, keys, passwords, jump hosts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::{Value, json};
use watchtower_deploy::inventory::{
    HOSTS_MAX, HostSettings, ListedHost, SshConfig, TargetSpec, ansible_hosts, csv_hosts, expand,
};
use watchtower_deploy::{
    Action, AgentPolicy, Credentials, Fingerprint, HostKeyCheck, HostKeyPolicy, Job, Key, Login, Secret,
    Target,
};

use crate::failure::Failure;
use crate::session::Session;

/// Tried where neither the command line nor ssh_config names a key, as ssh does.
const DEFAULT_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// All jobs of one command, and labels for the servers that a list names.
pub struct Bulk {
    pub jobs: Vec<Job>,
    pub labels: BTreeMap<String, Value>,
}

/// What all hosts of a command share.
struct Common {
    home: PathBuf,
    config: SshConfig,
    /// Of `--user`.
    user: Option<String>,
    /// Of this machine.
    local_user: String,
    key_file: Option<Key>,
    agent_socket: Option<PathBuf>,
    password: Option<Secret>,
    policy: HostKeyPolicy,
    legacy: bool,
}

pub fn bulk(session: &mut Session, matches: &ArgMatches, action: Action) -> Result<Bulk, Failure> {
    let hosts = hosts(session, matches)?;
    let expected = match matches.get_one::<String>("host-key") {
        Some(text) => Some(Fingerprint::parse(text).map_err(|e| Failure::usage(format!("--host-key: {e}")))?),
        None => None,
    };
    if expected.is_some() && hosts.len() > 1 {
        return Err(Failure::usage("--host-key is the fingerprint of one host, and there are several"));
    }
    let common = Common::read(session, matches)?;
    let sudo_password = match matches.get_flag("ask-sudo") {
        true => Some(Secret::new(secret(session, "sudo's password")?)),
        false => None,
    };
    let jumps: Vec<String> = matches.get_many::<String>("jump").into_iter().flatten().cloned().collect();
    // Not every command has these flags.
    let takeover = matches.try_get_one::<bool>("takeover").ok().flatten().copied().unwrap_or(false);
    let word = matches.try_get_one::<String>("policy").ok().flatten();
    let policy = word.and_then(|word| AgentPolicy::parse(word)).unwrap_or(AgentPolicy::Full);
    let mut bulk = Bulk { jobs: Vec::new(), labels: BTreeMap::new() };
    for host in hosts {
        let settings = common.settings(host.host.as_deref().unwrap_or(&host.name));
        let check = HostKeyCheck { policy: common.policy, expected: expected.clone() };
        let jumps = if jumps.is_empty() { settings.proxy_jump.clone() } else { jumps.clone() };
        let jumps = jumps.iter().map(|jump| common.jump(session, jump)).collect::<Result<Vec<_>, _>>()?;
        let labels: BTreeMap<_, _> = host.labels.iter().cloned().collect();
        bulk.labels.insert(host.name.clone(), json!(labels));
        bulk.jobs.push(Job {
            id: None,
            action,
            server: host.name.clone(),
            login: common.login(session, &host, &settings, check)?,
            jumps,
            sudo_password: sudo_password.clone(),
            takeover,
            dry_run: matches.get_flag("dry-run"),
            policy,
        });
    }
    Ok(bulk)
}

/// The hosts of the words and of `--from`.
fn hosts(session: &mut Session, matches: &ArgMatches) -> Result<Vec<ListedHost>, Failure> {
    let mut hosts: Vec<ListedHost> = Vec::new();
    for word in matches.get_many::<String>("target").into_iter().flatten() {
        let specs = expand(word).map_err(|e| Failure::usage(e.to_string()))?;
        hosts.extend(specs.into_iter().map(|TargetSpec { user, host, port }| ListedHost {
            name: host,
            user,
            port,
            ..ListedHost::default()
        }));
    }
    if let Some(path) = matches.get_one::<String>("from") {
        let text = session.read(path)?;
        let listed = if path.ends_with(".csv") { csv_hosts(&text) } else { ansible_hosts(&text) };
        hosts.extend(listed.map_err(|e| Failure::usage(format!("{path}: {e}")))?);
    }
    if let Some(name) = matches.get_one::<String>("name") {
        match hosts.as_mut_slice() {
            [one] => {
                let host = one.host.take().unwrap_or_else(|| one.name.clone());
                (one.host, one.name) = (Some(host), name.clone());
            }
            _ => return Err(Failure::usage("--name is the name of one server, and there are several")),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = hosts.iter().find(|host| !seen.insert(host.name.clone())) {
        return Err(Failure::usage(format!("{} is named twice", twice.name)));
    }
    match hosts.len() {
        0 => Err(Failure::usage("no target is given")
            .hint("watchtower agent deploy root@web-1, or --from hosts.csv")),
        1..=HOSTS_MAX => Ok(hosts),
        many => Err(Failure::usage(format!("{many} targets are too many: the limit is {HOSTS_MAX}"))),
    }
}

/// A secret from the terminal; without one, a line of standard input.
fn secret(session: &mut Session, question: &str) -> Result<String, Failure> {
    if session.may_ask() { session.ask_secret(question) } else { session.line() }
}

impl Common {
    fn read(session: &mut Session, matches: &ArgMatches) -> Result<Common, Failure> {
        let home = PathBuf::from(session.env.get("HOME").unwrap_or("/"));
        let config = match matches.get_one::<String>("ssh-config") {
            Some(path) => PathBuf::from(path),
            None => home.join(".ssh/config"),
        };
        let asks = matches.get_flag("ask-password");
        let password = if asks { Some(Secret::new(secret(session, "Password")?)) } else { None };
        let key_file = match matches.get_one::<String>("key-file") {
            Some(path) => Some(read_key(session, Path::new(path), true)?),
            None => None,
        };
        let agent_socket = session.env.get("SSH_AUTH_SOCK").map(PathBuf::from).filter(|_| key_file.is_none());
        let policy = match matches.get_flag("strict-host-keys") {
            true => HostKeyPolicy::Strict,
            false => HostKeyPolicy::AcceptNew,
        };
        Ok(Common {
            config: SshConfig::load(&config, &home),
            home,
            user: matches.get_one::<String>("user").cloned(),
            local_user: session.env.get("USER").or(session.env.get("LOGNAME")).unwrap_or("root").to_string(),
            key_file,
            agent_socket,
            password,
            policy,
            legacy: matches.get_flag("legacy-algorithms"),
        })
    }

    fn settings(&self, host: &str) -> HostSettings {
        self.config.of(host, &self.home)
    }

    fn target(
        &self,
        user: Option<&String>,
        host: &str,
        port: Option<u16>,
        settings: &HostSettings,
    ) -> Target {
        let user = user.or(self.user.as_ref()).or(settings.user.as_ref()).unwrap_or(&self.local_user);
        Target {
            user: user.clone(),
            host: settings.host_name.clone().unwrap_or_else(|| host.to_string()),
            port: port.or(settings.port).unwrap_or(22),
        }
    }

    fn login(
        &self,
        session: &mut Session,
        host: &ListedHost,
        settings: &HostSettings,
        host_key: HostKeyCheck,
    ) -> Result<Login, Failure> {
        let place = host.host.as_deref().unwrap_or(&host.name);
        let auth = match &self.password {
            Some(password) => Credentials { password: Some(password.clone()), ..Credentials::default() },
            None => self.keys(session, settings)?,
        };
        let target = self.target(host.user.as_ref(), place, host.port, settings);
        Ok(Login { target, auth, host_key, legacy_algorithms: self.legacy })
    }

    /// A jump host: in by key only, so that the target's password stays the target's.
    fn jump(&self, session: &mut Session, word: &str) -> Result<Login, Failure> {
        let specs = expand(word).map_err(|e| Failure::usage(format!("jump host: {e}")))?;
        let [TargetSpec { user, host, port }] = specs.as_slice() else {
            return Err(Failure::usage(format!("jump host {word:?} is not one host")));
        };
        let settings = self.settings(host);
        // `--user` is the targets' user.
        let user = user.clone().or(settings.user.clone()).or(self.user.clone());
        Ok(Login {
            target: self.target(user.as_ref(), host, *port, &settings),
            auth: self.keys(session, &settings)?,
            host_key: HostKeyCheck { policy: self.policy, expected: None },
            legacy_algorithms: self.legacy,
        })
    }

    fn keys(&self, session: &mut Session, settings: &HostSettings) -> Result<Credentials, Failure> {
        let mut auth = Credentials { agent_socket: self.agent_socket.clone(), ..Credentials::default() };
        if let Some(key) = &self.key_file {
            auth.keys.push(key.clone());
            return Ok(auth);
        }
        let named = &settings.identity_files;
        let defaults = || DEFAULT_KEYS.map(|name| self.home.join(".ssh").join(name)).to_vec();
        let paths = if named.is_empty() { defaults() } else { named.clone() };
        for path in paths.iter().filter(|path| path.exists()) {
            let key = read_key(session, path, false)?;
            // A protected key that nobody named is the agent's to use.
            if key.passphrase.is_some() || !key.is_protected() {
                auth.keys.push(key);
            }
        }
        Ok(auth)
    }
}

/// `ask`: for the passphrase, where there is somebody to ask.
fn read_key(session: &mut Session, path: &Path, ask: bool) -> Result<Key, Failure> {
    let wrong = |what: String| Failure::usage(format!("key {}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.len();
    if size > KEY_BYTES_MAX {
        return Err(wrong(format!("larger than {KEY_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    let mut key = Key { name: path.display().to_string(), text: Secret::new(text), passphrase: None };
    if ask && key.is_protected() && session.may_ask() {
        key.passphrase = Some(Secret::new(session.ask_secret(&format!("Passphrase of {}", path.display()))?));
    }
    Ok(key)
}
