//! `watchtower serve`: what was typed, checked and resolved.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use watchtower_hub::disk::Borders;
use watchtower_hub::forward;
use watchtower_hub::link::{BuiltIn, Programs};
use watchtower_hub::{Dialect, HubConfig, Settings, Timing, parse_kept};

/// The agents that were there when this program was built.
const BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/agents.rs"));

/// Shorter than this is no secret.
const BOOTSTRAP_CHARS_MIN: usize = 32;

/// Everything `serve` needs.
pub struct Options {
    pub hub: HubConfig,
    pub listen: SocketAddr,
    pub agent_listen: SocketAddr,
    pub tls: Option<(PathBuf, PathBuf)>,
    pub with_local_agent: bool,
    /// Given rather than derived from the listeners' addresses.
    pub public_url: Option<String>,
    pub agent_url: Option<String>,
}

fn option(name: &'static str, env: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).env(env).value_name(value).help(help)
}

fn flag(name: &'static str, env: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).env(env).action(ArgAction::SetTrue).help(help)
}

pub fn command() -> Command {
    Command::new("serve").about("Run the hub").args(listening()).args(storing()).args(acting())
}

/// Where people and agents connect.
fn listening() -> Vec<Arg> {
    vec![
        option(
            "listen",
            "WATCHTOWER_LISTEN",
            "ADDR",
            "Where people and tools connect; beyond loopback only with TLS or --behind-proxy",
        )
        .default_value("127.0.0.1:8400")
        .value_parser(value_parser!(SocketAddr)),
        option(
            "agent-listen",
            "WATCHTOWER_AGENT_LISTEN",
            "ADDR",
            "Where agents connect, with TLS by the hub's own CA",
        )
        .default_value("0.0.0.0:8401")
        .value_parser(value_parser!(SocketAddr)),
        option(
            "public-url",
            "WATCHTOWER_PUBLIC_URL",
            "URL",
            "How people reach the hub, for links in messages",
        ),
        option("agent-url", "WATCHTOWER_AGENT_URL", "URL", "How agents reach the hub, for installers"),
        option("tls-cert", "WATCHTOWER_TLS_CERT", "FILE", "Certificate chain for people, PEM")
            .requires("tls-key"),
        option("tls-key", "WATCHTOWER_TLS_KEY", "FILE", "Its key, PEM").requires("tls-cert"),
        flag("behind-proxy", "WATCHTOWER_BEHIND_PROXY", "A proxy in front has TLS for people")
            .conflicts_with("tls-cert"),
    ]
}

/// Where state is kept.
fn storing() -> Vec<Arg> {
    vec![
        option("data-dir", "WATCHTOWER_DATA_DIR", "DIR", "Where everything is kept")
            .default_value("/var/lib/watchtower-hub"),
        option(
            "database-url",
            "WATCHTOWER_DATABASE_URL",
            "URL",
            "postgres://… in place of the embedded database",
        ),
        option(
            "disk-guard",
            "WATCHTOWER_DISK_GUARD",
            "LIST",
            "Percent of the data directory's disk: page=80,logs=85,metrics=90; people are paged, logs and samples refused",
        )
        .default_value(""),
        option(
            "metrics-retention",
            "WATCHTOWER_METRICS_RETENTION",
            "LIST",
            "How long metrics are kept: raw=15d,1m=90d,1h=2y; samples, and what is made of them by the minute and the hour",
        )
        .default_value(""),
        option("redis-url", "WATCHTOWER_REDIS_URL", "URL", "redis://… in place of the in-process bus"),
    ]
}

/// What it may reach and how it begins.
fn acting() -> Vec<Arg> {
    vec![
        option(
            "allow-egress",
            "WATCHTOWER_ALLOW_EGRESS",
            "HOST:PORT|NET",
            "A local address that channels may reach; repeatable",
        )
        .action(ArgAction::Append)
        .value_delimiter(','),
        option(
            "remote-write",
            "WATCHTOWER_REMOTE_WRITE",
            "FILE",
            "Where stored samples go on to, by remote_write: a file of [[remote_write]] tables",
        ),
        option(
            "agents-dir",
            "WATCHTOWER_AGENTS_DIR",
            "DIR",
            "Agent binaries in place of those built in; `agents` beside this program by default",
        ),
        option(
            "promql-compat",
            "WATCHTOWER_PROMQL_COMPAT",
            "2|3",
            "Follow Prometheus 2 or 3 where they differ: 2 includes the left end of ranges, and knows holt_winters",
        )
        .value_parser(["2", "3"])
        .default_value("3"),
        option(
            "heartbeat-url",
            "WATCHTOWER_HEARTBEAT_URL",
            "URL",
            "Asked for each minute while all is well, such as a check of healthchecks.io: it notices when the hub has stopped",
        ),
        flag(
            "restored",
            "WATCHTOWER_RESTORED",
            "The data comes from a backup: hold messages and work on servers until a person has looked",
        ),
        flag(
            "with-local-agent",
            "WATCHTOWER_WITH_LOCAL_AGENT",
            "Watch this machine too, with an agent as a child",
        ),
        flag(
            "keep-bootstrap",
            "WATCHTOWER_KEEP_BOOTSTRAP",
            "The bootstrap token stays valid after the first administrator",
        ),
        option("timing", "WATCHTOWER_TIMING", "LIST", "interval=…,lost_grace=…,evaluate=…,lease=…,audit=…,pace=… for drills")
            .default_value("")
            .hide(true),
    ]
}

fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.get_one::<String>(name).filter(|text| !text.is_empty()).cloned()
}

impl Options {
    /// An error says which option to change.
    pub fn resolve(matches: &ArgMatches) -> Result<Options, String> {
        let listen = *matches.get_one::<SocketAddr>("listen").ok_or("--listen is missing")?;
        let tls =
            text(matches, "tls-cert").map(PathBuf::from).zip(text(matches, "tls-key").map(PathBuf::from));
        if !listen.ip().is_loopback() && tls.is_none() && !matches.get_flag("behind-proxy") {
            return Err(format!(
                "--listen {listen} is reachable from other machines: give --tls-cert and --tls-key, or --behind-proxy when a proxy has TLS"
            ));
        }
        let url = |name: &str| match text(matches, name) {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(format!("--{name} must begin with http:// or https://"))
            }
            url => Ok(url.map(|url| url.trim_end_matches('/').to_string())),
        };
        let exceptions =
            matches.get_many::<String>("allow-egress").map(|all| all.cloned().collect()).unwrap_or_default();
        let hub = HubConfig {
            data_dir: PathBuf::from(text(matches, "data-dir").unwrap_or_default()),
            database_url: text(matches, "database-url"),
            redis_url: text(matches, "redis-url"),
            public_url: String::new(),
            public_url_is_set: false,
            agent_url: String::new(),
            egress_exceptions: exceptions,
            bootstrap_token: bootstrap_token()?,
            keep_bootstrap: matches.get_flag("keep-bootstrap"),
            programs: Programs { folder: agents_dir(matches), built_in: BUILT_IN },
            promql: Settings::of(match text(matches, "promql-compat").as_deref() {
                Some("2") => Dialect::Prometheus2,
                _ => Dialect::Prometheus3,
            }),
            remote_write: match text(matches, "remote-write") {
                Some(path) => {
                    forward::config::load(&PathBuf::from(path)).map_err(|e| format!("--remote-write: {e}"))?
                }
                None => Vec::new(),
            },
            heartbeat_url: url("heartbeat-url")?,
            restored: matches.get_flag("restored"),
            timing: Timing::parse(&text(matches, "timing").unwrap_or_default())
                .map_err(|e| format!("--timing: {e}"))?,
            disk_borders: Borders::parse(&text(matches, "disk-guard").unwrap_or_default())
                .map_err(|e| format!("--disk-guard: {e}"))?,
            kept: parse_kept(&text(matches, "metrics-retention").unwrap_or_default())
                .map_err(|e| format!("--metrics-retention: {e}"))?,
        };
        Ok(Options {
            hub,
            listen,
            agent_listen: *matches
                .get_one::<SocketAddr>("agent-listen")
                .ok_or("--agent-listen is missing")?,
            tls,
            with_local_agent: matches.get_flag("with-local-agent"),
            public_url: url("public-url")?,
            agent_url: url("agent-url")?,
        })
    }
}

fn agents_dir(matches: &ArgMatches) -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.join("agents"));
    text(matches, "agents-dir").map(PathBuf::from).or_else(beside).filter(|dir| dir.is_dir())
}

/// From `WATCHTOWER_BOOTSTRAP_TOKEN` or the file that `WATCHTOWER_BOOTSTRAP_TOKEN_FILE` names; never an option, which others could read.
fn bootstrap_token() -> Result<Option<String>, String> {
    let token = match std::env::var("WATCHTOWER_BOOTSTRAP_TOKEN_FILE") {
        Ok(path) => Some(
            std::fs::read_to_string(&path)
                .map_err(|e| format!("WATCHTOWER_BOOTSTRAP_TOKEN_FILE {path}: {e}"))?,
        ),
        Err(_) => std::env::var("WATCHTOWER_BOOTSTRAP_TOKEN").ok(),
    };
    match token.map(|token| token.trim().to_string()).filter(|token| !token.is_empty()) {
        Some(token) if token.len() < BOOTSTRAP_CHARS_MIN => {
            Err(format!("the bootstrap token must have at least {BOOTSTRAP_CHARS_MIN} characters"))
        }
        token => Ok(token),
    }
}
