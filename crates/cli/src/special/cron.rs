//! `automation preview|firings|fire`: what a cron expression means, what became of its due times, and one more by hand.

use clap::{Arg, Command};
use serde_json::{Value, json};

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::Format;
use crate::output::cell::{As, Shape, column, wide};
use crate::verbs::act::each_plan;
use crate::verbs::{dry_run, write};

static TIMES: Shape = Shape {
    key: "at",
    columns: &[
        column("LOCAL", "local", As::Text, 0),
        column("UTC", "at", As::Text, 0),
        column("WHEN", "at", As::Time, 1),
    ],
};

static FIRING: Shape = Shape {
    key: "due_at",
    columns: &[
        column("DUE", "due_at", As::Text, 0),
        column("STATE", "state", As::State, 0),
        column("RUN", "run_number", As::Text, 0),
        column("REASON", "reason", As::Text, 1),
        column("LEFT OUT", "left_out", As::Text, 2),
        column("BY", "by", As::Text, 3),
        wide("MISSED BEFORE", "passed", As::Text),
        wide("FINISHED", "finished_at", As::Time),
        wide("ID", "id", As::Text),
    ],
};

pub static PREVIEW: Special = Special {
    args: |command: Command| {
        command.about(endpoint("automation.preview").summary).args([
            Arg::new("cron").required(true).value_name("CRON").help("Five fields, or @hourly to @yearly"),
            Arg::new("timezone")
                .long("timezone")
                .value_name("ZONE")
                .help("Such as Europe/Berlin; UTC when absent"),
        ])
    },
    run: |session, matches| {
        let text = |name: &str| matches.get_one::<String>(name);
        let body = json!({ "cron": text("cron"), "timezone": text("timezone") });
        let preview = session.hub.call("automation.preview", &[], &[], Some(&body))?;
        if let Some(error) = preview["error"].as_str() {
            let field = preview["error_field"].as_str().unwrap_or("cron");
            return Err(Failure::new(Exit::Validation, "validation", format!("{field}: {error}")));
        }
        if session.print.format.is_text() || session.print.format == Format::Csv {
            session.print.list(&TIMES, &json!({ "items": preview["next"] }))?;
            session.print.say(preview["words"].as_str().unwrap_or_default());
        } else {
            session.print.object(&TIMES, &preview)?;
        }
        Ok(Exit::Ok)
    },
};

fn automation() -> Arg {
    Arg::new("automation").required(true).value_name("AUTOMATION").help("Id or name")
}

pub static FIRINGS: Special = Special {
    args: |command: Command| {
        command.about("What became of the last due times of a cron trigger, newest first").arg(automation())
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("automation").map_or("", String::as_str);
        let automation = session.hub.get("automation.get", &[name])?;
        if automation["trigger"]["cron"].is_null() {
            let text = format!("automation {name} acts on alerts, not by the clock");
            return Err(Failure::new(Exit::Conflict, "conflict", text));
        }
        let firings = automation.get("firings").cloned().unwrap_or_else(|| json!([]));
        session.print.list(&FIRING, &json!({ "items": firings }))?;
        Ok(Exit::Ok)
    },
};

pub static FIRE: Special = Special {
    args: |command: Command| {
        command.about(endpoint("automation.fire").summary).arg(automation()).arg(dry_run())
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("automation").map_or("", String::as_str);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("automation.fire", &[name], None)]);
        }
        let firing: Value = session.hub.call("automation.fire", &[name], &[], None)?;
        session.print.object(&FIRING, &firing)?;
        Ok(if firing["state"] == "skipped" { Exit::Finding } else { Exit::Ok })
    },
};
