//! Who may use whom. Invariant: the table below is the architecture; an edge that is not in it fails the build.
//!
//! Reads `cargo metadata` (the graph of normal and build dependencies; tests may use what they need), and the pure
//! crates' source for clocks, sleeping, async and randomness.

use std::process::Command;

use serde_json::Value;

use crate::source::{self, SourceFile};

/// Crate, and the workspace's crates it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &["model"]),
    ("agent", &["model", "protocol"]),
    ("matchers", &["model"]),
    ("intake", &["model"]),
    ("tsdb", &["model", "matchers"]),
    ("promql", &["model", "matchers"]),
    ("rules", &["model", "matchers", "promql"]),
    ("oncall", &["model"]),
    ("incident", &["model", "matchers"]),
    ("automation", &["model", "matchers"]),
    ("store", &["model"]),
    ("bus", &["model"]),
    ("egress", &[]),
    ("notify", &["model", "egress"]),
    ("deploy", &["model"]),
    ("api-types", &["model"]),
    (
        "hub",
        &[
            "model",
            "protocol",
            "matchers",
            "intake",
            "tsdb",
            "promql",
            "rules",
            "oncall",
            "incident",
            "automation",
            "store",
            "bus",
            "egress",
            "notify",
            "deploy",
            "api-types",
        ],
    ),
    // The edge also speaks what it passes on: ids and times, the agents' frames, queries and their errors, an incident's
    // state, and the wakes that the live channel waits for.
    ("http", &["hub", "api-types", "model", "protocol", "matchers", "promql", "incident", "store", "bus"]),
    // Unit tests of rules run where the files are, without a hub; two texts of the same matchers are one in files of configuration.
    ("cli", &["api-types", "deploy", "model", "matchers", "rules"]),
    ("watchtower", &["http", "cli", "hub", "api-types", "model", "protocol"]),
];

/// Beside the product: they may use any crate of it, and nothing of it may use them.
const OUTSIDE: &[&str] = &["testkit", "tests", "bench", "xtask"];

/// Third-party crates that are one crate's business: the guarded crate, and who may use it.
const GUARDED: &[(&str, &[&str])] = &[
    ("axum", &["http"]),
    ("rusqlite", &["store"]),
    ("tokio-postgres", &["store"]),
    ("deadpool-postgres", &["store"]),
    ("redis", &["bus"]),
    ("russh", &["deploy"]),
];

/// Engines without IO, clock, async or randomness: they are told `now`.
const PURE: &[&str] = &[
    "model",
    "protocol",
    "matchers",
    "intake",
    "tsdb",
    "promql",
    "rules",
    "oncall",
    "incident",
    "automation",
    "api-types",
];

/// Third-party crates that a pure crate may not use.
const IMPURE_CRATES: &[&str] = &["tokio", "rand", "getrandom", "reqwest", "hyper", "ureq"];

/// What a pure crate may not name.
const IMPURE_PATHS: &[&str] = &[
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "thread::sleep",
    "tokio::",
    "rand::",
    "std::net::",
    "std::process::",
];

/// One dependency: `from` uses `to`; names without the `watchtower-` prefix for the workspace's own.
#[derive(Debug, PartialEq)]
struct Edge {
    from: String,
    to: String,
    own: bool,
}

pub fn check() -> Result<(), String> {
    let edges = edges_of(&metadata()?)?;
    let mut problems = forbidden(&edges);
    problems.extend(impure(&source::rust_files()?));
    if problems.is_empty() { Ok(()) } else { Err(format!("\n  {}", problems.join("\n  "))) }
}

fn metadata() -> Result<Value, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(source::root())
        .output()
        .map_err(|e| format!("cannot run cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))
}

/// The workspace's direct dependencies, without those of tests.
fn edges_of(metadata: &Value) -> Result<Vec<Edge>, String> {
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let own: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut edges = Vec::new();
    for package in packages {
        let from = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = dependency["name"].as_str().unwrap_or_default();
            if dependency["kind"].as_str() != Some("dev") {
                edges.push(Edge { from: short(from), to: short(name), own: own.contains(&name) });
            }
        }
    }
    Ok(edges)
}

fn short(name: &str) -> String {
    name.strip_prefix("watchtower-").unwrap_or(name).to_string()
}

fn forbidden(edges: &[Edge]) -> Vec<String> {
    edges.iter().filter_map(verdict).collect()
}

/// Why an edge is forbidden.
fn verdict(edge: &Edge) -> Option<String> {
    let Edge { from, to, own } = edge;
    if OUTSIDE.contains(&from.as_str()) {
        return None;
    }
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == from) else {
        return Some(format!("crate {from} has no row in xtask/src/layers.rs: say there what it may use"));
    };
    if *own && !allowed.contains(&to.as_str()) {
        return Some(format!("{from} uses {to}; it may use {allowed:?}"));
    }
    if let Some((_, users)) = GUARDED.iter().find(|(name, _)| name == to)
        && !users.contains(&from.as_str())
    {
        return Some(format!("{from} uses {to}, which belongs to {users:?} alone"));
    }
    if PURE.contains(&from.as_str()) && IMPURE_CRATES.contains(&to.as_str()) {
        return Some(format!("{from} is pure and uses {to}"));
    }
    None
}

fn impure(files: &[SourceFile]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files {
        if !PURE.iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/"))) {
            continue;
        }
        // Tests may sleep.
        let product = file.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).enumerate();
        for (number, line) in product {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(path) = IMPURE_PATHS.iter().find(|path| names(code, path)) {
                problems.push(format!("{}:{}: a pure crate names {path}", file.path, number + 1));
            }
        }
    }
    problems
}

/// Whether the code names the path itself, not one that only ends like it (`operand::` is not `rand::`).
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edge(from: &str, to: &str, own: bool) -> Edge {
        Edge { from: from.into(), to: to.into(), own }
    }

    #[test]
    fn forbidden_edges_are_named() {
        let bad = [
            edge("agent", "hub", true),
            edge("store", "bus", true),
            edge("hub", "axum", false),
            edge("promql", "tokio", false),
            edge("hub", "testkit", true),
            edge("unheard-of", "model", true),
        ];
        let problems = forbidden(&bad);
        assert_eq!(problems.len(), bad.len(), "{problems:#?}");
        assert!(problems[0].contains("agent uses hub"));
    }

    #[test]
    fn allowed_edges_pass() {
        let good = [
            edge("agent", "protocol", true),
            edge("http", "axum", false),
            edge("store", "rusqlite", false),
            edge("tests", "hub", true),
            edge("hub", "tokio", false),
        ];
        assert_eq!(forbidden(&good), Vec::<String>::new());
    }

    #[test]
    fn edges_come_from_metadata_without_those_of_tests() {
        let metadata = json!({"packages": [
            {"name": "watchtower-agent", "dependencies": [
                {"name": "watchtower-hub", "kind": null}, {"name": "watchtower-testkit", "kind": "dev"}, {"name": "serde", "kind": null}]},
            {"name": "watchtower-hub", "dependencies": []}]});
        let edges = edges_of(&metadata).unwrap();
        assert_eq!(edges, [edge("agent", "hub", true), edge("agent", "serde", false)]);
        assert_eq!(forbidden(&edges).len(), 1);
    }

    #[test]
    fn a_clock_in_a_pure_crate_is_found() {
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        let files = [
            file("crates/rules/src/a.rs", "let now = std::time::SystemTime::now();\n"),
            file("crates/rules/src/b.rs", "// not std::time::SystemTime\nlet x = operand::new();\n"),
            file("crates/hub/src/c.rs", "let now = std::time::SystemTime::now();\n"),
            file("crates/rules/tests/d.rs", "std::thread::sleep(d);\n"),
        ];
        let problems = impure(&files);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].starts_with("crates/rules/src/a.rs:1"));
    }
}
