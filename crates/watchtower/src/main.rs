//! `watchtower`: the hub (`serve`) and every client command, one binary.

mod local_agent;
mod options;
mod serve;

use std::process::ExitCode;

// The hub's memory is many small, short-lived pieces on several threads: glibc keeps too much of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let root = watchtower_cli::root(vec![options::command()]);
    let matches = match watchtower_cli::parse(root.clone(), std::env::args_os().collect()) {
        Ok(matches) => matches,
        Err(ended) => return ended,
    };
    match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some((name, matches)) => watchtower_cli::dispatch_in(root, name, matches),
        None => ExitCode::from(2),
    }
}
