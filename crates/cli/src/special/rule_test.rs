//! `rule test`: unit tests of rule files, in the format of promtool. Needs no hub.

use std::path::{Path, PathBuf};

use clap::{Arg, Command, value_parser};
use serde_json::{Value, json};
use watchtower_rules::unit::{Suite, SuiteError, TestReport, run_suite};
use watchtower_rules::{Dialect, Settings};

use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::session::Session;

static TESTS: Shape = Shape {
    key: "test",
    columns: &[
        column("FILE", "file", As::Text, 0),
        column("TEST", "test", As::Text, 0),
        column("RESULT", "result", As::State, 0),
    ],
};

pub static TEST: Special = Special {
    args: |command: Command| {
        command.about("Run unit tests of rules, in promtool's format; needs no hub").args([
            Arg::new("file").required(true).num_args(1..).value_name("FILE").help("A file of tests"),
            Arg::new("promql-compat")
                .long("promql-compat")
                .value_name("2|3")
                .value_parser(value_parser!(u8).range(2..=3))
                .default_value("3")
                .help("Follow Prometheus 2 or 3 where they differ"),
        ])
    },
    run: |session, matches| {
        let dialect = match matches.get_one::<u8>("promql-compat") {
            Some(2) => Dialect::Prometheus2,
            _ => Dialect::Prometheus3,
        };
        let files: Vec<String> = matches.get_many("file").into_iter().flatten().cloned().collect();
        let (mut items, mut failures) = (Vec::new(), String::new());
        for file in &files {
            for report in run(session, file, &Settings::of(dialect))? {
                let good = report.failures.is_empty();
                for failure in &report.failures {
                    failures.push_str(&format!(
                        "\n{file}, {}:\n  {}\n",
                        report.name,
                        failure.replace('\n', "\n  ")
                    ));
                }
                items.push(json!({
                    "file": file, "test": report.name, "result": if good { "passed" } else { "failed" }, "failures": report.failures,
                }));
            }
        }
        let failed = items.iter().filter(|item| item["result"] == "failed").count();
        let all = items.len();
        session.print.list(&TESTS, &json!({ "items": Value::Array(items) }))?;
        if session.print.format.is_text() {
            session.print.put(&failures)?;
        }
        if failed == 0 {
            return Ok(Exit::Ok);
        }
        Err(Failure::new(Exit::Failed, "rule_test", format!("{failed} of {all} tests failed")))
    },
};

fn run(session: &mut Session, file: &str, settings: &Settings) -> Result<Vec<TestReport>, Failure> {
    let failed = |error: SuiteError| Failure::new(Exit::Failed, "rule_test", format!("{file}: {error}"));
    let suite = Suite::read(&session.read(file)?).map_err(failed)?;
    let beside = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut rules = Vec::new();
    for pattern in &suite.rule_files {
        let paths = expand(&beside.join(pattern));
        if paths.is_empty() {
            return Err(Failure::new(
                Exit::Failed,
                "rule_test",
                format!("{file}: no rule file is {pattern}"),
            ));
        }
        for path in paths {
            let name = path.display().to_string();
            rules.push((name.clone(), session.read(&name)?));
        }
    }
    run_suite(&suite, &rules, settings).map_err(failed)
}

/// The files of a pattern whose last part may hold `*`, sorted.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or("");
    if !name.contains('*') {
        return vec![pattern.into()];
    }
    let dir = pattern.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let matches = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| fits(name, n));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(matches).collect();
    paths.sort();
    paths
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name.strip_prefix(before).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| fits(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, wanted) in [
            ("*.yml", "a.yml", true),
            ("a*b*.yml", "axxbc.yml", true),
            ("*.yml", "a.yaml", false),
            ("a*", "ba", false),
        ] {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
