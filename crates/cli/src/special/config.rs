//! `config show`: which hub this command line talks to, and why. The token itself is never shown.

use clap::Command;
use serde_json::json;

use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static SETTINGS: Shape = Shape {
    key: "url",
    columns: &[
        column("URL", "url", As::Text, 0),
        column("FROM", "url_from", As::Text, 1),
        column("TOKEN", "token", As::Text, 0),
        column("FROM", "token_from", As::Text, 1),
        column("FILE", "path", As::Text, 2),
    ],
};

pub static SHOW: Special = Special {
    args: |command: Command| command.about("Show the URL and token in use and where they come from"),
    run: |session, _| {
        let settings = &session.settings;
        let value = json!({
            "url": settings.url,
            "url_from": settings.url_from.as_str(),
            "token": if settings.token.is_some() { "***" } else { "none" },
            "token_from": settings.token_from.as_str(),
            "ca_file": settings.ca_file,
            "path": settings.path,
        });
        session.print.object(&SETTINGS, &value)?;
        Ok(Exit::Ok)
    },
};
