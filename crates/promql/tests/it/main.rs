//! The script files under `tests/scripts`, and what scripts cannot say: limits and what the source is asked.

mod engine;
mod script;
mod source;

use std::path::Path;

#[test]
fn scripts_hold() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut failures = Vec::new();
    let mut evaluations = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let run = script::run(&text);
        evaluations += run.evaluations;
        failures.extend(run.failures.into_iter().map(|f| format!("{name}:{f}")));
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(evaluations > 190, "only {evaluations} evaluations were found in {files:?}");
}

#[test]
fn a_wrong_expectation_fails() {
    let run = script::run("load 1m\n  a 1 2\n\neval instant at 1m a\n  a 3\n\neval instant at 1m a\n  b 2\n");
    assert_eq!((run.evaluations, run.failures.len()), (2, 2));
}
