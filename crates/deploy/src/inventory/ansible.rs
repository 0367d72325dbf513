//! Ansible's INI inventory: hosts, ranges, groups, group variables; what a deployment needs of it.

use std::collections::BTreeMap;

use super::{HOSTS_MAX, ListError, ListedHost};

/// Groups within groups.
const DEPTH_MAX: usize = 16;

#[derive(Default)]
struct Inventory {
    /// In order of first mention.
    hosts: Vec<String>,
    variables: BTreeMap<String, BTreeMap<String, String>>,
    members: BTreeMap<String, Vec<String>>,
    children: BTreeMap<String, Vec<String>>,
    group_variables: BTreeMap<String, BTreeMap<String, String>>,
}

/// The hosts of an INI inventory. A host's groups become the label `group`, joined by commas.
pub fn ansible_hosts(text: &str) -> Result<Vec<ListedHost>, ListError> {
    let inventory = read(text)?;
    inventory.hosts.iter().map(|name| inventory.host(name)).collect()
}

fn read(text: &str) -> Result<Inventory, ListError> {
    let mut inventory = Inventory::default();
    let (mut group, mut kind) = ("ungrouped".to_string(), "hosts".to_string());
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| ListError { line: number + 1, what: what.into() };
        let line = line.split(" #").next().unwrap_or("").trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').filter(|_| line.ends_with(']')) {
            let section = section.trim_end_matches(']');
            let (name, what) = section.split_once(':').unwrap_or((section, "hosts"));
            if !matches!(what, "hosts" | "vars" | "children") {
                return Err(wrong("a section is [GROUP], [GROUP:vars] or [GROUP:children]"));
            }
            (group, kind) = (name.to_string(), what.to_string());
            continue;
        }
        match kind.as_str() {
            "hosts" => inventory.add(&group, line).map_err(|what| wrong(&what))?,
            "children" => inventory.children.entry(group.clone()).or_default().push(line.to_string()),
            _ => {
                let (key, value) = line.split_once('=').ok_or_else(|| wrong("a variable is NAME=VALUE"))?;
                let variables = inventory.group_variables.entry(group.clone()).or_default();
                variables.insert(key.trim().into(), unquoted(value));
            }
        }
    }
    Ok(inventory)
}

impl Inventory {
    fn add(&mut self, group: &str, line: &str) -> Result<(), String> {
        let mut words = split(line).into_iter();
        let pattern = words.next().unwrap_or_default();
        let variables: BTreeMap<String, String> = words
            .filter_map(|word| word.split_once('=').map(|(k, v)| (k.to_string(), unquoted(v))))
            .collect();
        for name in ranges(&pattern)? {
            if !self.hosts.contains(&name) {
                if self.hosts.len() >= HOSTS_MAX {
                    return Err(format!("a list has at most {HOSTS_MAX} hosts"));
                }
                self.hosts.push(name.clone());
            }
            self.variables.entry(name.clone()).or_default().extend(variables.clone());
            let members = self.members.entry(group.to_string()).or_default();
            if !members.contains(&name) {
                members.push(name);
            }
        }
        Ok(())
    }

    /// Groups of a host, its own before those above them.
    fn groups(&self, host: &str) -> Vec<String> {
        let holds = |members: &Vec<String>, name: &str| members.iter().any(|member| member == name);
        let own =
            self.members.iter().filter(|(_, members)| holds(members, host)).map(|(group, _)| group.clone());
        let mut groups: Vec<String> = own.filter(|group| group != "ungrouped").collect();
        for _ in 0..DEPTH_MAX {
            let above: Vec<String> = self
                .children
                .iter()
                .filter(|(group, children)| {
                    !groups.contains(group) && groups.iter().any(|own| holds(children, own))
                })
                .map(|(group, _)| group.clone())
                .collect();
            if above.is_empty() {
                break;
            }
            groups.extend(above);
        }
        groups
    }

    fn host(&self, name: &str) -> Result<ListedHost, ListError> {
        let groups = self.groups(name);
        let of = |names: [&str; 2]| {
            let own = self.variables.get(name);
            let own = own.and_then(|vars| names.iter().find_map(|name| vars.get(*name)));
            let with_all = || groups.iter().map(String::as_str).chain(["all"]);
            let of_group = || {
                with_all()
                    .filter_map(|group| self.group_variables.get(group))
                    .find_map(|vars| names.iter().find_map(|name| vars.get(*name)))
            };
            own.or_else(of_group).cloned()
        };
        let port = of(["ansible_port", "ansible_ssh_port"]);
        let port = port.map(|text| {
            text.parse().map_err(|_| ListError {
                line: 0,
                what: format!("{name}: ansible_port {text:?} is no number up to 65535"),
            })
        });
        let labels = if groups.is_empty() { vec![] } else { vec![("group".to_string(), groups.join(","))] };
        Ok(ListedHost {
            name: name.into(),
            host: of(["ansible_host", "ansible_ssh_host"]),
            user: of(["ansible_user", "ansible_ssh_user"]),
            port: port.transpose()?,
            labels,
        })
    }
}

/// Words, with quotes kept together.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches(['\'', '"']).to_string()
}

/// `web[01:20].x`, also with letters: `db-[a:c]`.
fn ranges(pattern: &str) -> Result<Vec<String>, String> {
    let Some((before, rest)) = pattern.split_once('[') else { return Ok(vec![pattern.to_string()]) };
    let wrong = || format!("{pattern:?} has a range that is not [01:20] or [a:f]");
    let (range, after) = rest.split_once(']').ok_or_else(wrong)?;
    let (first, last) = range.split_once(':').ok_or_else(wrong)?;
    let single = |text: &str| text.chars().next().filter(|c| text.len() == 1 && c.is_ascii_alphabetic());
    let values: Vec<String> = match (first.parse::<u32>(), last.parse::<u32>(), single(first), single(last)) {
        (Ok(from), Ok(to), _, _) if from <= to && ((to - from) as usize) < HOSTS_MAX => {
            let width = if first.starts_with('0') { first.len() } else { 0 };
            (from..=to).map(|number| format!("{number:0width$}")).collect()
        }
        (_, _, Some(from), Some(to)) if from <= to => (from..=to).map(String::from).collect(),
        _ => return Err(wrong()),
    };
    let tails = ranges(after)?;
    Ok(values
        .iter()
        .flat_map(|value| tails.iter().map(move |tail| format!("{before}{value}{tail}")))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
gate ansible_host=1.2.3.4 ansible_user=ops
[web]
web[08:09].x ansible_port=2222  # a comment
[db]
db-[a:b] note='two words'
[prod:children]
web
[prod:vars]
ansible_user = deploy
[all:vars]
ansible_port=2200
";

    #[test]
    fn hosts_groups_and_variables_are_read() {
        let hosts = ansible_hosts(TEXT).unwrap();
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["gate", "web08.x", "web09.x", "db-a", "db-b"]);
        assert_eq!(
            (hosts[0].host.as_deref(), hosts[0].user.as_deref(), hosts[0].port),
            (Some("1.2.3.4"), Some("ops"), Some(2200))
        );
        assert_eq!((hosts[1].user.as_deref(), hosts[1].port), (Some("deploy"), Some(2222)));
        assert_eq!(hosts[1].labels, [("group".to_string(), "web,prod".to_string())]);
        assert!(hosts[0].labels.is_empty());
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in
            [("[web]\nweb[5:1]\n", 2), ("[web:what]\n", 1), ("[web:vars]\nnonsense\n", 2), ("web[1:\n", 1)]
        {
            assert_eq!(ansible_hosts(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
