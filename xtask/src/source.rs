//! The workspace's Rust files. Invariant: generated and downloaded folders are never read.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold the workspace's own source.
const FOLDERS: &[&str] = &["crates", "xtask", "tests", "bench"];

/// One file: its path from the workspace's root, and its text.
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// The workspace's root, wherever the task is started.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Every `.rs` file of the workspace, sorted by path.
pub fn rust_files() -> Result<Vec<SourceFile>, String> {
    let root = root();
    let mut found = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), &mut found)?;
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let path = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
            Ok(SourceFile { path, text })
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "node_modules" | "dist") {
                walk(&path, found)?;
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(())
}
