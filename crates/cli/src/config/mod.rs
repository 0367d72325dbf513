//! Configuration as code: what a hub has, written to files, compared with them, and made to be as they say.
//!
//! Invariant: nothing here knows a noun but the table below: fields, references and their names come from the API's own description.

mod against;
mod alertmanager;
pub mod apply;
pub mod commands;
mod compare;
mod export;
mod file;
pub mod import;
mod names;
mod nearest;
mod node;
mod plan;
mod print;
mod shape;
mod wanted;
mod yaml;

use serde_json::Value;
use watchtower_matchers::Matchers;

use crate::nouns::{self, Noun};

/// A noun that files hold.
pub struct Kept {
    /// In the table of nouns.
    pub name: &'static str,
    /// In files.
    pub key: &'static str,
    /// The field whose texts may be secrets: they are never shown, and may be given by `env` or `file`.
    pub secrets: Option<&'static str>,
}

const fn kept(name: &'static str, key: &'static str) -> Kept {
    Kept { name, key, secrets: None }
}

/// Each refers only to those before it.
pub static KEPT: &[Kept] = &[
    kept("team", "teams"),
    Kept { secrets: Some("config"), ..kept("channel", "channels") },
    kept("schedule", "schedules"),
    kept("policy", "policies"),
    kept("service", "services"),
    kept("route", "routes"),
    kept("integration", "integrations"),
    kept("heartbeat", "heartbeats"),
    kept("rule", "rules"),
    kept("script", "scripts"),
    Kept { secrets: Some("parameters"), ..kept("automation", "automations") },
    kept("maintenance", "maintenance_windows"),
    kept("inhibition", "inhibitions"),
];

impl Kept {
    pub fn noun(&self) -> &'static Noun {
        nouns::find(self.name).expect("what is kept is in the table of nouns; a test looks each up")
    }
}

/// By which an object of a file is the one that the hub has. Routes have no name, and are known by their matchers.
pub fn identity(noun: &str, object: &Value) -> String {
    match noun {
        "route" => canonical(object["matchers"].as_str().unwrap_or_default()),
        _ => object["name"].as_str().unwrap_or_default().to_string(),
    }
}

/// Matchers as the hub writes them: two texts of the same ones are one.
pub fn canonical(matchers: &str) -> String {
    matchers.parse::<Matchers>().map_or_else(|_| matchers.to_string(), |parsed| parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::endpoint;
    use crate::nouns::{Does, NOUNS};
    use crate::schema::Schema;
    use shape::Part;

    /// Nouns that `apply` takes and files do not hold: machines come and go, and people have passwords.
    const NOT_KEPT: [&str; 2] = ["server", "user"];

    #[test]
    fn every_noun_that_can_be_applied_is_kept() {
        for noun in NOUNS.iter().filter(|noun| noun.verbs.iter().any(|verb| matches!(verb.does, Does::Apply)))
        {
            let is_kept = KEPT.iter().any(|kept| kept.name == noun.name);
            assert_ne!(is_kept, NOT_KEPT.contains(&noun.name), "{}", noun.name);
        }
        for kept in KEPT {
            assert_eq!(kept.noun().name, kept.name);
        }
    }

    fn references(part: Part, found: &mut Vec<String>) {
        found.extend(part.refers_to());
        part.items().into_iter().for_each(|items| references(items, found));
        part.fields(None).into_iter().for_each(|(_, field)| references(field, found));
    }

    #[test]
    fn what_is_referred_to_comes_before() {
        let schema = Schema::new();
        for (place, one) in KEPT.iter().enumerate() {
            let mut found = Vec::new();
            references(Part::body(&schema, endpoint(&one.noun().endpoint("create"))), &mut found);
            for noun in found.into_iter().filter(|noun| noun != "user") {
                let before = KEPT[..place].iter().any(|kept| kept.name == noun);
                assert!(before, "{} refers to {noun}", one.name);
            }
        }
    }
}
