//! Real hosts: Debian with systemd as init, booted by systemd-nspawn on an overlay of one cached base.
//!
//! Invariant: a number is held by a file lock for as long as its network lives, so what a killed test left under that
//! number (mounts, links, folders) is removed by the next one that gets it.

mod base;
mod network;
mod host;
mod fault;

pub use fault::Cut;
pub use host::Host;
pub use network::Network;
pub use rustix::process::Signal;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::need;

/// Outside the clone: it is kept from one checkout to the next.
fn cache() -> PathBuf {
    PathBuf::from("/var/cache/watchtower-tests")
}

/// What this machine lacks for hosts, if anything.
fn lack() -> Option<String> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        return Some("root, to boot hosts with systemd-nspawn".into());
    }
    for (program, package) in [
        ("systemd-nspawn", "systemd-container"),
        ("debootstrap", "debootstrap"),
        ("nsenter", "util-linux"),
        ("ip", "iproute2"),
        ("mount", "mount"),
    ] {
        if !on_path(program) {
            return Some(format!("{program} (Debian package {package})"));
        }
    }
    let overlay = std::fs::read_to_string("/proc/filesystems").is_ok_and(|text| text.contains("\toverlay"));
    (!overlay).then(|| "overlayfs in this kernel".into())
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .any(|folder| folder.join(program).is_file())
}

/// Tells of a lack; true if there is one.
fn lacking() -> bool {
    lack().inspect(|what| need::lacks(what)).is_some()
}

/// Runs a program to its end.
///
/// # Panics
/// If it fails, with what it said.
fn must(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a program whose failure does not matter: cleaning up what may not be there.
fn attempt(program: &str, args: &[&str]) {
    let _ = Command::new(program).args(args).output();
}

/// Every mount below a folder, deepest first.
fn unmount_below(folder: &Path) {
    let prefix = format!("{}/", folder.display());
    let table = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut points: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|point| point.starts_with(&prefix))
        .collect();
    points.sort_unstable_by_key(|point| std::cmp::Reverse(point.len()));
    for point in points {
        attempt("umount", &["-l", point]);
    }
}
