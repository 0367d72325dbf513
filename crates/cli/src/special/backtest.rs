//! `rule backtest`: what a rule would have done in the last days, and on which servers.

use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

use crate::body::seconds;
use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static SERVERS: Shape = Shape {
    key: "server",
    columns: &[
        column("SERVER", "server", As::Text, 0),
        column("FIRED", "would_have_fired", As::Text, 0),
        column("SECONDS", "firing_seconds", As::Text, 0),
        column("FIRST", "first_fired_at", As::Time, 1),
        column("LAST", "last_fired_at", As::Time, 0),
    ],
};

/// What of a rule decides when it fires.
const FIELDS: [&str; 4] = ["expr", "recover_expr", "for_seconds", "keep_firing_for_seconds"];

pub static BACKTEST: Special = Special {
    args: |command: Command| {
        command.about(endpoint("rule.backtest").summary).args([
            Arg::new("rule").required(true).value_name("RULE").help("A metric rule, by name or id"),
            Arg::new("window")
                .long("window")
                .value_name("DURATION")
                .help("How far to look back; 7d, at most 15d"),
            Arg::new("for").long("for").value_name("DURATION").help("In place of the rule's own"),
            Arg::new("expr").long("expr").value_name("EXPR").help("In place of the rule's own"),
            Arg::new("fail-if-fires")
                .long("fail-if-fires")
                .action(ArgAction::SetTrue)
                .help("Exit 10 when it would have fired"),
        ])
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("rule").cloned().unwrap_or_default();
        let rule = session.hub.call("rule.get", &[name.as_str()], &[], None)?;
        if rule["kind"] != "metric" {
            return Err(Failure::usage(format!(
                "{name} is no metric rule: only their past is stored as samples"
            )));
        }
        let mut body = json!({});
        for field in FIELDS.iter().filter(|field| !rule[**field].is_null()) {
            body[*field] = rule[*field].clone();
        }
        if let Some(expr) = matches.get_one::<String>("expr") {
            body["expr"] = json!(expr);
        }
        for (flag, field) in [("for", "for_seconds"), ("window", "window_seconds")] {
            if let Some(text) = matches.get_one::<String>(flag) {
                body[field] =
                    seconds(text).ok_or_else(|| Failure::usage(format!("--{flag}: must be a duration")))?;
            }
        }
        let past = session.hub.call("rule.backtest", &[], &[], Some(&body))?;
        let fired = past["would_have_fired"].as_u64().unwrap_or(0);
        if session.print.format.is_text() || session.print.format == crate::output::Format::Csv {
            session.print.list(&SERVERS, &json!({ "items": past["servers"] }))?;
            let servers =
                past["servers"].as_array().map_or(0, Vec::len) as u64 + past["more"].as_u64().unwrap_or(0);
            let text = |field: &str| past[field].as_str().unwrap_or("").to_string();
            session.print.say(format!(
                "{name} would have fired {fired} times on {servers} servers from {} to {}, looked at every {} s",
                text("from_at"),
                text("to_at"),
                past["step_seconds"].as_f64().unwrap_or(0.0)
            ));
        } else {
            session.print.object(&SERVERS, &Value::clone(&past))?;
        }
        Ok(if matches.get_flag("fail-if-fires") && fired > 0 { Exit::Finding } else { Exit::Ok })
    },
};
