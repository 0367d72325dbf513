//! The verbs that the table describes fully: their arguments and their work.

pub mod act;
pub mod read;
pub mod write;

use clap::{Arg, ArgAction, ArgMatches, Command};
use watchtower_api_types::endpoints::{Endpoint, describe_query};

use crate::client::endpoint;
use crate::failure::Done;
use crate::nouns::{Does, Field, Kind, Noun, Verb};
use crate::session::Session;

/// The names in `{}` of a path, in order.
pub fn path_args(endpoint: &'static Endpoint) -> Vec<&'static str> {
    endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

fn positional(name: &'static str) -> Arg {
    Arg::new(name).required(true).value_name(name.to_uppercase()).help("Id, number or name")
}

fn query_flags(endpoint: &'static Endpoint) -> impl Iterator<Item = Arg> {
    endpoint
        .query
        .iter()
        .filter(|name| !matches!(**name, "limit"))
        .map(|name| Arg::new(*name).long(*name).value_name(name.to_uppercase()).help(describe_query(name)))
}

pub fn flag(field: &Field) -> Arg {
    let arg = Arg::new(field.flag).long(field.flag).help(field.help).allow_hyphen_values(true);
    match field.kind {
        Kind::Bool => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(["true", "false"])
            .hide_possible_values(true)
            .value_name("true|false"),
        Kind::Words(words) => arg.value_parser(words.to_vec()),
        Kind::Map => arg.value_name("NAME=VALUE").action(ArgAction::Append),
        Kind::List | Kind::RefList(_) | Kind::Steps | Kind::NotifyRules | Kind::Layers => {
            arg.value_name("VALUE").action(ArgAction::Append)
        }
        Kind::Seconds | Kind::Until => arg.value_name("DURATION"),
        Kind::File | Kind::SecretFile => arg.value_name("FILE"),
        Kind::Integer => arg.value_name("N"),
        Kind::Text | Kind::Json => arg.value_name("TEXT"),
        Kind::Ref(noun) => arg.value_name(noun.to_uppercase()),
    }
}

pub fn dry_run() -> Arg {
    Arg::new("dry-run")
        .short('n')
        .long("dry-run")
        .action(ArgAction::SetTrue)
        .help("Show what would be sent, send nothing")
}

pub fn yes() -> Arg {
    Arg::new("yes").short('y').long("yes").action(ArgAction::SetTrue).help("Do not ask")
}

fn file() -> Arg {
    Arg::new("file")
        .short('f')
        .long("file")
        .value_name("FILE")
        .help("JSON as `get -o json` prints it; - is stdin")
}

/// The clap command of one verb.
pub fn command(noun: &'static Noun, verb: &'static Verb) -> Command {
    let command = Command::new(verb.name);
    let command = match &verb.does {
        Does::Get => command.visible_alias("show"),
        _ => command,
    };
    match &verb.does {
        Does::List => {
            let endpoint = endpoint(&noun.endpoint("list"));
            let limit = Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(clap::value_parser!(u32).range(1..));
            command
                .about(endpoint.summary)
                .args(query_flags(endpoint))
                .arg(limit.help("At most so many; all when absent"))
        }
        Does::Get => shown(command, endpoint(&noun.endpoint("get"))),
        Does::Show { endpoint: id, .. } => shown(command, endpoint(id)),
        Does::Create => create(command, noun),
        Does::Edit => {
            let rename = noun
                .renamed_by()
                .map(|title| Arg::new("rename").long(title).value_name("NEW").help("Give it another name"));
            let about = format!(
                "{}; only what is given changes",
                endpoint(&noun.endpoint("get")).summary.replace("One", "Change a")
            );
            command
                .about(about)
                .arg(positional(noun.name))
                .args(rename)
                .args(noun.fields.iter().map(flag))
                .args([file(), dry_run()])
        }
        Does::Apply => command
            .about(format!("Create or change {}s from a file, by {}", noun.name, noun.identity))
            .args([file().required(true), dry_run()]),
        Does::Set { about, .. } => command.about(*about).arg(many(noun)).arg(dry_run()),
        Does::Delete => {
            command.about(endpoint(&noun.endpoint("delete")).summary).arg(many(noun)).args([yes(), dry_run()])
        }
        Does::Act { endpoint: id, fields, many: several } => {
            let endpoint = endpoint(id);
            let command = command.about(endpoint.summary).args(fields.iter().map(flag)).arg(dry_run());
            if *several {
                command.arg(many(noun))
            } else {
                command.args(path_args(endpoint).into_iter().map(positional))
            }
        }
        Does::Special(special) => (special.args)(command),
    }
}

fn shown(command: Command, endpoint: &'static Endpoint) -> Command {
    command
        .about(endpoint.summary)
        .args(path_args(endpoint).into_iter().map(positional))
        .args(query_flags(endpoint))
}

fn create(command: Command, noun: &'static Noun) -> Command {
    let title = noun.title.map(|title| {
        Arg::new("title")
            .value_name(title.to_uppercase())
            .required_unless_present("file")
            .help("What it is called")
    });
    command
        .about(endpoint(&noun.endpoint("create")).summary)
        .args(title)
        .args(noun.fields.iter().map(flag))
        .args([file(), dry_run()])
}

/// One or more objects of the noun.
pub fn many(noun: &'static Noun) -> Arg {
    positional(noun.name).num_args(1..).action(ArgAction::Append)
}

pub fn run(session: &mut Session, noun: &'static Noun, verb: &'static Verb, matches: &ArgMatches) -> Done {
    match &verb.does {
        Does::List => read::list(session, noun, matches),
        Does::Get => read::show(session, &noun.endpoint("get"), &noun.shape, matches),
        Does::Show { endpoint, shape } => read::show(session, endpoint, shape, matches),
        Does::Create => write::create(session, noun, matches),
        Does::Edit => write::edit(session, noun, matches),
        Does::Apply => write::apply(session, noun, matches),
        Does::Set { field, value, .. } => write::set(session, noun, field, *value, matches),
        Does::Delete => act::delete(session, noun, matches),
        Does::Act { endpoint, fields, many } => act::act(session, noun, endpoint, fields, *many, matches),
        Does::Special(special) => (special.run)(session, matches),
    }
}
