//! `run halt|resume|halted`: the switch that stops all work on servers. `incident held|release`: the one that holds messages to people.

use clap::{Arg, Command};
use serde_json::json;

use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static SHAPE: Shape = Shape {
    key: "on",
    columns: &[
        column("HALTED", "on", As::State, 0),
        column("BY", "by", As::Text, 0),
        column("SINCE", "since", As::Time, 0),
        column("REASON", "reason", As::Text, 0),
    ],
};

pub static HALT: Special = Special {
    args: |command: Command| {
        let reason = Arg::new("reason").required(true).value_name("REASON");
        command
            .about(endpoint("halt.begin").summary)
            .arg(reason.help("Why, for those who find everything stopped"))
    },
    run: |session, matches| {
        let body = json!({ "reason": matches.get_one::<String>("reason") });
        let halt = session.hub.call("halt.begin", &[], &[], Some(&body))?;
        session.print.object(&SHAPE, &halt)?;
        Ok(Exit::Ok)
    },
};

pub static RESUME: Special = Special {
    args: |command: Command| command.about(endpoint("halt.end").summary),
    run: |session, _| {
        session.hub.call("halt.end", &[], &[], None)?;
        session.print.say("work on servers may begin again");
        Ok(Exit::Ok)
    },
};

pub static HALTED: Special = Special {
    args: |command: Command| command.about(endpoint("halt.get").summary),
    run: |session, _| {
        let halt = session.hub.get("halt.get", &[])?;
        session.print.object(&SHAPE, &halt)?;
        Ok(Exit::Ok)
    },
};

static HOLD: Shape = Shape {
    key: "on",
    columns: &[
        column("HELD", "on", As::State, 0),
        column("BY", "by", As::Text, 0),
        column("SINCE", "since", As::Time, 0),
        column("REASON", "reason", As::Text, 0),
    ],
};

pub static HELD: Special = Special {
    args: |command: Command| command.about(endpoint("page_hold.get").summary),
    run: |session, _| {
        let hold = session.hub.get("page_hold.get", &[])?;
        session.print.object(&HOLD, &hold)?;
        Ok(Exit::Ok)
    },
};

pub static RELEASE: Special = Special {
    args: |command: Command| command.about(endpoint("page_hold.end").summary),
    run: |session, _| {
        session.hub.call("page_hold.end", &[], &[], None)?;
        session.print.say("messages to people are sent again");
        Ok(Exit::Ok)
    },
};
