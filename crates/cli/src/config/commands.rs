//! `config export`, `config diff` and `config apply`.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value, json};

use super::plan::{Action, Options, Plan};
use super::{KEPT, apply, export, file, names::Current, plan, print};
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::session::Session;
use crate::verbs::yes;

/// Problems that are told at once.
const PROBLEMS_SHOWN: usize = 50;

static DIFFERENCE: Shape = Shape {
    key: "name",
    columns: &[
        column("ACTION", "action", As::Text, 0),
        column("NOUN", "noun", As::Text, 0),
        column("NAME", "name", As::Text, 0),
        column("FIELDS", "fields", As::Text, 1),
    ],
};

pub static EXPORT: Special = Special {
    args: |command: Command| {
        let keys: Vec<&str> = KEPT.iter().map(|kept| kept.key).collect();
        command.about("Print the configuration as files that `config apply` takes").args([
            Arg::new("what")
                .num_args(0..)
                .action(ArgAction::Append)
                .value_parser(keys)
                .hide_possible_values(true)
                .value_name("WHAT")
                .help("Only these, such as rules or routes; everything when absent"),
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .help("Write a file for each of them into this folder, over those of the same name"),
        ])
    },
    run: |session, matches| {
        let only: Vec<String> = matches.get_many::<String>("what").into_iter().flatten().cloned().collect();
        let (current, names) = Current::read(&session.hub)?;
        let parts = export::parts(&only, &current, &names);
        let url = session.settings.url.clone();
        if let Some(dir) = matches.get_one::<String>("dir") {
            return write_files(session, Path::new(dir), &parts, &url);
        }
        if session.print.format.is_text() || session.print.format == crate::output::Format::Yaml {
            session.print.put(&export::text(&parts, &url))?;
        } else {
            let whole: Map<String, Value> =
                parts.into_iter().map(|(key, items)| (key.to_string(), items.into())).collect();
            session.print.object(&DIFFERENCE, &whole.into())?;
        }
        Ok(Exit::Ok)
    },
};

fn write_files(session: &mut Session, dir: &Path, parts: &[(&'static str, Vec<Value>)], url: &str) -> Done {
    let fail = |path: &Path, e: std::io::Error| Failure::usage(format!("{}: {e}", path.display()));
    std::fs::create_dir_all(dir).map_err(|e| fail(dir, e))?;
    for part in parts {
        let path = dir.join(format!("{}.yaml", part.0));
        std::fs::write(&path, export::text(std::slice::from_ref(part), url)).map_err(|e| fail(&path, e))?;
        session.print.say(format!("{}: {} {}", path.display(), part.1.len(), part.0));
    }
    Ok(Exit::Ok)
}

fn arguments(command: Command) -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    command.args([
        Arg::new("file")
            .required(true)
            .value_name("FILE")
            .help("A file, a folder of them, or - for standard input"),
        switch("prune", "Also delete what the files do not have, of the nouns that they name"),
        switch("keep-secrets", "Leave secrets that are stored, also where the files give one"),
    ])
}

/// What the files would change, if nothing is wrong with them.
fn planned(session: &mut Session, matches: &ArgMatches) -> Result<Plan, Failure> {
    let path = matches.get_one::<String>("file").cloned().unwrap_or_default();
    let mut problems = Vec::new();
    let files = file::read(session, &path, &mut problems)?;
    let (current, mut names) = Current::read(&session.hub)?;
    let options = Options {
        env: &session.env,
        prune: matches.get_flag("prune"),
        keep_secrets: matches.get_flag("keep-secrets"),
    };
    let mut plan = plan::make(&files, &current, &mut names, &options, &mut problems);
    if problems.is_empty() {
        apply::check(session, &mut plan, &mut problems)?;
    }
    if problems.is_empty() {
        return Ok(plan);
    }
    let more = problems.len().saturating_sub(PROBLEMS_SHOWN);
    problems.truncate(PROBLEMS_SHOWN);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let text = format!("nothing was changed:\n  {}", problems.join("\n  "));
    Err(Failure::new(Exit::Validation, "validation", text))
}

pub static DIFF: Special = Special {
    args: |command: Command| {
        arguments(command.about("Show what `config apply` would do; exit 10 when that is something"))
    },
    run: |session, matches| {
        let plan = planned(session, matches)?;
        show(session, &plan)?;
        session.print.say(print::summary(&plan));
        Ok(if plan.changes.is_empty() { Exit::Ok } else { Exit::Finding })
    },
};

fn show(session: &mut Session, plan: &Plan) -> Result<(), Failure> {
    match session.print.format.is_text() {
        true => session.print.put(&print::text(plan))?,
        false => session.print.list(&DIFFERENCE, &print::items(plan))?,
    }
    Ok(())
}

pub static APPLY: Special = Special {
    args: |command: Command| {
        arguments(
            command.about("Make the hub be as the files say: all is checked before anything is written"),
        )
        .arg(yes().help("Do not ask before something is deleted"))
    },
    run: |session, matches| {
        let plan = planned(session, matches)?;
        let deleted: Vec<String> = plan
            .changes
            .iter()
            .filter(|change| change.action == Action::Delete)
            .map(|change| format!("{} {}", change.kept.name, change.name))
            .collect();
        if !deleted.is_empty() {
            session.confirm(matches.get_flag("yes"), &format!("delete {}", deleted.join(", ")))?;
        }
        let (done, failed) = apply::carry_out(session, &plan)?;
        if !done.is_empty() || !session.print.format.is_text() {
            session.print.list(&apply::RESULT, &json!({ "items": done }))?;
        }
        match failed {
            Some(failure) => Err(failure),
            None => {
                session.print.say(format!("{} done, {} as they were", done.len(), plan.unchanged));
                Ok(Exit::Ok)
            }
        }
    },
};
