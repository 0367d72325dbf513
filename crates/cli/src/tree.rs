//! The command tree: nouns from the table, then the commands that are no nouns.

use clap::{Arg, ArgAction, Command};

use crate::nouns::{NOUNS, Noun};
use crate::output::Format;
use crate::special::{COMMANDS, GROUPS};
use crate::verbs;

/// Every client command: one per noun, and those of their own name.
pub fn commands() -> Vec<Command> {
    let nouns = NOUNS.iter().map(|noun| noun_command(noun));
    let groups = GROUPS.iter().map(|(name, about, verbs)| {
        let verbs = verbs.iter().map(|(verb, special)| (special.args)(Command::new(*verb)));
        group(name, about).subcommands(verbs)
    });
    let own = COMMANDS.iter().map(|(name, special)| (special.args)(Command::new(*name)));
    nouns.chain(groups).chain(own).collect()
}

fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
}

fn noun_command(noun: &'static Noun) -> Command {
    group(noun.name, noun.about).subcommands(noun.verbs.iter().map(|verb| verbs::command(noun, verb)))
}

/// Flags that every command takes, anywhere on the line.
pub fn global_args() -> Vec<Arg> {
    let global = |arg: Arg| arg.global(true).help_heading("Everywhere");
    vec![
        global(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FORMAT")
                .value_parser(Format::WORDS.to_vec()),
        )
        .help("table, wide, name, json, yaml, ndjson, csv or ansible")
        .hide_possible_values(true),
        global(Arg::new("json").long("json").action(ArgAction::SetTrue)).help("The same as -o json"),
        global(Arg::new("url").long("url").value_name("URL"))
            .help("The hub; see also: watchtower help environment"),
        global(Arg::new("no-headers").long("no-headers").action(ArgAction::SetTrue))
            .help("Tables and CSV without header"),
        global(Arg::new("quiet").short('q').long("quiet").action(ArgAction::SetTrue))
            .help("No remarks on stderr"),
        global(Arg::new("color").long("color").value_parser(["auto", "always", "never"]))
            .value_name("WHEN")
            .hide_possible_values(true)
            .help("auto, always or never"),
        global(Arg::new("no-input").long("no-input").action(ArgAction::SetTrue)).help("Never ask"),
    ]
}

/// The whole program's command, with the given ones (`serve`) before ours.
pub fn root(extra: Vec<Command>) -> Command {
    Command::new("watchtower")
        .about("Watches servers, turns trouble into incidents that reach a person, and repairs servers")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .args(global_args())
        .subcommands(extra)
        .subcommands(commands())
}
