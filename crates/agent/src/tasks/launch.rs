//! How a supervisor is started: as a transient unit where systemd runs, else as a process of its own session.
//!
//! Invariant: either way it is no child that ends with the executor, and nothing it needs is on its command line but
//! the execution's directory.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;
use watchtower_model::ExecutionId;

use crate::update;

/// Time for systemd to start a unit.
const SYSTEMD: Duration = Duration::from_secs(20);
/// A unit may live so much longer than its script: the supervisor's own TERM, KILL and record.
const UNIT_GRACE_S: u64 = 30;
/// Tasks of one execution: a script that multiplies stops here, not at the machine's limit.
const TASKS_MAX: u32 = 512;

/// Starts supervisors with this program.
#[derive(Clone, Debug)]
pub struct Launcher {
    program: PathBuf,
    units: bool,
}

impl Launcher {
    /// `program` is this very binary. Units need root and systemd as process 1.
    pub fn detect(program: PathBuf) -> Self {
        let units = rustix::process::geteuid().is_root() && Path::new("/run/systemd/system").is_dir();
        Launcher { program, units }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Whether this is the executor that the installer made a service of, beside a collector of its own.
    pub fn is_service(&self) -> bool {
        self.units && Path::new(update::EXECUTOR_SOCKET).exists()
    }

    /// When this returns well, the supervisor runs or is about to. An error leaves it open whether it does.
    pub async fn launch(&self, id: ExecutionId, dir: &Path, timeout_ms: u64) -> Result<(), String> {
        if self.units { self.launch_unit(id, dir, timeout_ms).await } else { self.launch_process(dir) }
    }

    async fn launch_unit(&self, id: ExecutionId, dir: &Path, timeout_ms: u64) -> Result<(), String> {
        let run_seconds = timeout_ms.div_ceil(1000) + UNIT_GRACE_S;
        let mut command = Command::new("systemd-run");
        command.args(["--quiet", "--collect", "--no-ask-password"]);
        command.arg(format!("--unit=watchtower-exec-{id}"));
        command.arg(format!("--description=Watchtower execution {id}"));
        for property in [
            "KillMode=control-group".to_string(),
            "TimeoutStopSec=15".into(),
            "StandardOutput=null".into(),
            format!("RuntimeMaxSec={run_seconds}"),
            format!("TasksMax={TASKS_MAX}"),
        ] {
            command.arg("-p").arg(property);
        }
        command.arg("--").arg(&self.program).arg("supervise").arg(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        match timeout(SYSTEMD, command.output()).await {
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => {
                Err(format!("systemd-run: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
            }
            Ok(Err(error)) => Err(format!("systemd-run cannot be started: {error}")),
            Err(_) => Err(format!("systemd did not start the unit within {} s", SYSTEMD.as_secs())),
        }
    }

    /// Not waited for: the runtime reaps it, or the system does.
    fn launch_process(&self, dir: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.arg("supervise").arg(dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        // A terminal's Ctrl-C goes to the agent's group, not to what it started.
        command.process_group(0);
        command.spawn().map(drop).map_err(|error| format!("{}: {error}", self.program.display()))
    }
}
