//! `watchtower`: the hub (`serve`) and every client command, one binary.

mod local_agent;
mod options;
mod serve;

use std::process::ExitCode;

use clap::Command;

// The hub's memory is many small, short-lived pieces on several threads: glibc keeps too much of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn command() -> Command {
    Command::new("watchtower")
        .about("Watches servers, turns trouble into incidents that reach a person, and repairs servers")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(watchtower_cli::global_args())
        .subcommand(options::command())
        .subcommands(watchtower_cli::commands())
}

fn main() -> ExitCode {
    let matches = command().get_matches();
    match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some((name, matches)) => watchtower_cli::dispatch(name, matches),
        None => ExitCode::from(2),
    }
}
