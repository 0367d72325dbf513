//! `on-call`, `schedule on-call|override|calendar`: who is on call, changes for a while, and the link for calendars.

use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use crate::body;
use crate::client::endpoint;
use crate::failure::{Done, Exit};
use crate::nouns::{Field, Kind, Special, field};
use crate::output::Format;
use crate::output::cell::{As, Shape, column, wide};
use crate::session::Session;
use crate::verbs::act::each_plan;
use crate::verbs::read::pages;
use crate::verbs::{dry_run, flag, write};

static PEOPLE: Shape = Shape {
    key: "user",
    columns: &[
        column("SCHEDULE", "schedule", As::Text, 0),
        column("ON CALL", "user", As::Text, 0),
        column("UNTIL", "until", As::Text, 1),
        column("ZONE", "timezone", As::Text, 3),
        column("LAYER", "layer", As::Text, 2),
        wide("UNTIL AT", "until_at", As::Text),
        wide("OVERRIDE", "override_id", As::Text),
    ],
};

pub static OVERRIDE_SHAPE: Shape = Shape {
    key: "id",
    columns: &[
        column("KIND", "kind", As::Text, 0),
        column("USER", "user_id", As::Text, 0),
        column("INSTEAD OF", "instead_of_id", As::Text, 1),
        column("FROM", "from_at", As::Text, 0),
        column("TO", "to_at", As::Text, 0),
        column("ID", "id", As::Text, 0),
    ],
};

static LINK: Shape = Shape { key: "url", columns: &[column("URL", "url", As::Text, 0)] };

pub fn schedule() -> Arg {
    Arg::new("schedule").required(true).value_name("SCHEDULE").help("Id or name")
}

fn at() -> Arg {
    Arg::new("at").long("at").value_name("TIME").help("Then instead of now: RFC 3339, or like now+2d")
}

/// A row for each person, and one that says so where nobody is.
fn rows(schedules: &[Value]) -> Vec<Value> {
    let mut rows = Vec::new();
    for schedule in schedules {
        let (name, zone) = (&schedule["schedule"], &schedule["timezone"]);
        let people = schedule["on_call"].as_array().map_or(&[][..], Vec::as_slice);
        if people.is_empty() {
            rows.push(json!({ "schedule": name, "timezone": zone, "user": "nobody" }));
        }
        for person in people {
            let mut row = person.clone();
            row["schedule"] = name.clone();
            row["timezone"] = zone.clone();
            rows.push(row);
        }
    }
    rows
}

fn print(session: &mut Session, whole: &Value, schedules: &[Value]) -> Done {
    let by_person =
        session.print.format.is_text() || matches!(session.print.format, Format::Csv | Format::Name);
    if by_person {
        session.print.list(&PEOPLE, &json!({ "items": rows(schedules) }))?;
    } else if whole["items"].is_array() {
        session.print.list(&PEOPLE, whole)?;
    } else {
        session.print.object(&PEOPLE, whole)?;
    }
    for schedule in schedules {
        for warning in schedule["warnings"].as_array().into_iter().flatten() {
            let name = schedule["schedule"].as_str().unwrap_or_default();
            session.print.say(format!("{name}: {}", warning.as_str().unwrap_or_default()));
        }
    }
    Ok(Exit::Ok)
}

fn query(matches: &clap::ArgMatches) -> Vec<(&'static str, String)> {
    matches.get_one::<String>("at").map(|at| ("at", at.clone())).into_iter().collect()
}

pub static ALL: Special = Special {
    args: |command: Command| command.about(endpoint("on_call.list").summary).arg(at()),
    run: |session, matches| {
        let whole = pages(&session.hub, "on_call.list", &[], &query(matches), None)?;
        let schedules = whole["items"].as_array().cloned().unwrap_or_default();
        print(session, &whole, &schedules)
    },
};

pub static ONE: Special = Special {
    args: |command: Command| command.about(endpoint("schedule.on_call").summary).args([schedule(), at()]),
    run: |session, matches| {
        let name = matches.get_one::<String>("schedule").map_or("", String::as_str);
        let one = session.hub.call("schedule.on_call", &[name], &query(matches), None)?;
        print(session, &one, std::slice::from_ref(&one))
    },
};

static FIELDS: [Field; 6] = [
    field("kind", "kind", Kind::Words(&["add", "remove", "replace"]), "replace when absent"),
    field("user", "user", Kind::Text, "Id or name of who is added, removed, or steps in"),
    field("instead-of", "instead_of", Kind::Text, "Whose place is taken; everybody's when absent"),
    field("from", "from_at", Kind::Text, "RFC 3339; now when absent"),
    field("to", "to_at", Kind::Text, "RFC 3339"),
    field("for", "to_at", Kind::Until, "From now on for so long, in place of --to"),
];

pub static OVERRIDE: Special = Special {
    args: |command: Command| {
        let flags = FIELDS.iter().map(|field| {
            let flag = flag(field);
            match field.flag {
                "user" => flag.required(true),
                "to" => flag.conflicts_with("for"),
                _ => flag,
            }
        });
        command.about(endpoint("schedule.override").summary).arg(schedule()).args(flags).arg(dry_run())
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("schedule").map_or("", String::as_str);
        let mut body = Map::from_iter([("kind".to_string(), "replace".into())]);
        body::fill(session, &FIELDS, matches, &mut body)?;
        let body = Value::from(body);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("schedule.override", &[name], Some(body))]);
        }
        let made = session.hub.call("schedule.override", &[name], &[], Some(&body))?;
        session.print.object(&OVERRIDE_SHAPE, &made)?;
        Ok(Exit::Ok)
    },
};

pub static CALENDAR: Special = Special {
    args: |command: Command| {
        command.about(endpoint("schedule.calendar").summary).args([schedule(), dry_run()])
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("schedule").map_or("", String::as_str);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("schedule.calendar", &[name], None)]);
        }
        let link = session.hub.call("schedule.calendar", &[name], &[], None)?;
        session.print.object(&LINK, &link)?;
        Ok(Exit::Ok)
    },
};
