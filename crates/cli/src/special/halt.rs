//! `run halt|resume|halted`: the switch that stops all work on servers.

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
