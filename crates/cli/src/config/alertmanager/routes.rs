//! Alertmanager's tree of routes as a list of which the first that matches decides.
//!
//! A route that continues is folded into those behind it: what both match goes to the receivers of both.

use std::collections::BTreeSet;

use serde_json::json;
use watchtower_matchers::{Matcher, Matchers};

use super::{Import, matchers};
use crate::config::node::Node;
use crate::failure::Failure;

/// Routes that a tree may become: each `continue` multiplies those behind it.
const ROUTES_MAX: usize = 500;
/// Deepest tree.
const DEPTH_MAX: usize = 32;

/// A route of the tree, as far as it is taken over.
pub(super) struct Route {
    pub line: u64,
    pub receiver: String,
    pub repeat_seconds: Option<i64>,
    pub groups_all: bool,
    pub mute: Vec<String>,
    /// What leads to it, by the labels as they are sent.
    pub matchers: Vec<Matcher>,
    /// Matchers of its elder siblings: who matches one of these never comes here.
    pub before: Vec<Matchers>,
    pub has_children: bool,
    /// Its alerts may also be told to others.
    pub shared: bool,
    continues: bool,
    own: Matchers,
    children: Vec<Route>,
}

/// What a route or the tree of a route ends in.
struct Decision<'a> {
    matchers: Vec<Matcher>,
    ends: Vec<&'a Route>,
}

/// The service of several receivers.
pub(super) fn service_name(receivers: &BTreeSet<&str>) -> String {
    super::valid(&receivers.iter().copied().collect::<Vec<_>>().join(" and "))
}

/// Which routes lead to which receivers; the whole tree, the root first.
pub(super) struct Leaves {
    pub all: Vec<Route>,
    /// Receivers that are told together, with the first route that does so.
    pub services: Vec<(BTreeSet<String>, usize)>,
}

/// `silent`: receivers that tell nobody.
pub(super) fn read(out: &mut Import, file: &str, root: &Node, silent: &[String]) -> Result<Leaves, Failure> {
    let tree = route(out, root, &Inherited::default(), 0);
    let decisions = decide(&tree);
    if decisions.len() > ROUTES_MAX {
        let text = format!("{file}: the tree of routes would become {} routes", decisions.len());
        return Err(Failure::usage(text)
            .hint("routes with `continue` multiply those behind them: move them to the end"));
    }
    let mut services: Vec<(BTreeSet<String>, u64)> = Vec::new();
    let mut asked: Vec<&[Matcher]> = Vec::new();
    for decision in &decisions {
        // What an earlier one takes never comes here.
        if asked.iter().any(|before| before.iter().all(|matcher| decision.matchers.contains(matcher))) {
            continue;
        }
        asked.push(&decision.matchers);
        let receivers = told(decision, silent);
        let line = decision.ends.first().map_or(0, |end| end.line);
        let Some(text) = text_of(out, line, &decision.matchers) else { continue };
        out.routes.push(json!({ "matchers": text, "service": service_name(&receivers) }));
        let owned: BTreeSet<String> = receivers.iter().map(|name| name.to_string()).collect();
        if !services.iter().any(|(known, _)| *known == owned) {
            services.push((owned, line));
        }
    }
    let mut all = Vec::new();
    flatten(tree, &mut all);
    let at = |line: u64| all.iter().position(|route: &Route| route.line == line).unwrap_or(0);
    let services = services.into_iter().map(|(receivers, line)| (receivers, at(line))).collect();
    Ok(Leaves { services, all })
}

/// Who is told. One that tells nobody is nobody beside others.
fn told<'a>(decision: &Decision<'a>, silent: &[String]) -> BTreeSet<&'a str> {
    let all: BTreeSet<&str> = decision.ends.iter().map(|end| end.receiver.as_str()).collect();
    let loud: BTreeSet<&str> =
        all.iter().copied().filter(|name| !silent.iter().any(|one| one == name)).collect();
    if loud.is_empty() { all } else { loud }
}

/// Matchers as routes have them; the last route, which is there already, has none. Absent where it cannot be said.
fn text_of(out: &mut Import, line: u64, all: &[Matcher]) -> Option<String> {
    const WORDS: &str = "routes know severities by the words critical, error, warning and info";
    let all: Matchers = all.iter().cloned().collect();
    let ours = matchers::for_routes(&all);
    match &ours {
        None => out.note(line, format!("{all}: {WORDS}: not taken over")),
        Some(ours) if *ours != all => out.note(line, format!("{all}: {WORDS}")),
        Some(_) => {}
    }
    ours.map(|ours| if ours.is_empty() { String::new() } else { ours.to_string() })
}

fn flatten(mut route: Route, all: &mut Vec<Route>) {
    let children = std::mem::take(&mut route.children);
    all.push(route);
    children.into_iter().for_each(|child| flatten(child, all));
}

#[derive(Clone, Default)]
struct Inherited {
    receiver: String,
    repeat_seconds: Option<i64>,
    groups_all: bool,
    matchers: Vec<Matcher>,
    before: Vec<Matchers>,
    shared: bool,
}

fn route(out: &mut Import, node: &Node, from: &Inherited, depth: usize) -> Route {
    let own = matchers::read(out, node, "match", "match_re", "matchers");
    let text = |key: &str| node.get(key).and_then(Node::text);
    let repeat = text("repeat_interval").and_then(|text| watchtower_model::parse_duration_ms(text).ok());
    let group_by: Option<Vec<&str>> =
        node.get("group_by").map(|labels| labels.items().iter().filter_map(Node::text).collect());
    say_grouping(out, node, group_by.as_deref());
    let mut below = from.clone();
    below.receiver = text("receiver").unwrap_or(&from.receiver).to_string();
    below.repeat_seconds = repeat.map(|ms| ms / 1000).or(from.repeat_seconds);
    below.groups_all = group_by.map_or(from.groups_all, |labels| labels == ["..."]);
    below.matchers.extend(own.iter().cloned());
    let (receiver, before) = (below.receiver.clone(), below.before.clone());
    let continues = node.get("continue").is_some_and(|node| node.plain() == true);
    let shared = below.shared || continues;
    let nodes = node.get("routes").map_or(&[][..], Node::items);
    if depth == DEPTH_MAX && !nodes.is_empty() {
        out.note(node.line, "routes nested deeper than this are not taken over");
    }
    let mut children = Vec::new();
    for child in nodes.iter().filter(|_| depth < DEPTH_MAX) {
        let child = route(out, child, &below, depth + 1);
        if child.continues {
            below.shared = true;
        } else {
            below.before.push(child.own.clone());
        }
        children.push(child);
    }
    let names = |key: &str| -> Vec<String> {
        node.get(key).into_iter().flat_map(Node::items).filter_map(Node::text).map(String::from).collect()
    };
    if let Some(entry) = node.entry("active_time_intervals") {
        out.note(entry.line, "active_time_intervals: plan maintenance windows for the other times");
    }
    Route {
        line: node.line,
        receiver,
        repeat_seconds: below.repeat_seconds,
        groups_all: below.groups_all,
        mute: names("mute_time_intervals"),
        matchers: below.matchers,
        before,
        has_children: !children.is_empty(),
        shared,
        continues,
        own,
        children,
    }
}

fn say_grouping(out: &mut Import, node: &Node, group_by: Option<&[&str]>) {
    for key in ["group_wait", "group_interval"] {
        if let Some(entry) = node.entry(key) {
            out.note(
                entry.line,
                format!("{key}: the first alert pages at once, those that join its incident do not"),
            );
        }
    }
    let by_name = |labels: &[&str]| labels == ["..."] || labels.contains(&"alertname");
    if let Some(entry) = node.entry("group_by").filter(|_| !group_by.is_some_and(by_name)) {
        out.note(entry.line, "group_by: alerts of one rule that begin together share an incident; those that Prometheus sends do not");
    }
}

/// Decisions in order for the alerts that match this route; the last one takes all of them.
fn decide(route: &Route) -> Vec<Decision<'_>> {
    from_child(route, &route.children, Vec::new())
}

/// `told`: routes that continued before.
fn from_child<'a>(parent: &'a Route, children: &'a [Route], told: Vec<&'a Route>) -> Vec<Decision<'a>> {
    let Some((child, others)) = children.split_first() else {
        let ends = if told.is_empty() { vec![parent] } else { told };
        return vec![Decision { matchers: Vec::new(), ends }];
    };
    let own: Vec<Matcher> = child.own.iter().cloned().collect();
    let mut all = Vec::new();
    for inner in decide(child) {
        let both: Vec<&Route> = told.iter().copied().chain(inner.ends).collect();
        let narrowed = joined(&own, &inner.matchers);
        if child.continues {
            for behind in from_child(parent, others, both) {
                all.push(Decision { matchers: joined(&narrowed, &behind.matchers), ends: behind.ends });
            }
        } else {
            all.push(Decision { matchers: narrowed, ends: both });
        }
        if all.len() > ROUTES_MAX {
            return all;
        }
    }
    // Who matches a child without matchers never comes further.
    if !own.is_empty() {
        all.extend(from_child(parent, others, told));
    }
    all.retain(|one| !matchers::exclude(&one.matchers));
    all
}

fn joined(one: &[Matcher], other: &[Matcher]) -> Vec<Matcher> {
    let mut all = one.to_vec();
    for matcher in other {
        if !all.contains(matcher) {
            all.push(matcher.clone());
        }
    }
    all
}
