//! Matchers in the old form (`match`, `match_re`) and the new one, as ours.

use watchtower_matchers::{Matcher, Matchers, Op};

use super::Import;
use crate::config::node::Node;
use crate::output::cell::plain;

/// All three forms of one place, which all have to hold.
pub(super) fn read(out: &mut Import, node: &Node, equal: &str, regex: &str, new: &str) -> Matchers {
    let mut all = Vec::new();
    for (key, op) in [(equal, Op::Eq), (regex, Op::Re)] {
        for entry in node.get(key).map_or(&[][..], Node::entries) {
            match Matcher::new(&entry.name, op, plain(&entry.node.plain())) {
                Ok(matcher) => all.push(matcher),
                Err(error) => out.note(entry.line, format!("{}: {error}", entry.name)),
            }
        }
    }
    let texts = node.get(new).map(|node| match node.items() {
        [] => std::slice::from_ref(node),
        items => items,
    });
    for one in texts.unwrap_or_default().iter().filter(|one| one.text().is_some_and(|text| !text.is_empty()))
    {
        match one.text().unwrap_or_default().parse::<Matchers>() {
            Ok(parsed) => all.extend(parsed.iter().cloned()),
            Err(error) => out.note(one.line, format!("these matchers are not understood: {error}")),
        }
    }
    all.into_iter().collect()
}

/// The word by which routes know a severity that a sender gives in its own.
fn severity(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "critical" | "page" | "emergency" | "fatal" | "disaster" => "critical",
        "warning" | "warn" | "minor" | "ticket" => "warning",
        "info" | "informational" | "none" | "debug" | "notice" => "info",
        _ => "error",
    }
}

/// As routes see labels: a severity by our words. Absent where that cannot be said.
pub(super) fn for_routes(matchers: &Matchers) -> Option<Matchers> {
    matchers.iter().map(for_route).collect()
}

fn for_route(matcher: &Matcher) -> Option<Matcher> {
    if matcher.name() != "severity" {
        return Some(matcher.clone());
    }
    let ours = |words: &str| -> String {
        let mut known: Vec<&str> = Vec::new();
        for word in words.split('|').map(severity) {
            if !known.contains(&word) {
                known.push(word);
            }
        }
        known.join("|")
    };
    let plain = matcher.value().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '|' | '_' | '-'));
    let known = plain && !matcher.value().is_empty();
    known.then(|| Matcher::new("severity", matcher.op(), ours(matcher.value())).ok()).flatten()
}

/// Whether no alert can match both: they want two values of one label.
pub(super) fn exclude(all: &[Matcher]) -> bool {
    all.iter().enumerate().any(|(at, one)| {
        all[at + 1..].iter().any(|other| {
            one.name() == other.name()
                && match (one.op(), other.op()) {
                    (Op::Eq, _) => !other.matches(one.value()),
                    (_, Op::Eq) => !one.matches(other.value()),
                    _ => false,
                }
        })
    })
}
