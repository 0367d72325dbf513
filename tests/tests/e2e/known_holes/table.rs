//! The table of docs/security.md says which test holds what: each test is there, and each hole that a test here names is in the table.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("../../../../docs/security.md");
const HEADING: &str = "## Holes that others had";

#[test]
fn the_table_names_tests_that_exist_and_every_hole_that_is_tested() {
    let rows: Vec<&str> = TABLE
        .split(HEADING)
        .nth(1)
        .expect("the table")
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut sources = String::new();
    for folder in ["crates", "tests"] {
        read(&root.join(folder), &mut sources);
    }
    let words = |line: &str| line.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>();
    let named: BTreeSet<String> =
        rows.iter().filter_map(|row| row.rsplit('|').nth(1)).flat_map(words).collect();
    assert!(named.len() >= 20, "{named:?}");
    let missing: Vec<&String> =
        named.iter().filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "no such test: {missing:?}");
    let table = rows.concat();
    let unlisted: BTreeSet<&str> = holes(&sources).filter(|hole| !table.contains(hole)).collect();
    assert!(unlisted.is_empty(), "not in the table: {unlisted:?}");
}

/// Every number of a hole that a doc comment of a test names.
fn holes(sources: &str) -> impl Iterator<Item = &str> {
    let comments = sources.lines().filter(|line| line.starts_with("/// "));
    let words = comments.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '-')));
    words.filter(|word| word.starts_with("CVE-") || word.starts_with("GHSA-"))
}

fn read(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
