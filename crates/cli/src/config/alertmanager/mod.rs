//! An `alertmanager.yml` as configuration of a hub, for people to read before they apply it.
//!
//! Invariant: what has no equal here is named with its line; a secret is never copied.
//! <https://prometheus.io/docs/alerting/latest/configuration/>

mod matchers;
mod receivers;
mod routes;
mod times;

use serde_json::{Value, json};
use watchtower_model::truncate;

use super::node::{Node, parse};
use super::yaml;
use crate::failure::Failure;

/// What a configuration becomes.
#[derive(Default)]
pub struct Import {
    pub channels: Vec<Value>,
    pub policies: Vec<Value>,
    pub services: Vec<Value>,
    pub routes: Vec<Value>,
    pub maintenance_windows: Vec<Value>,
    pub inhibitions: Vec<Value>,
    /// What has no equal, or is not quite the same: line and words.
    notes: Vec<(u64, String)>,
}

impl Import {
    fn note(&mut self, line: u64, text: impl Into<String>) {
        self.notes.push((line, text.into()));
    }
}

/// Every alert has a name.
const ANY: &str = "{alertname=~\".+\"}";

/// Of a name that is made of another; a number may follow it.
const NAME_BYTES_MAX: usize = 100;

/// A name as names are here: letters, digits, and a few others between them.
fn valid(name: &str) -> String {
    let other = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' '));
    let text = name.replace(other, "-");
    let text = text.trim_start_matches(['.', '_', '-', ' ']);
    let text = truncate(text, NAME_BYTES_MAX).trim_end();
    if text.is_empty() { "unnamed".into() } else { text.into() }
}

/// Keys of the whole that are taken over elsewhere, or mean nothing here.
const KEYS: [&str; 7] =
    ["global", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals", "templates"];

/// Reads the text of a file.
pub fn import(file: &str, text: &str) -> Result<Import, Failure> {
    let root = parse(file, text)?;
    let mut out = Import::default();
    let route = root
        .get("route")
        .ok_or_else(|| Failure::usage(format!("{file}: has no route: is it an alertmanager.yml?")))?;
    for entry in root.entries().iter().filter(|entry| !KEYS.contains(&entry.name.as_str())) {
        out.note(entry.line, format!("{} is not known here", entry.name));
    }
    if let Some(entry) = root.entry("templates").filter(|entry| !entry.node.items().is_empty()) {
        out.note(entry.line, "templates: messages are Watchtower's own");
    }
    if let Some(entry) = root.entry("global").and_then(|global| global.node.entry("resolve_timeout")) {
        out.note(
            entry.line,
            "resolve_timeout: an alert without an end is over five minutes after it was told of last",
        );
    }
    let leaves = routes::read(&mut out, file, route, &receivers::silent(&root))?;
    receivers::read(&mut out, &root, &leaves);
    times::read(&mut out, &root, &leaves);
    inhibit_rules(&mut out, &root);
    out.notes.sort();
    out.notes.dedup();
    Ok(out)
}

fn inhibit_rules(out: &mut Import, root: &Node) {
    let Some(rules) = root.get("inhibit_rules") else { return };
    for (at, rule) in rules.items().iter().enumerate() {
        let source = matchers::read(out, rule, "source_match", "source_match_re", "source_matchers");
        let target = matchers::read(out, rule, "target_match", "target_match_re", "target_matchers");
        let equal: Vec<&str> =
            rule.get("equal").into_iter().flat_map(Node::items).filter_map(Node::text).collect();
        if source.all_match_empty() {
            out.note(rule.line, "this inhibit rule takes every alert for its source: not taken over");
            continue;
        }
        let target = if target.is_empty() { ANY.into() } else { target.to_string() };
        out.inhibitions.push(json!({
            "name": format!("inhibit rule {}", at + 1),
            "source": source.to_string(),
            "target": target,
            "equal": equal,
        }));
    }
}

/// As a file for `config apply`, the notes above it.
pub fn text(import: &Import, file: &str) -> String {
    let mut out = format!(
        "# {file}, by `watchtower config import alertmanager`: read it, then `watchtower config diff` and `apply`.\n"
    );
    out.push_str(
        "# A policy pages again after the repeat interval, nine times at most, until somebody has it.\n",
    );
    if !import.notes.is_empty() {
        out.push_str("#\n# Not the same here:\n");
    }
    for (line, note) in &import.notes {
        out.push_str(&format!("#   line {line}: {note}\n"));
    }
    for (key, items) in parts(import) {
        out.push('\n');
        yaml::list(&mut out, key, items);
    }
    out
}

/// For programs: the same, the notes as a list.
pub fn value(import: &Import) -> Value {
    let parts = parts(import).into_iter().map(|(key, items)| (key.to_string(), Value::from(items.clone())));
    let notes: Vec<Value> =
        import.notes.iter().map(|(line, note)| json!({"line": line, "note": note})).collect();
    parts.chain([("notes".to_string(), notes.into())]).collect::<serde_json::Map<_, _>>().into()
}

/// By the keys of files, without those that are empty.
fn parts(import: &Import) -> Vec<(&'static str, &Vec<Value>)> {
    let all = [
        ("channels", &import.channels),
        ("policies", &import.policies),
        ("services", &import.services),
        ("routes", &import.routes),
        ("maintenance_windows", &import.maintenance_windows),
        ("inhibitions", &import.inhibitions),
    ];
    all.into_iter().filter(|(_, items)| !items.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str) -> Vec<(String, String)> {
        let import = import("f", text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_string();
        import.routes.iter().map(|one| (text(&one["matchers"]), text(&one["service"]))).collect()
    }

    #[test]
    fn severities_are_those_that_routes_know() {
        let tree = "route:\n  receiver: a\n  routes:\n  - {receiver: b, matchers: [severity=page]}\n  - {receiver: c, matchers: ['severity=~\"page|ticket\"']}\n  - {receiver: d, matchers: ['severity=~\"p.*\"']}\nreceivers: []\n";
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(
            routes(tree),
            [
                pair("{severity=\"critical\"}", "b"),
                pair("{severity=~\"critical|warning\"}", "c"),
                pair("", "a")
            ]
        );
        let notes = import("f", tree).unwrap().notes;
        assert!(notes.iter().any(|(line, note)| *line == 6 && note.contains("not taken over")), "{notes:?}");
    }

    #[test]
    fn what_is_never_reached_is_left_out_and_a_flood_is_refused() {
        let tree = "route:\n  receiver: a\n  routes:\n  - {receiver: b, match: {x: '1'}}\n  - {receiver: c, match: {x: '1', y: '1'}}\n  - {receiver: d}\n  - {receiver: e, match: {z: '1'}}\n";
        let names: Vec<String> = routes(tree).into_iter().map(|(_, service)| service).collect();
        assert_eq!(names, ["b", "d"]);
        let child = |n: u32| format!("  - {{receiver: r{n}, match: {{l{n}: x}}, continue: true}}\n");
        let flood: String = (0..12).map(child).collect();
        let failure = import("f", &format!("route:\n  receiver: a\n  routes:\n{flood}")).err().unwrap();
        assert!(failure.message.contains("would become"), "{failure}");
    }

    #[test]
    fn names_are_made_such_as_they_are_here() {
        for (given, made) in
            [("team/db", "team-db"), ("  @x ", "x"), ("Z\u{fc}rich 1", "Z\u{fc}rich 1"), ("@", "unnamed")]
        {
            assert_eq!(valid(given), made);
        }
    }
}
