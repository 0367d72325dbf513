//! `metrics collect`, also `server collect`: a fresh report, now, and how long it took.

use std::time::Instant;

use clap::{Arg, Command};

use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::{Special, find};
use crate::output::cell::seconds;

pub static COLLECT: Special = Special {
    args: |command: Command| {
        let server = Arg::new("server").required(true).value_name("SERVER").help("Id or name");
        command.about(endpoint("server.collect").summary).arg(server)
    },
    run: |session, matches| {
        let name = matches.get_one::<String>("server").cloned().unwrap_or_default();
        let asked = Instant::now();
        let collected = session.hub.call("server.collect", &[&name], &[], None)?;
        let whole = seconds(asked.elapsed().as_secs_f64());
        let shape = find("server").expect("the table has servers").shape;
        if session.print.format.is_text() {
            session.print.object(&shape, &collected["server"]["vitals"])?;
        } else if matches!(session.print.format, crate::output::Format::Csv | crate::output::Format::Name) {
            session.print.object(&shape, &collected["server"])?;
        } else {
            session.print.object(&shape, &collected)?;
        }
        let agent = seconds(collected["round_trip_seconds"].as_f64().unwrap_or(0.0));
        session
            .print
            .say(format!("{} samples; agent and back {agent}, in all {whole}", collected["samples"]));
        Ok(Exit::Ok)
    },
};
