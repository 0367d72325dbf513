//! `completion SHELL`: the script for the shell, made from the command tree.

use clap::{Arg, Command, value_parser};
use clap_complete::Shell;
use serde_json::json;

use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::Format;
use crate::output::cell::{As, Shape, column};

static SCRIPT: Shape = Shape {
    key: "shell",
    columns: &[column("SHELL", "shell", As::Text, 0), column("SCRIPT", "script", As::Text, 0)],
};

pub static COMPLETION: Special = Special {
    args: |command: Command| {
        let shell = Arg::new("shell").required(true).value_name("SHELL").value_parser(value_parser!(Shell));
        command.about("Print the completion script of a shell").arg(shell.help("Which shell"))
    },
    run: |session, matches| {
        let shell = matches.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
        let mut script = Vec::new();
        let mut root = session.root.clone();
        clap_complete::generate(shell, &mut root, "watchtower", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        if matches!(session.print.format, Format::Table | Format::Wide | Format::Name) {
            session.print.put(&script)?;
        } else {
            session.print.object(&SCRIPT, &json!({ "shell": shell.to_string(), "script": script }))?;
        }
        Ok(Exit::Ok)
    },
};
