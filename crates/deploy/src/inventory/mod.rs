//! Lists of hosts as people have them: ranges, ssh_config, known_hosts, CSV, Ansible. Pure: text in, values out.

mod range;
mod ssh_config;
mod known_hosts;
mod csv;
mod ansible;

pub use ansible::ansible_hosts;
pub use csv::csv_hosts;
pub use known_hosts::{KnownHosts, known_hosts_line};
pub use range::{HOSTS_MAX, TargetSpec, expand};
pub use ssh_config::{HostSettings, SshConfig};

/// One host of a list, as far as the list says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedHost {
    /// What it is called in the hub.
    pub name: String,
    /// Where it is; the name when the list says nothing else.
    pub host: Option<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// Labels for its record, as (name, value).
    pub labels: Vec<(String, String)>,
}

/// What a list got wrong; the line counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ListError {
    pub line: usize,
    pub what: String,
}
