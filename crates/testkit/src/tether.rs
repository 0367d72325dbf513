//! A process that cannot outlive its test.
//!
//! It runs under a shell that reads from a pipe whose other end the test holds: when the test drops it, panics or is killed
//! with SIGKILL, the pipe ends and the shell ends the process, by its id.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// $1 is the signal that asks the process to end, the rest its command line. It gets 10 s to do so.
const SHELL: &str = r#"signal=$1; shift
"$@" >&2 & child=$!
echo $child
read -r _
kill -s $signal $child 2>/dev/null
( i=0; while [ $i -lt 100 ] && kill -0 $child 2>/dev/null; do sleep 0.1; i=$((i+1)); done; kill -s KILL $child 2>/dev/null ) &
guard=$!
wait $child; status=$?
kill $guard 2>/dev/null
exit $status"#;

/// How the process is started.
#[derive(Debug, Clone)]
pub struct Tethered<'a> {
    pub program: &'a Path,
    pub args: Vec<String>,
    pub envs: Vec<(String, String)>,
    /// The user and group it runs as.
    pub ids: Option<(u32, u32)>,
    /// Both its streams go here.
    pub log: Option<std::path::PathBuf>,
    /// The signal that asks it to end: `TERM`, `INT`.
    pub stop_signal: &'static str,
}

/// A running process; ended on drop.
pub struct Tether {
    shell: Child,
    pid: Pid,
}

impl Tethered<'_> {
    /// Starts the process.
    ///
    /// # Panics
    /// If there is no shell, or the log cannot be written.
    pub fn spawn(&self) -> Tether {
        let output = match &self.log {
            Some(path) => {
                let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
                Stdio::from(file.unwrap_or_else(|e| panic!("{}: {e}", path.display())))
            }
            None => Stdio::null(),
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SHELL, "sh", self.stop_signal]).arg(self.program).args(&self.args);
        command.envs(self.envs.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(output);
        // Ctrl-C at the terminal is the test's to handle; the tether ends the process.
        command.process_group(0);
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group).current_dir("/");
        }
        let mut shell = command.spawn().expect("/bin/sh starts");
        let mut line = String::new();
        let stdout = shell.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the shell tells the process id");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw).expect("the shell tells a process id");
        Tether { shell, pid }
    }
}

impl Tether {
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Whether the process runs: one that ended stays a zombie until the tether is cut.
    pub fn alive(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))
            .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
    }

    /// SIGKILL, as a crash.
    pub fn kill(&mut self) {
        let _ = kill_process(self.pid, Signal::KILL);
        self.stop();
    }

    /// Asks the process to end and waits for it: its status (128 + signal when a signal ended it).
    pub fn stop(&mut self) -> Option<ExitStatus> {
        drop(self.shell.stdin.take());
        self.shell.wait().ok()
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// After `timeout`.
    pub fn wait_end(&mut self, timeout: Duration) -> Option<ExitStatus> {
        wait::until(timeout, "the process to end", || (!self.alive()).then_some(()));
        self.stop()
    }
}

impl Drop for Tether {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Tether {
        let args = vec!["600".to_string()];
        Tethered {
            program: Path::new("sleep"),
            args,
            envs: vec![],
            ids: None,
            log: None,
            stop_signal: "TERM",
        }
        .spawn()
    }

    #[test]
    fn it_ends_with_its_owner() {
        let tether = sleeper();
        assert!(tether.alive());
        let path = format!("/proc/{}", tether.pid());
        drop(tether);
        assert!(!Path::new(&path).exists());
    }

    #[test]
    fn a_killed_process_is_seen_as_ended() {
        let mut tether = sleeper();
        tether.kill();
        assert!(!tether.alive());
        assert_eq!(tether.stop().and_then(|status| status.code()), Some(137));
    }
}
