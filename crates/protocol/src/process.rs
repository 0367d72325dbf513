//! The process table of one moment.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

/// The top processes by CPU, memory and IO, and how many there were in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessTable {
    pub total: u32,
    pub threads: u32,
    pub items: Vec<Process>,
}

/// One process. `pid` and `started_at` together name it for as long as the machine runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    pub ppid: u32,
    pub started_at: Timestamp,
    pub user: String,
    /// As in `/proc/PID/stat`: R, S, D, Z, T, I.
    pub state: String,
    pub threads: u32,
    /// Share of one core since the last table, 0 to 100 x cores.
    pub cpu_percent: f64,
    pub rss_bytes: u64,
    pub read_bytes_per_second: u64,
    pub write_bytes_per_second: u64,
    /// The command's name (`comm`).
    pub name: String,
    /// The command line with arguments that look like secrets masked.
    pub command: String,
}
