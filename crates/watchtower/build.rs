//! The agents that are built into the hub: what is in the folder that `WATCHTOWER_BUILT_IN_AGENTS` names when the hub is built.
//! Without it there are none, and the hub takes them from a folder when it runs.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "WATCHTOWER_BUILT_IN_AGENTS";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-env-changed={FOLDER}");
    let mut list = String::new();
    if let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) {
        println!("cargo:rerun-if-changed={}", folder.display());
        for (arch, path) in agents(&folder)? {
            println!("cargo:rerun-if-changed={}", path.display());
            let _ = write!(list, "({arch:?}, include_bytes!({:?})), ", path.display());
        }
    }
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo names it")).join("agents.rs");
    fs::write(out, format!("&[{list}]"))
}

fn agents(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().canonicalize()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(arch) = name.strip_prefix("watchtower-agent-") {
            found.push((arch.to_string(), path));
        }
    }
    found.sort();
    Ok(found)
}
