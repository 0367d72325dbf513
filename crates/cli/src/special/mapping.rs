//! `integration preview`: what a mapping makes of a body, before anything is saved.

use clap::{Arg, Command};

use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column, wide};

static SIGNALS: Shape = Shape {
    key: "key",
    columns: &[
        column("KEY", "key", As::Text, 0),
        column("OVER", "resolved", As::State, 0),
        column("SEVERITY", "severity", As::State, 1),
        column("TITLE", "title", As::Text, 0),
        column("LABELS", "labels", As::Text, 2),
        wide("DESCRIPTION", "description", As::Text),
    ],
};

pub static PREVIEW: Special = Special {
    args: |command: Command| {
        command.about(endpoint("integration.preview").summary).arg(
            Arg::new("file")
                .long("file")
                .value_name("FILE")
                .required(true)
                .help("JSON or YAML with `mapping`, and `body` as the tool sends it; - is stdin"),
        )
    },
    run: |session, matches| {
        let path = matches.get_one::<String>("file").cloned().unwrap_or_default();
        let body = session.read_json(&path)?;
        let preview = session.hub.call("integration.preview", &[], &[], Some(&body))?;
        session.print.list(&SIGNALS, &preview)?;
        Ok(Exit::Ok)
    },
};
