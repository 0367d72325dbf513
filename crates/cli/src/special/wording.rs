//! `channel preview`: what a channel would send, in its own words or in the hub's.

use clap::{Arg, ArgAction, Command, value_parser};
use serde_json::{Value, json};

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::schema::{Schema, only};

static PREVIEWED: Shape = Shape {
    key: "headline",
    columns: &[
        column("HEADLINE", "headline", As::Text, 0),
        column("LINES", "lines", As::Text, 0),
        column("TO", "to", As::Text, 0),
        column("TYPE", "content_type", As::Text, 0),
        column("BODY", "body", As::Text, 0),
        column("NOT YET", "unwritten", As::Text, 0),
    ],
};

pub static PREVIEW: Special = Special {
    args: |command: Command| {
        command.about(endpoint("channel.preview").summary).args([
            Arg::new("channel")
                .value_name("CHANNEL")
                .required_unless_present("file")
                .help("Name or id of one that there is"),
            Arg::new("file")
                .long("file")
                .value_name("FILE")
                .help("One that is to be, or fields over those of CHANNEL: JSON or YAML; - is stdin"),
            Arg::new("incident")
                .long("incident")
                .value_name("NUMBER")
                .value_parser(value_parser!(i64))
                .help("Of this incident; a sample when absent"),
            Arg::new("end")
                .long("end")
                .action(ArgAction::SetTrue)
                .help("The notice that it is over, and not a page"),
        ])
    },
    run: |session, matches| {
        let mut channel = json!({});
        if let Some(name) = matches.get_one::<String>("channel") {
            let stored = session.hub.call("channel.get", &[name], &[], None)?;
            channel = Value::Object(only(&stored, &Schema::new().input(endpoint("channel.update"))));
        }
        if let Some(path) = matches.get_one::<String>("file") {
            let Value::Object(fields) = session.read_json(path)? else {
                return Err(Failure::usage(format!("{path}: must hold one channel")));
            };
            for (name, value) in fields {
                channel[name] = value;
            }
        }
        let incident = matches.get_one::<i64>("incident");
        let body = json!({ "channel": channel, "incident": incident, "end": matches.get_flag("end") });
        let preview = session.hub.call("channel.preview", &[], &[], Some(&body))?;
        session.print.object(&PREVIEWED, &preview)?;
        let failed: Vec<String> = preview["failed"].as_array().into_iter().flatten().map(fault).collect();
        if failed.is_empty() {
            return Ok(Exit::Ok);
        }
        Err(Failure::new(Exit::Failed, "template_failed", failed.join("\n")))
    },
};

/// `page.title, line 1, column 4: ...`
fn fault(failure: &Value) -> String {
    let text = |field: &str| failure[field].as_str().unwrap_or_default().to_string();
    let place = match (failure["line"].as_u64(), failure["column"].as_u64()) {
        (Some(line), Some(column)) => format!(", line {line}, column {column}"),
        _ => String::new(),
    };
    format!("{}{place}: {}", text("template"), text("message"))
}
