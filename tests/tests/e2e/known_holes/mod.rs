//! Holes that products like this one had, by their names; docs/security.md has the whole table. What all of them had in common is tested
//! elsewhere: every route by every role and every foreign object (`access`), hostile messages (`hostile`), forged and repeated commands
//! (`forged`, `executor`), a stolen hub (`proof::stolen`).

mod agents;
mod people;
mod secrets;
mod listeners;
mod text;
mod outgoing;
mod table;

use serde_json::json;
use watchtower_tests::api::Api;
use watchtower_tests::paging::text;

const PASSWORD: &str = "correct horse battery";

/// A new user: their id, and what they may call.
fn user(api: &Api, name: &str, role: &str) -> (String, Api) {
    let made = api.post("/users", &json!({"name": name, "password": PASSWORD, "role": role}));
    (text(&made["id"]), api.signed_in(name, PASSWORD))
}
