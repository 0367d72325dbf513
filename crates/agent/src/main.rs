//! `watchtower-agent`: the command line to the agent.
//!
//! Invariant: before anything else runs, the process is made safe for a static binary on a foreign machine.

mod args;
mod command;
mod startup;

use std::process::ExitCode;

use args::{Action, Args};

fn main() -> ExitCode {
    startup::prepare();
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            command::tell_error(&error);
            return ExitCode::from(2);
        }
    };
    match act(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::tell_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn act(mut args: Args) -> Result<(), command::CommandError> {
    let variables = ["https_proxy", "HTTPS_PROXY"];
    args.proxy = args.proxy.or_else(|| variables.iter().find_map(|name| std::env::var(name).ok()));
    args.proxy = args.proxy.filter(|proxy| !proxy.is_empty());
    match args.action.clone() {
        Action::Run => command::run::run(args),
        Action::Execute => command::execute::execute(&args),
        Action::Supervise { dir } => command::execute::supervise_one(&dir),
        Action::ApplyUpdate { plan } => command::execute::apply_update(&args, &plan),
        Action::Guard => command::execute::guard(),
        Action::Enrol { takeover } => command::enrol::enrol(&args, takeover),
        Action::Collect { repeat: None } => command::collect::print_one(&args),
        Action::Collect { repeat: Some(times) } => command::measure::measure(times),
        Action::Probe { url, pins } => command::probe::probe(&args, &url, &pins),
        Action::Id => command::local::show_id(&args),
        Action::Policy => command::local::show_policy(&args),
        Action::Halt { clear } => command::local::halt(&args, clear),
        Action::Uninstall { yes } => command::uninstall::uninstall(&args, yes),
        Action::Version => command::print(concat!("watchtower-agent ", env!("CARGO_PKG_VERSION"))),
        Action::Help => command::print(args::HELP.trim_end()),
    }
}
