//! Receivers as channels, and what several of them are told together as a service with its policy.

use serde_json::{Map, Value, json};

use super::Import;
use super::routes::{Leaves, service_name};
use crate::config::node::{Entry, Node};
use crate::output::cell::plain;

/// Alertmanager's own: 4 h.
const REPEAT_SECONDS: i64 = 14_400;
/// Steps last from a second to a day here.
const DELAY_SECONDS_MAX: i64 = 86_400;
/// Rounds behind the first: the most there are.
const ROUNDS: u32 = 9;
/// What takes the place of a receiver that tells nobody.
const NOBODY: &str = "https://nobody.invalid/";

/// A field of a channel: ours, theirs, the one of `global`, and whether it is a secret.
struct Field(&'static str, &'static str, &'static str, bool);

/// A kind of receiver that has an equal: theirs, ours, and its fields. Others of their fields are told of where they matter.
const KINDS: &[(&str, &str, &[Field])] = &[
    ("slack_configs", "slack", &[Field("url", "api_url", "slack_api_url", true)]),
    ("discord_configs", "discord", &[Field("url", "webhook_url", "", true)]),
    ("msteams_configs", "teams", &[Field("url", "webhook_url", "", true)]),
    ("msteamsv2_configs", "teams", &[Field("url", "webhook_url", "", true)]),
    ("webhook_configs", "webhook", &[Field("url", "url", "", true)]),
    ("pagerduty_configs", "pagerduty", &[Field("routing_key", "routing_key", "", true)]),
    (
        "pushover_configs",
        "pushover",
        &[Field("token", "token", "", true), Field("user", "user_key", "", true)],
    ),
    (
        "telegram_configs",
        "telegram",
        &[
            Field("token", "bot_token", "", true),
            Field("chat", "chat_id", "", false),
            Field("api_url", "api_url", "telegram_api_url", false),
        ],
    ),
    (
        "email_configs",
        "email",
        &[
            Field("from", "from", "smtp_from", false),
            Field("username", "auth_username", "smtp_auth_username", false),
            Field("password", "auth_password", "smtp_auth_password", true),
        ],
    ),
];

/// Fields of theirs that change what is told, in words.
const DIFFERENT: &[(&str, &str)] = &[
    ("send_resolved", "the end is always told to whom a page reached"),
    ("service_key", "integrations of PagerDuty's Events API v1 are not spoken to: give the key of one of v2"),
    ("channel", "the webhook decides to which channel of Slack it goes"),
    ("http_config", "no proxies, certificates or headers of one's own"),
    ("title", "messages are Watchtower's own"),
    ("text", "messages are Watchtower's own"),
    ("html", "messages are Watchtower's own"),
    ("message", "messages are Watchtower's own"),
    ("headers", "messages are Watchtower's own"),
];

pub(super) fn read(out: &mut Import, root: &Node, leaves: &Leaves) {
    let none = Node { line: 0, tree: crate::config::node::Tree::Map(Vec::new()) };
    let global = root.get("global").unwrap_or(&none);
    let mut channels_of: Vec<(String, Vec<String>)> = Vec::new();
    for receiver in root.get("receivers").map_or(&[][..], Node::items) {
        let name = receiver.get("name").and_then(Node::text).unwrap_or_default().to_string();
        if leaves.services.iter().any(|(names, _)| names.contains(&name)) {
            let made = channels(out, global, receiver, &name);
            channels_of.push((name, made));
        } else {
            out.note(receiver.line, format!("no route leads to the receiver {name:?}"));
        }
    }
    for (receivers, route) in &leaves.services {
        let names = receivers.iter().map(String::as_str).collect();
        let route = &leaves.all[*route];
        let told = channels_of.iter().filter(|(name, _)| receivers.contains(name)).flat_map(|(_, made)| made);
        let targets: Vec<Value> = told.map(|name| json!({"kind": "channel", "name": name})).collect();
        let name = service_name(&names);
        let delay = route.repeat_seconds.unwrap_or(REPEAT_SECONDS).clamp(1, DELAY_SECONDS_MAX);
        out.policies.push(json!({
            "name": name, "repeat": ROUNDS, "steps": [{"delay_seconds": delay, "targets": targets}],
        }));
        let mut service = json!({"name": name, "policy": name});
        if route.groups_all {
            service["group_window_seconds"] = 0.into();
        }
        out.services.push(service);
    }
}

/// Receivers that tell nobody.
pub(super) fn silent(root: &Node) -> Vec<String> {
    let all = root.get("receivers").map_or(&[][..], Node::items).iter();
    let tells = |one: &&Node| one.entries().iter().any(|entry| entry.name.ends_with("_configs"));
    all.filter(|one| !tells(one)).filter_map(|one| one.get("name")?.text().map(String::from)).collect()
}

/// The channels of one receiver, by their names.
fn channels(out: &mut Import, global: &Node, receiver: &Node, name: &str) -> Vec<String> {
    let (given, name) = (name, &super::valid(name));
    if given != name {
        out.note(receiver.line, format!("the receiver {given:?} is called {name:?}"));
    }
    let mut made = Vec::new();
    for entry in receiver.entries().iter().filter(|entry| entry.name.ends_with("_configs")) {
        let Some((_, kind, fields)) = KINDS.iter().find(|(theirs, ..)| *theirs == entry.name) else {
            out.note(entry.line, format!("{}: there is no such channel", entry.name));
            continue;
        };
        for config in entry.node.items() {
            let channel = match made.len() {
                0 => name.to_string(),
                others => format!("{name} {}", others + 1),
            };
            let mut ours = Map::from_iter([("kind".to_string(), Value::from(*kind))]);
            fields.iter().for_each(|field| take(out, global, config, &channel, field, &mut ours));
            if *kind == "email" {
                mail_server(out, global, config, &mut ours);
            }
            say_different(out, config, kind);
            out.channels.push(json!({"name": channel, "config": ours}));
            made.push(channel);
        }
    }
    if made.is_empty() {
        out.note(receiver.line, format!(
            "the receiver {name:?} tells nobody: there is no such service here. A channel that is switched off stands for it, so that the catch-all channel hears of its alerts: drop them where they are made"
        ));
        out.channels
            .push(json!({"name": name, "enabled": false, "config": {"kind": "webhook", "url": NOBODY}}));
        made.push(name.into());
    }
    made
}

fn say_different(out: &mut Import, config: &Node, kind: &str) {
    if kind == "webhook" {
        out.note(config.line, "webhook: the body is Watchtower's, signed, and not Alertmanager's");
    }
    if kind == "teams" {
        out.note(config.line, "Microsoft Teams: the URL must be of a workflow for webhook requests");
    }
    for (field, words) in DIFFERENT {
        let Some(entry) = config.entry(field) else { continue };
        // It is so here already.
        if *field != "send_resolved" || entry.node.plain() == false {
            out.note(entry.line, format!("{field}: {words}"));
        }
    }
}

/// Their field, or the one of `global`, or the file that either names.
fn take(
    out: &mut Import,
    global: &Node,
    config: &Node,
    channel: &str,
    field: &Field,
    ours: &mut Map<String, Value>,
) {
    let Field(name, own, shared, secret) = *field;
    let file = |key: &str| format!("{key}_file");
    let at: Option<&Entry> = config
        .entry(own)
        .or_else(|| config.entry(&file(own)))
        .or_else(|| global.entry(shared))
        .or_else(|| global.entry(&file(shared)));
    let Some(entry) = at else { return };
    if entry.name.ends_with("_file") {
        ours.insert(name.into(), json!({"file": entry.node.plain()}));
    } else if secret {
        let env = variable(channel, name);
        out.note(
            entry.line,
            format!("{}: secrets are not copied: set {env} to it before you apply", entry.name),
        );
        ours.insert(name.into(), json!({ "env": env }));
    } else {
        ours.insert(name.into(), plain(&entry.node.plain()).into());
    }
}

/// `TEAM_DB_URL`
fn variable(channel: &str, field: &str) -> String {
    let text = format!("{channel}_{field}").to_uppercase();
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn mail_server(out: &mut Import, global: &Node, config: &Node, ours: &mut Map<String, Value>) {
    let find = |own: &str, shared: &str| config.get(own).or_else(|| global.get(shared));
    let to = config.get("to").and_then(Node::text).unwrap_or_default();
    let to: Vec<&str> = to.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    ours.insert("to".into(), to.into());
    let smarthost = find("smarthost", "smtp_smarthost").and_then(Node::text).unwrap_or_default();
    let (host, port) = smarthost.rsplit_once(':').unwrap_or((smarthost, "25"));
    let port: u16 = port.parse().unwrap_or(25);
    if host.is_empty() {
        out.note(config.line, "email: no mail server is given: add its host");
    }
    let tls = find("require_tls", "smtp_require_tls").is_none_or(|node| node.plain() != false);
    let security = match (port, tls) {
        (465, _) => "tls",
        (_, true) => "starttls",
        (_, false) => "plain",
    };
    if security == "plain" && (ours.remove("username").is_some() | ours.remove("password").is_some()) {
        out.note(config.line, "email: no password is sent without TLS: name and password are left out");
    }
    ours.insert("host".into(), host.into());
    ours.insert("port".into(), port.into());
    ours.insert("security".into(), security.into());
}
