//! What a process has used, from /proc.

use std::fs;
use std::path::{Path, PathBuf};

/// Ticks per second of /proc/PID/stat on Linux.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, of all its threads.
pub fn cpu_seconds(pid: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |i: usize| {
        after_name.split_whitespace().nth(i).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
    };
    (field(11) + field(12)) / TICKS
}

/// Resident megabytes.
pub fn resident_mb(pid: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// A program on the path.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').map(|dir| Path::new(dir).join(name)).find(|file| file.is_file())
}

/// Megabytes of a file.
pub fn file_mb(path: &Path) -> f64 {
    fs::metadata(path).map_or(0.0, |metadata| metadata.len() as f64 / 1e6)
}
