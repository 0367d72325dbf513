//! `agent binaries` and `agent binary`: the programs that the hub ships, for hosts that are installed by other means.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, Command};
use watchtower_api_types::AgentProgram;

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static SHAPE: Shape = Shape {
    key: "arch",
    columns: &[
        column("ARCH", "arch", As::Text, 0),
        column("VERSION", "version", As::Text, 0),
        column("SIZE", "size_bytes", As::Bytes, 1),
        column("SHA256", "sha256", As::Text, 0),
    ],
};

pub static BINARIES: Special = Special {
    args: |command: Command| command.about(endpoint("agent.binaries").summary),
    run: |session, _| {
        let whole = session.hub.get("agent.binaries", &[])?;
        session.print.list(&SHAPE, &whole)?;
        Ok(Exit::Ok)
    },
};

pub static BINARY: Special = Special {
    args: |command: Command| {
        let arch = Arg::new("arch").required(true).value_name("ARCH").help("x86_64 or aarch64");
        let to = Arg::new("to").long("to").value_name("FILE").help("Write the program there, to be copied");
        command.about(endpoint("agent.binary").summary).args([arch, to])
    },
    run: |session, matches| {
        let arch = matches.get_one::<String>("arch").cloned().unwrap_or_default();
        let value = session.hub.get("agent.binary", &[&arch])?;
        let Some(path) = matches.get_one::<String>("to") else {
            session.print.object(&SHAPE, &value)?;
            return Ok(Exit::Ok);
        };
        let wrong = |what: String| Failure::new(Exit::Failed, "answer", what);
        let program: AgentProgram = serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
        let bytes = STANDARD.decode(program.data).map_err(|e| wrong(e.to_string()))?;
        std::fs::write(path, bytes)?;
        session.print.say(format!("{path}: sha256 {}", program.sha256));
        Ok(Exit::Ok)
    },
};
