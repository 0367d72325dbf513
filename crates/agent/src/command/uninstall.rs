//! `uninstall`: says goodbye for good, stops the service, removes every file.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use watchtower_agent::executor::serve::COLLECTOR;
use watchtower_agent::identity::{Identity, load_bundle};
use watchtower_agent::link::{Connection, connect};
use watchtower_agent::state_dir::StateDir;
use watchtower_protocol::{AgentMessage, Goodbye, GoodbyeReason};

use super::{CommandError, print, runtime};
use crate::args::Args;

const UNIT_FILES: &str = "/etc/systemd/system";
/// In the order in which they are stopped: nothing starts the executor again.
const UNITS: [&str; 3] =
    ["watchtower-agent.service", "watchtower-executor.socket", "watchtower-executor.service"];
/// What still runs; its end can be told to nobody.
const EXECUTIONS: &str = "watchtower-exec-*";

pub fn uninstall(args: &Args, yes: bool) -> Result<(), CommandError> {
    if !yes {
        return Err(CommandError::Usage(format!(
            "this removes {} (the identity too), {}, the service and this program; say --yes to do it",
            args.state_dir.display(),
            args.policy.display(),
        )));
    }
    for unit in UNITS {
        systemctl(&["disable", "--now", unit]);
    }
    systemctl(&["stop", EXECUTIONS]);
    if let Err(error) = say_goodbye(args) {
        watchtower_agent::log::warn("the hub was not told; remove the server there", &[("error", &error)]);
    }
    for unit in UNITS {
        remove(&Path::new(UNIT_FILES).join(unit))?;
    }
    systemctl(&["daemon-reload"]);
    remove(&args.policy)?;
    // Removed only when nothing else lies in it.
    let _ = args.policy.parent().map(fs::remove_dir);
    for dir in [args.executor_dir(), args.state_dir.clone()] {
        match fs::remove_dir_all(&dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CommandError::Io { what: "a state directory cannot be removed", source });
            }
            _ => {}
        }
    }
    remove_user();
    let program = std::env::current_exe()
        .map_err(|source| CommandError::Io { what: "the program's own path is unknown", source })?;
    remove(&program)?;
    for left in ["former", "staged"] {
        remove(&program.with_extension(left))?;
    }
    // What a deployment keeps of the version before, for a rollback.
    for kept in ["/opt/watchtower/previous", "/opt/watchtower/previous.new", "/opt/watchtower/previous.old"] {
        let _ = fs::remove_dir_all(kept);
    }
    // The installers' own directories; others are shared and not empty.
    for dir in ["/opt/watchtower/bin", "/opt/watchtower"] {
        let _ = fs::remove_dir(dir);
    }
    print("watchtower-agent is gone from this server")
}

/// The installers' own user; where there is none, none was made.
fn remove_user() {
    let _ = Command::new("userdel").arg(COLLECTOR).stdin(Stdio::null()).stderr(Stdio::null()).status();
}

/// Where systemd does not run there is nothing to stop.
fn systemctl(arguments: &[&str]) {
    let _ = Command::new("systemctl").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).status();
}

fn say_goodbye(args: &Args) -> Result<(), CommandError> {
    let state = StateDir::open(&args.state_dir)?;
    let (identity, bundle) = (Identity::load(&state)?, load_bundle(&state)?);
    let url = bundle.urls.first().cloned().unwrap_or_default();
    runtime()?.block_on(async {
        let welcomed = connect(&url, &bundle, &identity, args.proxy.as_deref(), None).await?;
        let connection = Connection::new(welcomed.socket, welcomed.encoding);
        connection.send(&AgentMessage::Goodbye(Goodbye { reason: GoodbyeReason::Uninstall }))?;
        connection.close().await;
        Ok(())
    })
}

fn remove(path: &Path) -> Result<(), CommandError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            crate::command::tell_error(&format!("{}: {source}", path.display()));
            Err(CommandError::Io { what: "a file cannot be removed", source })
        }
        _ => Ok(()),
    }
}
