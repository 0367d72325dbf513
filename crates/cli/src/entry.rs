//! From matched arguments to an exit code.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{ArgMatches, Command};

use crate::client::Hub;
use crate::failure::{Done, Exit, Failure};
use crate::nouns;
use crate::output::{Format, Look, Printer, Streams, terminal_size};
use crate::session::{Session, now_ms};
use crate::settings::{self, Environment};
use crate::special::{COMMANDS, GROUPS};
use crate::tree::root;
use crate::verbs;

/// One call of the program with all it touches, so that tests can bring their own.
pub struct Call {
    pub env: Environment,
    pub streams: Streams,
    /// The whole command tree, for help and completion.
    pub root: Command,
}

/// Runs the client command `name`, one of `commands()`, with its matched arguments.
pub fn dispatch(name: &str, matches: &ArgMatches) -> ExitCode {
    dispatch_in(root(Vec::new()), name, matches)
}

/// As `dispatch`, with the program's whole tree for `help` and `completion`.
pub fn dispatch_in(root: Command, name: &str, matches: &ArgMatches) -> ExitCode {
    let call = Call { env: Environment::of_process(), streams: Streams::of_process(), root };
    ExitCode::from(run_matched(call, name, matches) as u8)
}

/// Parses a command line. Help and version are printed here; a usage error is exit 2, as JSON when that was asked for.
pub fn parse(root: Command, args: Vec<OsString>) -> Result<ArgMatches, ExitCode> {
    let mut streams = Streams::of_process();
    matched(&root, args, &mut streams, &Environment::of_process()).map_err(|exit| ExitCode::from(exit as u8))
}

fn matched(
    root: &Command,
    args: Vec<OsString>,
    streams: &mut Streams,
    env: &Environment,
) -> Result<ArgMatches, Exit> {
    let machine = asks_for_machine_format(&args);
    root.clone().try_get_matches_from(args).map_err(|error| {
        // Writing may fail only when nobody reads.
        if !error.use_stderr() {
            let text = error.render();
            let color = streams.out_tty && env.get("NO_COLOR").is_none();
            let text = if color { text.ansi().to_string() } else { text.to_string() };
            let _ = streams.out.write_all(text.as_bytes()).and_then(|()| streams.out.flush());
            return Exit::Ok;
        }
        let text = error.render().to_string();
        if machine {
            let first = text.lines().next().unwrap_or("").trim_start_matches("error: ");
            let failure = Failure::usage(first).hint("watchtower help");
            let _ = writeln!(streams.err, "{}", failure.to_json());
        } else {
            let _ = write!(streams.err, "{text}");
        }
        Exit::Usage
    })
}

/// Whether `-o json` or a relative stands on a line that clap could not read.
fn asks_for_machine_format(args: &[OsString]) -> bool {
    let words: Vec<&str> =
        args.iter().filter_map(|arg| arg.to_str()).take_while(|word| *word != "--").collect();
    let machine = |word: &str| matches!(word, "json" | "yaml" | "ndjson");
    words.iter().any(|word| {
        *word == "--json"
            || word
                .strip_prefix("--output=")
                .or(word.strip_prefix("-o"))
                .is_some_and(|rest| machine(rest.trim_start_matches('=')))
    }) || words.windows(2).any(|pair| matches!(pair[0], "-o" | "--output") && machine(pair[1]))
}

/// The whole of it: parse, run, report. For tests, and for a program without commands of its own.
pub fn run(mut call: Call, args: Vec<OsString>) -> Exit {
    match matched(&call.root, args, &mut call.streams, &call.env) {
        Err(exit) => exit,
        Ok(matches) => match matches.subcommand() {
            Some((name, inner)) => run_matched(call, name, inner),
            None => Exit::Usage,
        },
    }
}

fn format_of(matches: &ArgMatches) -> Format {
    if matches.get_flag("json") {
        return Format::Json;
    }
    Format::parse(matches.get_one::<String>("output").map_or("table", String::as_str))
}

fn look(call: &Call, color: Option<&str>) -> Look {
    let env = |name: &str| call.env.get(name);
    let dumb = env("TERM") == Some("dumb");
    let auto = call.streams.out_tty && !dumb && env("NO_COLOR").is_none();
    let locale = env("LC_ALL").or(env("LC_CTYPE")).or(env("LANG")).unwrap_or("").to_lowercase();
    Look {
        width: call.streams.out_tty.then(|| terminal_size().0),
        color: match color {
            Some("always") => true,
            Some("never") => false,
            _ => auto,
        },
        unicode: locale.contains("utf-8") || locale.contains("utf8"),
        now_ms: now_ms(),
    }
}

/// The innermost matches: they have the global flags wherever those stood.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| innermost(inner))
}

fn run_matched(call: Call, name: &str, matches: &ArgMatches) -> Exit {
    let inner = innermost(matches);
    let format = format_of(inner);
    let look = look(&call, inner.get_one::<String>("color").map(String::as_str));
    let print =
        Printer::new(call.streams, format, look, !inner.get_flag("no-headers"), inner.get_flag("quiet"));
    if format == Format::Ansible && (name, matches.subcommand_name()) != ("server", Some("list")) {
        let failure = Failure::usage("-o ansible is for servers").hint("watchtower server list -o ansible");
        return report(print, failure);
    }
    let url = inner.get_one::<String>("url").map(String::as_str);
    let settings = match settings::resolve(url, &call.env) {
        Ok(settings) => settings,
        Err(failure) => return report(print, failure),
    };
    let hub = match Hub::new(&settings) {
        Ok(hub) => hub,
        Err(failure) => return report(print, failure),
    };
    let no_input = inner.get_flag("no-input");
    let mut session = Session { settings, hub, print, env: call.env, no_input, root: call.root };
    match work(&mut session, name, matches) {
        Ok(exit) => exit,
        Err(failure) => report(session.print, failure),
    }
}

fn work(session: &mut Session, name: &str, matches: &ArgMatches) -> Done {
    let unknown = || Failure::usage(format!("{name} is no command of the client"));
    if let Some((_, special)) = COMMANDS.iter().find(|(own, _)| *own == name) {
        return (special.run)(session, matches);
    }
    let (verb, inner) = matches.subcommand().ok_or_else(unknown)?;
    if let Some((_, _, verbs)) = GROUPS.iter().find(|(group, _, _)| *group == name) {
        let (_, special) = verbs.iter().find(|(own, _)| *own == verb).ok_or_else(unknown)?;
        return (special.run)(session, inner);
    }
    let noun = nouns::find(name).ok_or_else(unknown)?;
    let verb = noun.verbs.iter().find(|own| own.name == verb).ok_or_else(unknown)?;
    verbs::run(session, noun, verb, inner)
}

/// The error on stderr, in the shape that goes with the format.
fn report(mut print: Printer, failure: Failure) -> Exit {
    if failure.exit == Exit::Ok {
        return Exit::Ok;
    }
    let text = if print.format.is_text() { failure.to_text() } else { format!("{}\n", failure.to_json()) };
    // stderr is the last place to complain in.
    let _ = print.streams.err.write_all(text.as_bytes());
    failure.exit
}
