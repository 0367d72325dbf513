//! Hosts read from a text that a person has: a list with ranges, CSV, ssh_config, an Ansible inventory.

use std::path::Path;

use watchtower_api_types::{DeploymentTarget, ParsedTargets, TargetFormat, TargetsInput};
use watchtower_deploy::inventory::{self, ListedHost, SshConfig};
use watchtower_model::Labels;

use super::TARGETS_MAX;
use crate::error::HubError;

/// Bytes of a text with hosts.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// What is told of a text that is wrong all over.
const PROBLEMS_MAX: usize = 20;

/// Reads what can be read, and tells of the rest. Nothing is connected to.
pub fn read_targets(input: &TargetsInput) -> Result<ParsedTargets, HubError> {
    if input.text.len() > TEXT_BYTES_MAX {
        return Err(HubError::invalid("text", format!("is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let format = match input.format {
        TargetFormat::Auto => guess(&input.text),
        chosen => chosen,
    };
    let (mut items, mut problems) = match format {
        TargetFormat::Csv => listed(inventory::csv_hosts(&input.text)),
        TargetFormat::Ansible => listed(inventory::ansible_hosts(&input.text)),
        TargetFormat::SshConfig => (of_ssh_config(&input.text), Vec::new()),
        TargetFormat::List | TargetFormat::Auto => of_list(&input.text),
    };
    if items.len() > TARGETS_MAX {
        problems
            .push(format!("{} hosts are too many for one batch: the limit is {TARGETS_MAX}", items.len()));
        items.truncate(TARGETS_MAX);
    }
    problems.truncate(PROBLEMS_MAX);
    Ok(ParsedTargets { format, items, problems })
}

/// By the first lines that say something.
fn guess(text: &str) -> TargetFormat {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = lines.next() else { return TargetFormat::List };
    let word = first.split([' ', '\t', '=']).next().unwrap_or("").to_ascii_lowercase();
    let heads = first.split([',', ';', '\t']).map(|head| head.trim().to_ascii_lowercase());
    if matches!(word.as_str(), "host" | "match" | "include") && first.contains([' ', '\t', '=']) {
        TargetFormat::SshConfig
    } else if first.contains([',', ';', '\t'])
        && heads.into_iter().any(|head| matches!(head.as_str(), "name" | "host" | "hostname" | "address"))
    {
        TargetFormat::Csv
    } else if (first.starts_with('[') && first.ends_with(']')) || text.contains("ansible_") {
        TargetFormat::Ansible
    } else {
        TargetFormat::List
    }
}

fn listed(read: Result<Vec<ListedHost>, inventory::ListError>) -> (Vec<DeploymentTarget>, Vec<String>) {
    let target = |listed: ListedHost| DeploymentTarget {
        host: listed.host.unwrap_or_else(|| listed.name.clone()),
        port: listed.port,
        user: listed.user,
        server: Some(listed.name),
        labels: Labels::from_pairs(listed.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        jump: Vec::new(),
    };
    match read {
        Ok(hosts) => (hosts.into_iter().map(target).collect(), Vec::new()),
        Err(error) => (Vec::new(), vec![error.to_string()]),
    }
}

/// Words by space, comma or line; `#` begins a remark.
fn of_list(text: &str) -> (Vec<DeploymentTarget>, Vec<String>) {
    let (mut items, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        for word in words(line) {
            match inventory::expand(word) {
                Ok(specs) => items.extend(specs.into_iter().map(|spec| DeploymentTarget {
                    host: spec.host,
                    port: spec.port,
                    user: spec.user,
                    server: None,
                    labels: Labels::default(),
                    jump: Vec::new(),
                })),
                Err(error) => problems.push(format!("line {}: {error}", index + 1)),
            }
            if items.len() > TARGETS_MAX {
                return (items, problems);
            }
        }
    }
    (items, problems)
}

/// Commas within a range's brackets belong to the word.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let split = line.split(move |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c.is_whitespace() || c == ',' || c == ';')
    });
    split.filter(|word| !word.is_empty())
}

/// Each alias that names one host. Files of the operator are no business of the hub.
fn of_ssh_config(text: &str) -> Vec<DeploymentTarget> {
    let config = SshConfig::parse(text);
    let target = |alias: String| {
        let settings = config.of(&alias, Path::new("/"));
        DeploymentTarget {
            host: settings.host_name.unwrap_or_else(|| alias.clone()),
            port: settings.port,
            user: settings.user,
            server: Some(alias),
            labels: Labels::default(),
            jump: settings.proxy_jump,
        }
    };
    config.hosts().into_iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ParsedTargets {
        read_targets(&TargetsInput { text: text.into(), format: TargetFormat::Auto }).unwrap()
    }

    #[test]
    fn every_format_is_told_apart() {
        for (text, format, first, count) in [
            ("web-[01..03], ops@db:2222\n# none\n", TargetFormat::List, "web-01", 4),
            ("name,host,env\nweb-1,10.0.0.1,prod\n", TargetFormat::Csv, "10.0.0.1", 1),
            ("Host web-1\n  HostName 10.0.0.1\n  ProxyJump gate\n", TargetFormat::SshConfig, "10.0.0.1", 1),
            ("[web]\nweb-1 ansible_host=10.0.0.1\nweb-2\n", TargetFormat::Ansible, "10.0.0.1", 2),
        ] {
            let parsed = read(text);
            assert_eq!((parsed.format, parsed.items.len()), (format, count), "{text}: {parsed:?}");
            assert_eq!(parsed.items[0].host, first, "{text}");
            assert!(parsed.problems.is_empty(), "{parsed:?}");
        }
        assert_eq!(read("Host a\n ProxyJump gate\n").items[0].jump, ["gate"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_beside_what_can() {
        let parsed = read("web-1\nweb-[1..\n");
        assert_eq!(parsed.items.len(), 1);
        assert!(parsed.problems[0].starts_with("line 2: "), "{parsed:?}");
        let many = read("web-[1..400]\ndb-[1..400]\n");
        assert_eq!((many.items.len(), many.problems.len()), (TARGETS_MAX, 1));
    }
}
