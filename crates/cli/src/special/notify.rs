//! `user notify` and `service page-plan`: how pages reach oneself, and whom a page would reach.

use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use crate::body;
use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::{Field, Kind, Special, field};
use crate::output::cell::{As, Shape, column, wide};
use crate::session::Session;
use crate::verbs::act::each_plan;
use crate::verbs::read::pages;
use crate::verbs::{dry_run, flag, write};

static RULES: Shape = Shape {
    key: "channel",
    columns: &[
        column("URGENCY", "urgency", As::Text, 0),
        column("AFTER", "delay_seconds", As::Seconds, 0),
        column("CHANNEL", "channel", As::Text, 0),
        column("TO COMPLETION", "run_to_completion", As::State, 1),
        wide("ID", "channel_id", As::Text),
    ],
};

static FIELD: Field = field(
    "set",
    "notify_rules",
    Kind::NotifyRules,
    "A rule as URGENCY:DELAY:CHANNEL, such as high:5m:sms-ana (high:5m:to-completion:sms-ana also when the next step has begun); repeat for more. All others go; an empty text takes all away",
);

/// With the names of channels, which the rules have ids of.
fn show(session: &mut Session, user: &Value) -> Done {
    let channels = pages(&session.hub, "channel.list", &[], &[], None)?;
    let channels = channels["items"].as_array().cloned().unwrap_or_default();
    let mut rules = user["notify_rules"].as_array().cloned().unwrap_or_default();
    for rule in &mut rules {
        let channel = channels.iter().find(|channel| channel["id"] == rule["channel_id"]);
        rule["channel"] = channel.map_or(Value::Null, |channel| channel["name"].clone());
        if rule["urgency"].is_null() {
            rule["urgency"] = "any".into();
        }
    }
    if rules.is_empty() {
        session.print.say("no rules: every page goes to all of your channels at once");
    }
    session.print.list(&RULES, &json!({ "items": rules }))?;
    Ok(Exit::Ok)
}

pub static NOTIFY: Special = Special {
    args: |command: Command| {
        command.about(endpoint("me.notify_rules").summary).args([flag(&FIELD), dry_run()])
    },
    run: |session, matches| {
        if !matches.contains_id("set") {
            let me = session.hub.get("me", &[])?;
            if me["user"].is_null() {
                return Err(Failure::usage("a token is nobody who could be paged")
                    .hint("`user get NAME` shows a person's rules, `user edit NAME --notify` changes them"));
            }
            return show(session, &me["user"]);
        }
        let mut body = Map::new();
        body::fill(session, std::slice::from_ref(&FIELD), matches, &mut body)?;
        let body = Value::from(body);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("me.notify_rules", &[], Some(body))]);
        }
        let user = session.hub.call("me.notify_rules", &[], &[], Some(&body))?;
        show(session, &user)
    },
};

static MESSAGES: Shape = Shape {
    key: "channel",
    columns: &[
        column("AFTER", "after_seconds", As::Seconds, 0),
        column("STEP", "step", As::Text, 0),
        column("PERSON", "person", As::Text, 0),
        column("CHANNEL", "channel", As::Text, 0),
        column("TARGET", "target", As::Text, 1),
        wide("CHANNEL ID", "channel_id", As::Text),
    ],
};

pub static PAGE_PLAN: Special = Special {
    args: |command: Command| {
        command.about(endpoint("service.page_plan").summary).args([
            Arg::new("service").required(true).value_name("SERVICE").help("Id or name"),
            Arg::new("urgency")
                .long("urgency")
                .value_parser(["high", "low"])
                .default_value("high")
                .help("high is of severity error and critical"),
            Arg::new("at")
                .long("at")
                .value_name("TIME")
                .help("Then instead of now: RFC 3339, or like now+2d"),
        ])
    },
    run: |session, matches| {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let query: Vec<(&str, String)> =
            ["urgency", "at"].into_iter().filter_map(|name| Some((name, text(name)?))).collect();
        let service = text("service").unwrap_or_default();
        let plan = session.hub.call("service.page_plan", &[&service], &query, None)?;
        if session.print.format.is_text() {
            session.print.list(&MESSAGES, &json!({ "items": plan["messages"] }))?;
            session.print.say(format!("then: {}", plan["then"].as_str().unwrap_or_default()));
            for warning in plan["warnings"].as_array().into_iter().flatten() {
                session.print.say(format!("warning: {}", warning.as_str().unwrap_or_default()));
            }
        } else {
            session.print.object(&MESSAGES, &plan)?;
        }
        Ok(Exit::Ok)
    },
};
