//! `config import`: other tools' configuration as a file to read and then apply. It asks no hub.

use clap::{Arg, Command};

use super::alertmanager;
use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static IMPORTED: Shape = Shape { key: "name", columns: &[column("FILE", "text", As::Text, 0)] };

pub static IMPORT: Special = Special {
    args: |command: Command| {
        command.about("Print another tool's configuration as a file that `config apply` takes").args([
            Arg::new("tool")
                .required(true)
                .value_name("TOOL")
                .value_parser(["alertmanager"])
                .help("Whose it is"),
            Arg::new("file")
                .required(true)
                .value_name("FILE")
                .help("An alertmanager.yml, or - for standard input"),
        ])
    },
    run: |session, matches| {
        let file = matches.get_one::<String>("file").cloned().unwrap_or_default();
        let import = alertmanager::import(&file, &session.read(&file)?)?;
        if session.print.format.is_text() || session.print.format == crate::output::Format::Yaml {
            session.print.put(&alertmanager::text(&import, &file))?;
        } else {
            session.print.object(&IMPORTED, &alertmanager::value(&import))?;
        }
        Ok(Exit::Ok)
    },
};
