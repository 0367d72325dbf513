//! The dashboard is embedded at compile time: a newly built one must be compiled in. A build without Node has none, and says so.

use std::fs;
use std::path::Path;

fn main() {
    let dist = Path::new("../../web/dist");
    if !dist.exists() {
        // An error here shows up below as a build without a dashboard.
        let _ = fs::create_dir_all(dist);
    }
    println!("cargo:rerun-if-changed={}", dist.display());
}
