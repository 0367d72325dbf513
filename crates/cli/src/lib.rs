//! The client commands.

pub fn commands() -> Vec<clap::Command> {
    Vec::new()
}

pub fn global_args() -> Vec<clap::Arg> {
    Vec::new()
}

pub fn dispatch(_: &str, _: &clap::ArgMatches) -> std::process::ExitCode {
    std::process::ExitCode::from(2)
}
