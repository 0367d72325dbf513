//! `config keys show|rotate|switch|retire|abort`: the hub's own keys, step by step.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};

use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column, plain, wide};
use crate::session::Session;

static SHAPE: Shape = Shape {
    key: "id",
    columns: &[
        column("KIND", "kind", As::Text, 0),
        column("KEY", "id", As::Text, 0),
        column("STATE", "state", As::Text, 0),
        column("AGENTS", "agents_holding", As::Text, 0),
        column("LACK", "agents_lacking", As::Text, 0),
        column("LACKING", "lacking", As::Text, 2),
        column("SECRETS", "secrets", As::Text, 1),
        column("CREATED", "created_at", As::Time, 3),
        column("SWITCHED", "switched_at", As::Time, 4),
        wide("ENDED", "ended_at", As::Time),
        wide("BUNDLE", "bundle_version", As::Text),
    ],
};

/// A step: its word, its endpoint, what people do after it.
struct Step {
    word: &'static str,
    endpoint: &'static str,
    kinds: &'static [&'static str],
    next: &'static str,
    /// What `--force` does, where there is something to force.
    force: Option<&'static str>,
}

static STEPS: &[Step] = &[
    Step {
        word: "rotate",
        endpoint: "key.rotate",
        kinds: &["ca", "signing", "master"],
        next: "a master key changes by itself from here; the others: `watchtower config keys show` until no agent lacks the key, then switch",
        force: None,
    },
    Step {
        word: "switch",
        endpoint: "key.switch",
        kinds: &["ca", "signing"],
        next: "when agents are connected and work goes on: retire, which deletes the key used before",
        force: Some("Also while connected agents lack the key; the refusal says what that costs"),
    },
    Step {
        word: "retire",
        endpoint: "key.retire",
        kinds: &["ca", "signing"],
        next: "the rotation is done",
        force: Some("Also while commands that the key signed are under way: their servers refuse them"),
    },
    Step {
        word: "abort",
        endpoint: "key.abort",
        kinds: &["ca", "signing"],
        next: "nothing has changed",
        force: None,
    },
];

pub static KEYS: Special = Special {
    args: |command: Command| {
        let command = command
            .about("The hub's own keys: who has them, and their rotation")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommand(Command::new("show").about(endpoint("key.list").summary));
        STEPS.iter().fold(command, |command, step| command.subcommand(args(step)))
    },
    run: |session, matches| match matches.subcommand() {
        Some(("show", _)) => {
            let keys = session.hub.get("key.list", &[])?;
            show(session, &keys)
        }
        Some((word, matches)) => take(session, word, matches),
        None => Err(Failure::usage("keys: say show, rotate, switch, retire or abort")),
    },
};

fn args(step: &Step) -> Command {
    let kind = Arg::new("key-kind").required(true).value_parser(step.kinds.to_vec()).value_name("KIND");
    let kind = kind.help("Which of the hub's keys");
    let command = Command::new(step.word).about(endpoint(step.endpoint).summary).arg(kind);
    let Some(help) = step.force else { return command };
    command.arg(Arg::new("force").long("force").action(ArgAction::SetTrue).help(help))
}

fn take(session: &mut Session, word: &str, matches: &ArgMatches) -> Done {
    let step = STEPS.iter().find(|step| step.word == word);
    let step = step.ok_or_else(|| Failure::usage(format!("{word} is no step of a rotation")))?;
    let kind = matches.get_one::<String>("key-kind").map_or("", String::as_str);
    let body = step.force.map(|_| json!({ "force": matches.get_flag("force") }));
    let keys = session.hub.call(step.endpoint, &[kind], &[], body.as_ref())?;
    let shown = show(session, &keys)?;
    session.print.say(step.next);
    Ok(shown)
}

fn show(session: &mut Session, keys: &Value) -> Done {
    session.print.list(&SHAPE, keys)?;
    if keys["agents_behind"] != 0 {
        session.print.say(format!(
            "{} of {} agents do not confirm the present trust bundle: {}",
            keys["agents_behind"],
            keys["agents"],
            plain(&keys["behind"]).replace(',', ", ")
        ));
    }
    Ok(Exit::Ok)
}
