//! Every process below this one, daemons included: a subreaper inherits what its descendants leave behind.
//!
//! Invariant: signals go to descendants of this process alone, or to processes that carry an execution's own mark.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};

use watchtower_model::ExecutionId;

use crate::collect::process::Stat;

/// Between TERM and KILL for what a script left behind.
const LEFTOVER_GRACE: Duration = Duration::from_millis(100);
/// A tree that grows while it is felled is given up after this; in a unit of its own the system fells the rest.
const FELL: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// From here on orphans below this process become its children.
pub fn adopt_orphans() -> std::io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Ends everything below this process: TERM, then KILL until nothing is left.
pub fn fell() {
    if reap() == 0 {
        return;
    }
    signal(Signal::TERM);
    let started = Instant::now();
    while started.elapsed() < FELL {
        if reap() == 0 {
            return;
        }
        if started.elapsed() >= LEFTOVER_GRACE {
            signal(Signal::KILL);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Kills what an execution left behind whose supervisor was killed: known by the id in its environment.
pub fn fell_marked(id: ExecutionId) {
    let mark = format!("WATCHTOWER_EXECUTION_ID={id}");
    let marked = |environment: Vec<u8>| environment.split(|b| *b == 0).any(|entry| entry == mark.as_bytes());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid
            && fs::read(entry.path().join("environ")).is_ok_and(marked)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn signal(signal: Signal) {
    for pid in descendants() {
        let _ = kill_process(pid, signal);
    }
}

/// Takes in what has ended; how many descendants are left.
fn reap() -> usize {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    descendants().len()
}

fn descendants() -> Vec<Pid> {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = fs::read(entry.path().join("stat")).ok().and_then(|line| Stat::parse(pid, &line));
        parents.extend(stat.map(|stat| (pid, stat.ppid)));
    }
    let own = std::process::id();
    let is_below = |pid: u32| {
        let mut at = pid;
        // A chain longer than the table would be a loop: pids were reused while it was read.
        for _ in 0..parents.len() {
            match parents.get(&at) {
                Some(parent) if *parent == own => return true,
                Some(parent) => at = *parent,
                None => return false,
            }
        }
        false
    };
    parents.keys().filter(|pid| is_below(**pid)).filter_map(|pid| Pid::from_raw(*pid as i32)).collect()
}
