//! `incident test`: a drill through the real path, and whether it reached anybody.

use std::thread;
use std::time::{Duration, Instant};

use clap::{Arg, Command};
use serde_json::{Value, json};
use watchtower_model::parse_duration_ms;

use super::poll::Patience;
use crate::failure::{Exit, Failure};
use crate::nouns::{Special, find};
use crate::session::Session;
use crate::verbs::act::{each, each_plan};
use crate::verbs::dry_run;
use crate::verbs::write::plan;

const PERIOD: Duration = Duration::from_millis(500);

pub static TEST: Special = Special {
    args: |command: Command| {
        command.about("Open a drill, marked TEST, and wait for it to reach somebody").args([
            Arg::new("server")
                .long("server")
                .value_name("SERVER")
                .help("Id or name of the server it is about"),
            Arg::new("service")
                .long("service")
                .value_name("SERVICE")
                .help("Id or name; else the routes decide"),
            Arg::new("severity")
                .long("severity")
                .value_name("WORD")
                .default_value("critical")
                .help("How bad it pretends to be"),
            Arg::new("title")
                .long("title")
                .value_name("TEXT")
                .default_value("Drill: nothing is wrong")
                .help("What it says"),
            Arg::new("wait")
                .long("wait")
                .value_parser(["delivered", "acked", "resolved"])
                .help("Wait until a message arrived, a person acknowledged, or it is over"),
            Arg::new("timeout")
                .long("timeout")
                .value_name("DURATION")
                .default_value("5m")
                .help("Longest wait; then exit 7"),
            dry_run(),
        ])
    },
    run: |session, matches| {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let body = json!({
            "title": text("title"), "severity": text("severity"), "server": text("server"),
            "service": text("service"), "test": true,
        });
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![plan("incident.create", &[], Some(body))]);
        }
        let timeout = parse_duration_ms(&text("timeout").unwrap_or_default())
            .map_err(|e| Failure::usage(format!("--timeout: {e}")))?;
        let mut incident = session.hub.call("incident.create", &[], &[], Some(&body))?;
        let number = incident["number"].to_string();
        session.print.say(format!("incident {number} is open; watchtower incident ack {number}"));
        if let Some(wanted) = text("wait") {
            let until = Instant::now() + Duration::from_millis(timeout.unsigned_abs());
            incident = wait(session, &number, &wanted, until)?;
        }
        let several = each(&[number], |_| Ok(Some(incident.clone())));
        several.print(session, find("incident").expect("the table has incidents"))
    },
};

fn wait(session: &mut Session, number: &str, wanted: &str, until: Instant) -> Result<Value, Failure> {
    let mut patience = Patience::default();
    loop {
        let answer = session.hub.get("incident.get", &[number]);
        if let Some(incident) = patience.take(session, answer)?
            && reached(session, number, wanted, &incident)?
        {
            return Ok(incident);
        }
        if Instant::now() >= until {
            let message = format!("incident {number} is not {wanted} in time");
            return Err(Failure::new(Exit::TimedOut, "timeout", message)
                .hint(format!("watchtower incident deliveries {number} tells what became of the messages")));
        }
        thread::sleep(PERIOD);
    }
}

fn reached(session: &Session, number: &str, wanted: &str, incident: &Value) -> Result<bool, Failure> {
    Ok(match wanted {
        // Somebody who resolves at once has answered too.
        "acked" => incident["acknowledged_at"].is_string() || incident["state"] == "resolved",
        "resolved" => incident["state"] == "resolved",
        _ => {
            let deliveries = session.hub.get("incident.deliveries", &[number])?;
            deliveries["items"]
                .as_array()
                .is_some_and(|items| items.iter().any(|item| item["state"] == "delivered"))
        }
    })
}
