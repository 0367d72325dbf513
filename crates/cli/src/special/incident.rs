//! `incident ack`, `note` and `watch`.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use clap::{Arg, Command};
use serde_json::{Value, json};

use super::poll::Patience;
use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::{Noun, Special, find};
use crate::verbs::act::{each, each_plan, names};
use crate::verbs::read::pages;
use crate::verbs::write::plan;
use crate::verbs::{dry_run, many};

const WATCH_PERIOD: Duration = Duration::from_secs(1);

fn noun() -> &'static Noun {
    find("incident").expect("the table has incidents")
}

pub static ACK: Special = Special {
    args: |command: Command| {
        let note = Arg::new("note").long("note").value_name("TEXT").help("Add a note with it");
        command.about(endpoint("incident.ack").summary).args([note, dry_run(), many(noun())])
    },
    run: |session, matches| {
        let names = names(matches, "incident");
        let note = matches.get_one::<String>("note").map(|text| json!({ "text": text }));
        if matches.get_flag("dry-run") {
            return each_plan(
                session,
                names.iter().map(|name| plan("incident.ack", &[name], None)).collect(),
            );
        }
        let several = each(&names, |name| {
            // The acknowledgement first: it is what stops the paging.
            let incident = session.hub.call("incident.ack", &[name], &[], None)?;
            if let Some(note) = &note {
                session.hub.call("incident.note", &[name], &[], Some(note))?;
            }
            Ok(Some(incident))
        });
        several.print(session, noun())
    },
};

pub static NOTE: Special = Special {
    args: |command: Command| {
        command.about(endpoint("incident.note").summary).args([
            Arg::new("incident").required(true).value_name("INCIDENT").help("Number or id"),
            Arg::new("text").required(true).value_name("TEXT").help("The note"),
            dry_run(),
        ])
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("incident").cloned().unwrap_or_default();
        let body = json!({ "text": matches.get_one::<String>("text") });
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![plan("incident.note", &[&name], Some(body))]);
        }
        let entry = session.hub.call("incident.note", &[&name], &[], Some(&body))?;
        session.print.object(&crate::nouns::TIMELINE, &entry)?;
        Ok(Exit::Ok)
    },
};

pub static WATCH: Special = Special {
    args: |command: Command| {
        let severity =
            Arg::new("severity").long("severity").value_name("WORDS").help("Only these; several by comma");
        command.about("Print open incidents, and each change as it happens").arg(severity)
    },
    run: |session, matches| {
        let mut query = vec![("state", "triggered,acknowledged".to_string())];
        query.extend(matches.get_one::<String>("severity").map(|words| ("severity", words.clone())));
        let mut known: BTreeMap<i64, Value> = BTreeMap::new();
        let mut patience = Patience::default();
        loop {
            let answer = pages(&session.hub, "incident.list", &[], &query, None);
            if let Some(open) = patience.take(session, answer)? {
                let mut now: BTreeMap<i64, Value> = BTreeMap::new();
                for incident in open["items"].as_array().into_iter().flatten() {
                    now.insert(incident["number"].as_i64().unwrap_or(0), incident.clone());
                }
                for number in known.keys().filter(|number| !now.contains_key(number)) {
                    let ended = session.hub.get("incident.get", &[&number.to_string()])?;
                    session.print.stream(&noun().shape, &ended)?;
                }
                for (number, incident) in &now {
                    if known.get(number).map(marks) != Some(marks(incident)) {
                        session.print.stream(&noun().shape, incident)?;
                    }
                }
                known = now;
            }
            thread::sleep(WATCH_PERIOD);
        }
    },
};

/// What makes an incident worth printing again.
fn marks(incident: &Value) -> Vec<&Value> {
    ["state", "severity", "title", "acknowledged_by", "alert_count", "repair", "unanswered"]
        .map(|name| &incident[name])
        .to_vec()
}
