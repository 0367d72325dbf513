//! `execute`: the root executor behind its socket. `supervise`: what it starts for each script. `apply-update`: what that starts
//! for a newer program.

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use watchtower_agent::executor::serve::Executor;
use watchtower_agent::state_dir::StateDir;
use watchtower_agent::tasks::{Launcher, supervise};
use watchtower_agent::update;

use super::{CommandError, print, runtime};
use crate::args::Args;

/// Standard input is the listening socket: the unit says `StandardInput=socket`.
pub fn execute(args: &Args) -> Result<(), CommandError> {
    let failed = |source| CommandError::Io { what: "standard input is not the executor's socket", source };
    let listener = StdListener::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(failed)?);
    listener.local_addr().and_then(|_| listener.set_nonblocking(true)).map_err(failed)?;
    let launcher = Launcher::detect(own_program()?);
    let state = StateDir::open(&args.executor_dir())?;
    runtime()?.block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener).map_err(failed)?;
        let executor = Executor::open(&state, args.policy.clone(), launcher)?;
        executor.serve(&listener).await.map_err(failed)
    })
}

pub fn supervise_one(dir: &Path) -> Result<(), CommandError> {
    Ok(runtime()?.block_on(supervise(dir))?)
}

/// Started as an execution, by the program that is to be replaced.
pub fn apply_update(args: &Args, plan: &Path) -> Result<(), CommandError> {
    let (program, executor_dir) = (own_program()?, args.executor_dir());
    let done = runtime()?.block_on(update::apply(plan, &program, &args.state_dir, &executor_dir))?;
    print(&done)
}

/// Started by the collector's unit where a former program lies beside the present one.
pub fn guard() -> Result<(), CommandError> {
    if runtime()?.block_on(update::guard(&own_program()?))? {
        print("nobody judges the new program any more: the former one is back")?;
    }
    Ok(())
}

/// Where this binary lies, also after a newer one took its place.
pub fn own_program() -> Result<PathBuf, CommandError> {
    let failed = |source| CommandError::Io { what: "the program's own path is unknown", source };
    let path = std::env::current_exe().map_err(failed)?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map(PathBuf::from).unwrap_or_else(|| path.clone()))
}
