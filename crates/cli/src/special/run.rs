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

const PARAMETER: crate::nouns::Field = field("parameter", "parameters", Kind::Map, "Parameter as NAME=value");

fn targets(command: Command) -> Command {
    command.args([
        Arg::new("on")
            .long("on")
            .required(true)
            .value_name("SELECTOR")
            .help("Servers, such as 'env=prod,role=web'"),
        Arg::new("timeout").long("timeout").value_name("DURATION").help("Longest time on a server"),
        Arg::new("detach").long("detach").action(ArgAction::SetTrue).help("Do not wait for the end"),
        dry_run(),
    ])
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
    let mut body = common(matches)?;
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
        let mut body = common(matches)?;
        let words: Vec<&String> = matches.get_many::<String>("command").into_iter().flatten().collect();
        body.insert("command".into(), json!(words));
        begin(session, "run.exec", body, matches)
    },
};

fn common(matches: &ArgMatches) -> Result<Map<String, Value>, Failure> {
    let mut body = Map::new();
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
    if matches.get_flag("detach") {
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
        command.about("What a run has printed so far").args([run_arg(), server])
    },
    run: |session, matches| {
        let number = matches.get_one::<String>("run").cloned().unwrap_or_default();
        let only = matches.get_one::<String>("server");
        let run = session.hub.get("run.get", &[&number])?;
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
        let several = only.is_none() && run["executions"].as_array().is_some_and(|all| all.len() > 1);
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
