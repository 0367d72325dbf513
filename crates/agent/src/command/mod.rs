//! What each command does. Results go to standard output, everything else to standard error.

pub mod collect;
pub mod enrol;
pub mod execute;
pub mod local;
pub mod measure;
pub mod probe;
pub mod run;
pub mod uninstall;

use std::io::{self, Write as _};

use watchtower_agent::agent::AgentError;
use watchtower_agent::enrol::EnrolError;
use watchtower_agent::link::LinkError;
use watchtower_agent::spool::SpoolError;
use watchtower_agent::state_dir::StateError;
use watchtower_agent::tasks::SuperviseError;
use watchtower_agent::update::ApplyError;

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
    #[error(transparent)]
    Update(#[from] ApplyError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    #[error("{what}: {source}")]
    Io { what: &'static str, source: io::Error },
    #[error("{0}")]
    Usage(String),
}

/// One line, or several, to standard output.
pub fn print(text: &str) -> Result<(), CommandError> {
    match writeln!(io::stdout(), "{text}") {
        // `| head` has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CommandError::Output),
    }
}

pub fn tell_error(text: &str) {
    let _ = writeln!(io::stderr(), "watchtower-agent: {text}");
}

/// One thread; blocking work is name lookup only, whose threads end again soon.
pub fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .thread_stack_size(256 * 1024)
        .thread_keep_alive(std::time::Duration::from_secs(1))
        .build()
        .map_err(|source| CommandError::Io { what: "the event loop cannot be started", source })
}
