//! What befalls a host: processes that are killed or stand still, and a network that is gone.
//!
//! Invariant: only processes in the host's own PID namespace are touched.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::{Host, must};

/// How a host is cut off.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// Nothing passes, and neither side is told: a switch that died.
    Silent,
    /// The cable is pulled: the host sees its link go down.
    Unplugged,
}

impl Host {
    /// Sends a signal to each process of the host whose command line contains these words; how many there were.
    pub fn signal(&self, words: &str, signal: Signal) -> usize {
        let namespace = |pid: i32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let own = namespace(self.leader);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let meant = pids.filter(|pid| command_line(*pid).contains(words) && namespace(*pid) == own);
        meant.filter_map(Pid::from_raw).filter(|pid| kill_process(*pid, signal).is_ok()).count()
    }

    /// Cuts the host off from everything, until [`Host::mend`].
    ///
    /// # Panics
    /// If its link is not there.
    pub fn cut(&self, how: Cut) {
        match how {
            Cut::Silent => must("ip", &["link", "set", &self.link(), "nomaster"]),
            Cut::Unplugged => must("ip", &["link", "set", &self.link(), "down"]),
        };
    }

    /// Lets it back in, however it was cut off.
    ///
    /// # Panics
    /// If its link is not there.
    pub fn mend(&self) {
        must("ip", &["link", "set", &self.link(), "master", &self.network.bridge(), "up"]);
    }

    /// This machine's end of the host's cable, as nspawn names it.
    fn link(&self) -> String {
        format!("vb-{}", self.name)
    }
}

fn command_line(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}
