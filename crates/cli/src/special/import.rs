//! `rule import`: rule files of Prometheus, as they are.

use clap::{Arg, ArgAction, Command};
use serde_json::json;

use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::verbs::dry_run;

static RULES: Shape = Shape {
    key: "name",
    columns: &[
        column("RULE", "name", As::Text, 0),
        column("GROUP", "group", As::Text, 1),
        column("KIND", "kind", As::Text, 1),
        column("RESULT", "outcome", As::State, 0),
    ],
};

pub static IMPORT: Special = Special {
    args: |command: Command| {
        command.about(endpoint("rule.import").summary).args([
            Arg::new("file").required(true).value_name("FILE").help("A rule file, or - for standard input"),
            Arg::new("paging")
                .long("paging")
                .action(ArgAction::SetTrue)
                .help("Alerts of new rules page; else they are visible only"),
            dry_run(),
        ])
    },
    run: |session, matches| {
        let file = matches.get_one::<String>("file").cloned().unwrap_or_default();
        let body = json!({
            "text": session.read(&file)?,
            "paging": matches.get_flag("paging"),
            "dry_run": matches.get_flag("dry-run"),
        });
        let import = session.hub.call("rule.import", &[], &[], Some(&body))?;
        let problems = import["problems"].as_array().cloned().unwrap_or_default();
        if problems.is_empty() {
            session.print.list(&RULES, &json!({ "items": import["rules"] }))?;
            return Ok(Exit::Ok);
        }
        let text = |field: &serde_json::Value| field.as_str().unwrap_or("").to_string();
        let lines = problems.iter().map(|problem| match text(&problem["rule"]).as_str() {
            "" => format!("  {}", text(&problem["message"])),
            rule => format!("  {rule}: {}", text(&problem["message"])),
        });
        let lines: Vec<String> = lines.collect();
        let message = format!("{file} was not taken over, nothing has changed:\n{}", lines.join("\n"));
        Err(Failure::new(Exit::Validation, "rule_file", message))
    },
};
