//! Files of configuration: one, or all of a folder, each with objects by the nouns' keys.

use std::path::Path;

use super::nearest::nearest;
use super::node::{Node, Tree, parse};
use super::{KEPT, Kept};
use crate::failure::Failure;
use crate::session::Session;

/// Files of a folder.
const FILES_MAX: usize = 500;
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// One object of a file.
pub struct Object {
    pub kept: &'static Kept,
    pub file: String,
    pub node: Node,
}

#[derive(Default)]
pub struct Files {
    pub objects: Vec<Object>,
    /// Keys that they have, with objects below them or not: `--prune` is about these.
    pub keys: Vec<&'static str>,
}

/// Something that is wrong, and where.
pub fn at(file: &str, line: u64, message: impl std::fmt::Display) -> String {
    format!("{file}:{line}: {message}")
}

fn paths(path: &str) -> Result<Vec<String>, Failure> {
    if path == "-" || !Path::new(path).is_dir() {
        return Ok(vec![path.into()]);
    }
    let fail = |e: std::io::Error| Failure::usage(format!("{path}: {e}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let file = entry.map_err(fail)?.path();
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ENDINGS.contains(&ending) && file.is_file() {
            found.push(file.to_string_lossy().into_owned());
        }
    }
    if found.is_empty() || found.len() > FILES_MAX {
        let text = format!("{path}: has {} files of configuration, not 1 to {FILES_MAX}", found.len());
        return Err(Failure::usage(text).hint("their names end in .yaml, .yml or .json"));
    }
    found.sort();
    Ok(found)
}

/// Reads a file, standard input (`-`), or all files of a folder in the order of their names.
pub fn read(session: &mut Session, path: &str, problems: &mut Vec<String>) -> Result<Files, Failure> {
    let mut files = Files::default();
    for file in paths(path)? {
        let root = parse(&file, &session.read(&file)?)?;
        take(&mut files, &file, &root, problems);
    }
    Ok(files)
}

fn take(files: &mut Files, file: &str, root: &Node, problems: &mut Vec<String>) {
    // A file of nothing but comments is empty.
    if !matches!(root.tree, Tree::Map(_)) && !root.is_null() {
        let keys: Vec<&str> = KEPT.iter().map(|kept| kept.key).collect();
        problems.push(at(file, root.line, format!("must have keys, of {}", keys.join(", "))));
    }
    for entry in root.entries() {
        let Some(kept) = KEPT.iter().find(|kept| kept.key == entry.name) else {
            problems.push(at(
                file,
                entry.line,
                unknown("key", &entry.name, KEPT.iter().map(|kept| kept.key)),
            ));
            continue;
        };
        files.keys.push(kept.key);
        if !matches!(entry.node.tree, Tree::List(_)) && !entry.node.is_null() {
            problems.push(at(file, entry.line, format!("{} must be a list", entry.name)));
        }
        for node in entry.node.items() {
            if matches!(node.tree, Tree::Map(_)) {
                files.objects.push(Object { kept, file: file.into(), node: node.clone() });
            } else {
                problems.push(at(file, node.line, format!("an item of {} must have fields", entry.name)));
            }
        }
    }
}

/// `unknown field "nmae": did you mean name?`
pub fn unknown<'k>(what: &str, word: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("unknown {what} {word:?}: did you mean {near}?"),
        None => {
            let mut known: Vec<&str> = known.into_iter().collect();
            known.sort_unstable();
            known.dedup();
            format!("unknown {what} {word:?}; known: {}", known.join(", "))
        }
    }
}
