//! The project's own checks and generators: `cargo run -p xtask -- NAME`.
#![allow(clippy::print_stdout)]

mod layers;
mod openapi;
mod release;
mod source;
mod tidy;

use std::process::ExitCode;

/// Every task: its name, what it does, the function.
type Task = (&'static str, &'static str, fn() -> Result<(), String>);

const TASKS: &[Task] = &[
    ("layers", "check which crate may use which", layers::check),
    ("tidy", "check module docs, leftovers, paths and sizes of every source file", tidy::check),
    (
        "release-key",
        "FILE: make a release key, kept off every hub; prints its public half",
        release::make_key,
    ),
    (
        "sign-agent",
        "KEY PROGRAM ARCH VERSION DAYS: sign a release of the agent, PROGRAM.release",
        release::sign_agent,
    ),
    ("openapi", "write web/openapi.json from the table of endpoints", openapi::write),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match TASKS.iter().find(|(known, ..)| *known == name) {
        Some((_, _, run)) => match run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{name}: {error}");
                ExitCode::FAILURE
            }
        },
        None => {
            println!("usage: cargo run -p xtask -- NAME");
            for (name, about, _) in TASKS {
                println!("  {name:<10} {about}");
            }
            ExitCode::from(2)
        }
    }
}
