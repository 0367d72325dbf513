//! `agent status`: what the hub knows of each server's agent.

use clap::{Arg, Command};

use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column, wide};
use crate::verbs::read::pages;

static SHAPE: Shape = Shape {
    key: "name",
    columns: &[
        column("STATUS", "status", As::State, 0),
        column("SERVER", "name", As::Text, 0),
        column("AGENT", "agent_version", As::Text, 0),
        column("POLICY", "facts.policy", As::Text, 0),
        column("SEEN", "last_report_at", As::Time, 1),
        column("REFUSES", "facts.refuses", As::Text, 2),
        column("REASON", "status_reason", As::Text, 3),
        wide("ARCH", "facts.arch", As::Text),
        wide("OS", "facts.os", As::Text),
        wide("AGENT ID", "agent_id", As::Text),
    ],
};

pub static STATUS: Special = Special {
    args: |command: Command| {
        let on =
            Arg::new("on").long("on").value_name("SELECTOR").help("Servers, such as 'env=prod,role=web'");
        command.about("Version, policy and connection of every agent").arg(on)
    },
    run: |session, matches| {
        let on = matches.get_one::<String>("on").map(|on| ("on", on.clone()));
        let query: Vec<_> = on.into_iter().collect();
        let whole = pages(&session.hub, "server.list", &[], &query, None)?;
        session.print.list(&SHAPE, &whole)?;
        Ok(Exit::Ok)
    },
};
