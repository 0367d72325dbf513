//! `run start|exec|output|watch` and `script run`: start, then stream until the end, unless `--detach`.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::follow::{follow, safe};
use crate::body::{fill, seconds};
use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::{Kind, Special, field, find};
use crate::output::Format;
use crate::output::cell::{As, Shape, column};
use crate::session::Session;
use crate::verbs::{dry_run, flag};

static PLAN: Shape = Shape {
    key: "script",
    columns: &[
        column("SCRIPT", "script", As::Text, 0),
        column("SERVERS", "servers", As::Text, 0),
        column("UNAVAILABLE", "unavailable", As::Text, 1),
        column("ENVIRONMENT", "environment", As::Text, 2),
    ],
};
static OUTPUT_SHAPE: Shape = Shape {
    key: "sequence",
    columns: &[
        column("SERVER", "server", As::Text, 0),
        column("STREAM", "stream", As::Text, 0),
        column("TEXT", "text", As::Text, 0),
    ],
};

static FOLDED_SHAPE: Shape = Shape {
    key: "servers",
    columns: &[
        column("SERVERS", "servers", As::Text, 0),
        column("STATE", "state", As::State, 0),
        column("EXIT", "exit_code", As::Text, 1),
        column("TEXT", "text", As::Text, 0),
    ],
};
/// Servers named before an output that several have in common.
const NAMED: usize = 8;

/// How the run goes over its servers.
const ROLLOUT: [crate::nouns::Field; 4] = [
    field("canary", "rollout.canary", Kind::Text, "So many servers first, such as 1 or 10%"),
    field("at-once", "rollout.at_once", Kind::Text, "So many servers at any time, such as 5 or 20%"),
    field(
        "max-failures",
        "rollout.max_failures",
        Kind::Text,
        "Start nothing more after more failures than this",
    ),
    field("one-per", "rollout.one_per", Kind::Text, "One server at a time of those that share this label"),
];
const PARAMETER: crate::nouns::Field = field("parameter", "parameters", Kind::Map, "Parameter as NAME=value");

fn targets(command: Command) -> Command {
    command
        .args([
            Arg::new("on")
                .long("on")
                .required(true)
                .value_name("SELECTOR")
                .help("Servers, such as 'env=prod,role=web'"),
            Arg::new("timeout").long("timeout").value_name("DURATION").help("Longest time on a server"),
            Arg::new("detach").long("detach").action(ArgAction::SetTrue).help("Do not wait for the end"),
            Arg::new("approval")
                .long("approval")
                .action(ArgAction::SetTrue)
                .help("Start only when somebody else approves it"),
            dry_run(),
        ])
        .args(ROLLOUT.iter().map(flag))
}

fn script_args(command: Command) -> Command {
    targets(command.about(endpoint("run.create").summary)).args([
        Arg::new("script").required(true).value_name("SCRIPT").help("Id or name"),
        Arg::new("version")
            .long("version")
            .value_name("N")
            .value_parser(clap::value_parser!(i64))
            .help("The newest when absent"),
        Arg::new("incident")
            .long("incident")
            .value_name("N")
            .value_parser(clap::value_parser!(i64))
            .help("Incident this is for"),
        flag(&PARAMETER),
    ])
}

pub static START: Special = Special { args: script_args, run: start };
pub static SCRIPT_RUN: Special = Special { args: script_args, run: start };

fn start(session: &mut Session, matches: &ArgMatches) -> Done {
    let mut body = common(session, matches)?;
    body.insert("script".into(), json!(matches.get_one::<String>("script")));
    for name in ["version", "incident"] {
        if let Some(number) = matches.get_one::<i64>(name) {
            body.insert(name.into(), (*number).into());
        }
    }
    fill(session, &[PARAMETER], matches, &mut body)?;
    begin(session, "run.create", body, matches)
}

pub static EXEC: Special = Special {
    args: |command: Command| {
        let words = Arg::new("command").required(true).last(true).num_args(1..).value_name("COMMAND");
        targets(command.about(endpoint("run.exec").summary))
            .arg(words.help("Program and arguments, after --"))
    },
    run: |session, matches| {
        let mut body = common(session, matches)?;
        let words: Vec<&String> = matches.get_many::<String>("command").into_iter().flatten().collect();
        body.insert("command".into(), json!(words));
        begin(session, "run.exec", body, matches)
    },
};

pub static UPDATE_AGENTS: Special = Special {
    args: |command: Command| targets(command.about(endpoint("run.update_agents").summary)),
    run: |session, matches| {
        let mut body = common(session, matches)?;
        body.remove("timeout_seconds");
        begin(session, "run.update_agents", body, matches)
    },
};

fn common(session: &mut Session, matches: &ArgMatches) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
    fill(session, &ROLLOUT, matches, &mut body)?;
    if matches.get_flag("approval") {
        body.insert("needs_approval".into(), true.into());
    }
    body.insert("on".into(), json!(matches.get_one::<String>("on")));
    body.insert("dry_run".into(), matches.get_flag("dry-run").into());
    if let Some(text) = matches.get_one::<String>("timeout") {
        let timeout =
            seconds(text).ok_or_else(|| Failure::usage("--timeout: must be a duration such as 5m"))?;
        body.insert("timeout_seconds".into(), timeout);
    }
    Ok(body)
}

fn begin(session: &mut Session, id: &str, body: Map<String, Value>, matches: &ArgMatches) -> Done {
    let started = session.hub.call(id, &[], &[], Some(&body.into()))?;
    if matches.get_flag("dry-run") {
        session.print.object(&PLAN, &started["plan"])?;
        return Ok(Exit::Ok);
    }
    for server in started["plan"]["unavailable"].as_array().into_iter().flatten() {
        session.print.say(format!("not available: {}", server.as_str().unwrap_or("?")));
    }
    let run = &started["run"];
    let Some(number) = run["number"].as_i64().map(|number| number.to_string()) else {
        return Err(Failure::new(Exit::Failed, "not_started", "nothing was started"));
    };
    let awaits = run["state"] == "awaiting_approval";
    if awaits {
        session.print.say(format!(
            "run {number} waits until somebody else says: watchtower run approve {number}; then: watchtower run watch {number}"
        ));
    }
    if awaits || matches.get_flag("detach") {
        session.print.object(&find("run").expect("the table has runs").shape, run)?;
        return Ok(Exit::Ok);
    }
    session.print.say(format!(
        "run {number} goes on if you stop watching; again: watchtower run watch {number}, stop it: watchtower run cancel {number}"
    ));
    follow(session, &number)
}

fn run_arg() -> Arg {
    Arg::new("run").required(true).value_name("RUN").help("Number or id")
}

pub static WATCH: Special = Special {
    args: |command: Command| command.about("Stream a run's output until it ends").arg(run_arg()),
    run: |session, matches| {
        let number = matches.get_one::<String>("run").cloned().unwrap_or_default();
        follow(session, &number)
    },
};

pub static OUTPUT: Special = Special {
    args: |command: Command| {
        let server = Arg::new("server").value_name("SERVER").help("Only of this server");
        let unfolded = Arg::new("unfolded").long("unfolded").action(ArgAction::SetTrue);
        let unfolded = unfolded.help("Line by line with the server's name, also where many said the same");
        command.about("What a run has printed so far").args([run_arg(), server, unfolded])
    },
    run: |session, matches| {
        let number = matches.get_one::<String>("run").cloned().unwrap_or_default();
        let only = matches.get_one::<String>("server");
        let run = session.hub.get("run.get", &[&number])?;
        let several = only.is_none() && run["executions"].as_array().is_some_and(|all| all.len() > 1);
        if several && !matches.get_flag("unfolded") {
            return folded(session, &number);
        }
        let mut items = Vec::new();
        for execution in run["executions"].as_array().into_iter().flatten() {
            let (server, id) =
                (execution["server"].as_str().unwrap_or(""), execution["id"].as_str().unwrap_or(""));
            if only.is_some_and(|only| only != server) {
                continue;
            }
            let mut output = session.hub.get("run.output", &[&number, id])?;
            for part in output["parts"].as_array_mut().into_iter().flatten() {
                let mut part = part.take();
                part["server"] = server.into();
                items.push(part);
            }
        }
        if session.print.format != Format::Table {
            session.print.list(&OUTPUT_SHAPE, &json!({ "items": items }))?;
            return Ok(Exit::Ok);
        }
        let tty = session.print.streams.out_tty;
        for part in &items {
            let text = safe(part["text"].as_str().unwrap_or(""), tty);
            match several {
                true => {
                    let server = part["server"].as_str().unwrap_or("?");
                    let lines: String = text.lines().map(|line| format!("{server} | {line}\n")).collect();
                    session.print.put(&lines)?;
                }
                false => session.print.put(&text)?,
            }
        }
        Ok(Exit::Ok)
    },
};

/// Each output once, under the servers that printed it.
fn folded(session: &mut Session, number: &str) -> Done {
    let groups = session.hub.get("run.folded", &[number])?;
    if session.print.format != Format::Table {
        session.print.list(&FOLDED_SHAPE, &groups)?;
        return Ok(Exit::Ok);
    }
    let tty = session.print.streams.out_tty;
    for group in groups["items"].as_array().into_iter().flatten() {
        let text = safe(group["text"].as_str().unwrap_or(""), tty);
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        session.print.put(&format!("{}\n{text}{end}", heading(group)))?;
    }
    Ok(Exit::Ok)
}

/// `18 servers (web-1, web-2, ... and 10 more) succeeded:`
fn heading(group: &Value) -> String {
    let servers: Vec<&str> =
        group["servers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut names = servers.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if servers.len() > NAMED {
        names.push_str(&format!(" and {} more", servers.len() - NAMED));
    }
    let state = group["state"].as_str().unwrap_or("?").replace('_', " ");
    let exit = group["exit_code"].as_i64().filter(|code| *code != 0).map(|code| format!(" with exit {code}"));
    let reason = group["reason"].as_str().map(|reason| format!(" ({reason})"));
    let said = match (group["text"].as_str().unwrap_or(""), group["truncated"] == true) {
        ("", _) => "",
        (_, true) => ", the end of the output:",
        (_, false) => ":",
    };
    let ended = format!("{state}{}{}{said}", exit.unwrap_or_default(), reason.unwrap_or_default());
    match servers.len() {
        1 => format!("{names} {ended}"),
        count => format!("{count} servers ({names}) {ended}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_servers_share_a_heading() {
        let one = json!({"servers": ["web-1"], "state": "timed_out", "exit_code": null, "reason": null, "text": "", "truncated": false});
        assert_eq!(heading(&one), "web-1 timed out");
        let names: Vec<String> = (1..=10).map(|n| format!("web-{n}")).collect();
        let many = json!({"servers": names, "state": "failed", "exit_code": 3, "reason": null, "text": "no\n", "truncated": false});
        assert_eq!(
            heading(&many),
            "10 servers (web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8 and 2 more) failed with exit 3:"
        );
    }
}
