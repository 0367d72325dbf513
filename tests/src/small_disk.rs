//! A disk of a few megabytes, in memory, that a test can fill to any share.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use watchtower_testkit::need;

const BLOCK: usize = 64 * 1024;

/// Mounted for as long as it lives.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one at an empty folder, which is made. `None` where this machine does not let us, with the reason told.
    pub fn mount(at: &Path, megabytes: u32) -> Option<SmallDisk> {
        fs::create_dir_all(at).expect("the temporary folder is writable");
        let options = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            need::lacks("the right to mount a file system");
            return None;
        }
        Some(SmallDisk { at: at.into() })
    }

    /// Percent in use.
    ///
    /// # Panics
    /// If `df` does not know it.
    pub fn used_percent(&self) -> f64 {
        let output = Command::new("df").args(["-B1", "--output=used,avail"]).arg(&self.at).output();
        let output = output.expect("df runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut numbers =
            text.lines().nth(1).unwrap_or("").split_whitespace().map(|n| n.parse::<f64>().unwrap_or(0.0));
        let (used, free) = (numbers.next().unwrap_or(0.0), numbers.next().unwrap_or(0.0));
        assert!(used + free > 0.0, "df says {text:?}");
        100.0 * used / (used + free)
    }

    /// Writes ballast until so much is in use, or nothing more fits.
    ///
    /// # Panics
    /// If the ballast cannot be opened.
    pub fn fill(&self, percent: f64) {
        let ballast = OpenOptions::new().create(true).append(true).open(self.ballast());
        let mut ballast = ballast.expect("the ballast can be opened");
        while self.used_percent() < percent && ballast.write_all(&[7; BLOCK]).is_ok() {}
    }

    /// Takes the ballast away.
    ///
    /// # Panics
    /// If it cannot be removed.
    pub fn empty(&self) {
        fs::remove_file(self.ballast()).expect("the ballast can be removed");
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: what still has a file open here ends with its own test.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).output();
    }
}
