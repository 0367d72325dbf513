//! The base that every host's overlay lies on: debootstrap's result, made once per list of packages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::{attempt, cache, must};

const SUITE: &str = "bookworm";
const MIRROR: &str = "http://deb.debian.org/debian";
const PACKAGES: &str = "systemd,systemd-sysv,dbus,openssh-server,sudo,curl";
/// Counts up when what is done after debootstrap changes.
const RECIPE: u32 = 1;

/// The folder of the base. Takes about a minute the first time; others wait for it.
pub(super) fn ready() -> PathBuf {
    fs::create_dir_all(cache()).unwrap_or_else(|e| panic!("{}: {e}", cache().display()));
    let name = format!("base-{SUITE}-{}-{RECIPE}", PACKAGES.replace(',', "+"));
    let base = cache().join(&name);
    let lock = File::create(cache().join("base.lock")).expect("root may write to its cache");
    lock.lock().expect("the cache's file system has locks");
    if !base.exists() {
        let making = cache().join("making");
        attempt("rm", &["-rf", "--one-file-system", &making.to_string_lossy()]);
        make(&making);
        fs::rename(&making, &base).expect("both are in the cache");
    }
    base
}

fn make(folder: &Path) {
    let include = format!("--include={PACKAGES}");
    must("debootstrap", &["--variant=minbase", &include, SUITE, &folder.to_string_lossy(), MIRROR]);
    // The host's name comes from nspawn, its id is made at first boot, its keys are the host's own affair.
    for leftover in ["etc/hostname", "etc/machine-id", "var/lib/dbus/machine-id"] {
        let _ = fs::remove_file(folder.join(leftover));
    }
    File::create(folder.join("etc/machine-id")).expect("the base is ours");
    let wants = folder.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).expect("the base is ours");
    let networkd = "/lib/systemd/system/systemd-networkd.service";
    std::os::unix::fs::symlink(networkd, wants.join("systemd-networkd.service")).expect("the base is ours");
    let archives = folder.join("var/cache/apt/archives");
    for entry in fs::read_dir(archives).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|kind| kind == "deb") {
            let _ = fs::remove_file(entry.path());
        }
    }
}
