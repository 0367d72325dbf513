//! `run`: the service. SIGTERM and SIGINT say goodbye.

use std::time::Duration;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use watchtower_agent::agent::{self, Settings};
use watchtower_agent::executor::port::Place;
use watchtower_agent::spool::Quotas;
use watchtower_protocol::GoodbyeReason;

use super::execute::own_program;
use super::{CommandError, runtime};
use crate::args::Args;

/// Time for systemd to say whether the machine goes down.
const ASK_SYSTEMD: Duration = Duration::from_secs(1);

pub fn run(args: Args) -> Result<(), CommandError> {
    let program = own_program()?;
    let executor_dir = match &args.executor {
        Some(_) => args.executor_dir(),
        None => args.state_dir.clone(),
    };
    let settings = Settings {
        executor_dir,
        state_dir: args.state_dir,
        policy: args.policy,
        executor: match args.executor {
            Some(socket) => Place::Socket(socket),
            None => Place::Inside { program },
        },
        root: "/".into(),
        quotas: Quotas::default(),
        proxy: args.proxy,
    };
    runtime()?.block_on(async {
        let failed = |source| CommandError::Io { what: "signals cannot be received", source };
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let shutdown = async {
            tokio::select! {
                _ = terminate.recv() => reason().await,
                _ = interrupt.recv() => GoodbyeReason::Restart,
            }
        };
        Ok(agent::run(settings, shutdown).await?)
    })
}

/// A reboot takes longer than a restart, and the hub waits accordingly.
async fn reason() -> GoodbyeReason {
    let asked = Command::new("systemctl").arg("is-system-running").kill_on_drop(true).output();
    match timeout(ASK_SYSTEMD, asked).await {
        Ok(Ok(output)) if output.stdout.starts_with(b"stopping") => GoodbyeReason::Reboot,
        _ => GoodbyeReason::Restart,
    }
}
