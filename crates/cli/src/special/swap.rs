//! `schedule swap|swaps|take-swap`: shifts that their people offer, and others take.

use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use crate::body;
use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::{Field, Kind, Special, field};
use crate::output::cell::{As, Shape, column, wide};
use crate::special::on_call::{OVERRIDE_SHAPE, schedule};
use crate::verbs::act::each_plan;
use crate::verbs::{dry_run, flag, write};

static SWAP: Shape = Shape {
    key: "id",
    columns: &[
        column("USER", "user_id", As::Text, 0),
        column("FROM", "from_at", As::Text, 0),
        column("TO", "to_at", As::Text, 0),
        column("WANTS FROM", "in_return.from_at", As::Text, 1),
        column("WANTS TO", "in_return.to_at", As::Text, 1),
        column("NOTE", "note", As::Text, 2),
        column("ID", "id", As::Text, 0),
        wide("BY", "created_by", As::Text),
        wide("CREATED", "created_at", As::Time),
    ],
};

static OFFER: [Field; 6] = [
    field("user", "user", Kind::Text, "Whose shift, for who may edit schedules; one's own when absent"),
    field("from", "from_at", Kind::Text, "RFC 3339; from the begin of the next shift when absent"),
    field("to", "to_at", Kind::Text, "RFC 3339; to the end of the shift when absent"),
    field("want-from", "in_return.from_at", Kind::Text, "Only against this time of somebody else: its begin"),
    field("want-to", "in_return.to_at", Kind::Text, "And its end"),
    field("note", "note", Kind::Text, "Why, for those who look"),
];

static TAKE: [Field; 1] =
    [field("user", "user", Kind::Text, "Who takes it, for who may edit schedules; oneself when absent")];

pub static ONE: Special = Special {
    args: |command: Command| {
        let flags = OFFER.iter().map(|field| match field.flag {
            "want-from" => flag(field).requires("want-to"),
            "want-to" => flag(field).requires("want-from"),
            _ => flag(field),
        });
        command.about(endpoint("schedule.swap").summary).arg(schedule()).args(flags).arg(dry_run())
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("schedule").map_or("", String::as_str);
        let mut body = Map::new();
        body::fill(session, &OFFER, matches, &mut body)?;
        let body = Value::from(body);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("schedule.swap", &[name], Some(body))]);
        }
        let made = session.hub.call("schedule.swap", &[name], &[], Some(&body))?;
        session.print.object(&SWAP, &made)?;
        Ok(Exit::Ok)
    },
};

pub static ALL: Special = Special {
    args: |command: Command| command.about("Shifts that are offered").arg(schedule()),
    run: |session, matches| {
        let name = matches.get_one::<String>("schedule").map_or("", String::as_str);
        let shown = session.hub.get("schedule.get", &[name])?;
        session.print.list(&SWAP, &json!({ "items": shown["swaps"] }))?;
        Ok(Exit::Ok)
    },
};

pub static ACCEPT: Special = Special {
    args: |command: Command| {
        let swap = Arg::new("swap").required(true).value_name("SWAP").help("Id of the offer");
        command
            .about(endpoint("schedule.take_swap").summary)
            .args([schedule(), swap])
            .args(TAKE.iter().map(flag))
            .arg(dry_run())
    },
    run: |session, matches| {
        let word = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
        let args = [word("schedule"), word("swap")];
        let mut body = Map::new();
        body::fill(session, &TAKE, matches, &mut body)?;
        let body = Value::from(body);
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![write::plan("schedule.take_swap", &args, Some(body))]);
        }
        let taken = session.hub.call("schedule.take_swap", &args, &[], Some(&body))?;
        session.print.list(&OVERRIDE_SHAPE, &json!({ "items": taken["overrides"] }))?;
        Ok(Exit::Ok)
    },
};
