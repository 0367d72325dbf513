//! The house's rules that rustfmt and clippy do not hold. Invariant: each exception is named here, and fails once it is
//! no longer needed.

use crate::source::{self, SourceFile};

const FILE_LINES: usize = 700;
const FUNCTION_LINES: usize = 70;

/// Leftovers, spelled so that this file does not hold them.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("db", "g!("),
    concat!("XX", "X:"),
];

/// Folders of one developer's machine.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/ro", "ot/")];

const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

/// Files above the limit: one table each, which is read best whole.
const LONG_FILES: &[&str] = &[];

/// Functions above the limit, as `path name`.
const LONG_FUNCTIONS: &[&str] = &[];

/// Files that have to name a machine's folders: they guard them, or a file format does. As `path text`.
const NAMED_PATHS: &[&str] = &[];

pub fn check() -> Result<(), String> {
    let files = source::rust_files()?;
    let problems = problems(&files, LONG_FILES, LONG_FUNCTIONS, NAMED_PATHS);
    if problems.is_empty() { Ok(()) } else { Err(format!("\n  {}", problems.join("\n  "))) }
}

fn problems(
    files: &[SourceFile],
    long_files: &[&str],
    long_functions: &[&str],
    named_paths: &[&str],
) -> Vec<String> {
    let mut out = Vec::new();
    let (mut files_used, mut functions_used, mut paths_used) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        out.extend(shape(file));
        if file.text.lines().count() > FILE_LINES {
            excuse(&file.path, long_files, &mut files_used, &mut out, || {
                format!("{}: more than {FILE_LINES} lines", file.path)
            });
        }
        for function in long_functions_of(&file.text) {
            let key = format!("{} {}", file.path, function.name);
            excuse(&key, long_functions, &mut functions_used, &mut out, || {
                format!("{}:{}: {} has {} lines", file.path, function.line, function.name, function.length)
            });
        }
        for (number, found) in machine_paths(&file.text) {
            let key = format!("{} {found}", file.path);
            excuse(&key, named_paths, &mut paths_used, &mut out, || {
                format!("{}:{number}: names {found}, a folder of one machine", file.path)
            });
        }
    }
    for (allowed, used) in
        [(long_files, &files_used), (long_functions, &functions_used), (named_paths, &paths_used)]
    {
        let unused = allowed.iter().filter(|key| !used.iter().any(|seen| seen == *key));
        out.extend(
            unused.map(|key| format!("xtask/src/tidy.rs: {key:?} needs no exception any more; remove it")),
        );
    }
    out
}

/// Records a problem, unless it is among the named exceptions.
fn excuse(
    key: &str,
    allowed: &[&str],
    used: &mut Vec<String>,
    out: &mut Vec<String>,
    text: impl Fn() -> String,
) {
    if allowed.contains(&key) { used.push(key.into()) } else { out.push(text()) }
}

/// Module docs, names and leftovers.
fn shape(file: &SourceFile) -> Vec<String> {
    let mut out = Vec::new();
    if !file.text.starts_with("//!") {
        out.push(format!("{}: does not start with a //! line that says what the module is", file.path));
    }
    let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
    if EMPTY_NAMES.contains(&stem) {
        out.push(format!("{}: {stem} says nothing; name the idea", file.path));
    }
    for (number, line) in file.text.lines().enumerate() {
        if let Some(found) = LEFTOVERS.iter().find(|word| line.contains(**word)) {
            out.push(format!("{}:{}: {found} is left over", file.path, number + 1));
        }
    }
    out
}

fn machine_paths(text: &str) -> Vec<(usize, &'static str)> {
    let mut out = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in MACHINE_PATHS {
            // A folder of that name inside another path is none of a machine's.
            let whole = line.match_indices(folder).any(|(at, _)| {
                !line[..at]
                    .chars()
                    .next_back()
                    .is_some_and(|before| before.is_alphanumeric() || "}_.-*".contains(before))
            });
            if whole {
                out.push((number + 1, *folder));
            }
        }
    }
    out
}

struct LongFunction {
    name: String,
    line: usize,
    length: usize,
}

/// Functions longer than the limit. rustfmt has set the closing brace in the column of the line that opens the function.
fn long_functions_of(text: &str) -> Vec<LongFunction> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len() - line.trim_start().len();
        let end = lines[start..].iter().position(|line| {
            line.len() - line.trim_start().len() == indent
                && matches!(line.trim_end().trim_start(), "}" | "};")
        });
        let one_line = line.trim_end().ends_with(['}', ';']);
        if let (Some(length), false) = (end, one_line)
            && length + 1 > FUNCTION_LINES
        {
            out.push(LongFunction { name, line: start + 1, length: length + 1 });
        }
    }
    out
}

/// The name of the function that this line begins.
fn function_name(line: &str) -> Option<String> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name: String =
        rest.strip_prefix("fn ")?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn each_rule_is_held() {
        let long = format!("//! x\n{}", "let a = 1;\n".repeat(FILE_LINES));
        let files = [
            file("crates/a/src/no_docs.rs", "fn a() {}\n"),
            file("crates/a/src/utils.rs", "//! x\n"),
            file("crates/a/src/left.rs", concat!("//! x\n// TO", "DO later\n")),
            file("crates/a/src/path.rs", concat!("//! x\nconst P: &str = \"/ho", "me/me/x\";\n")),
            file("crates/a/src/long.rs", &long),
        ];
        let found = problems(&files, &[], &[], &[]);
        assert_eq!(found.len(), 5, "{found:#?}");
    }

    #[test]
    fn a_long_function_is_named_and_a_needless_exception_too() {
        let text = format!("//! x\npub async fn big() {{\n{}}}\n", "    a();\n".repeat(FUNCTION_LINES));
        let files = [file("crates/a/src/b.rs", &text)];
        assert!(problems(&files, &[], &[], &[])[0].contains("big has 72 lines"));
        assert!(problems(&files, &[], &["crates/a/src/b.rs big"], &[]).is_empty());
        let needless = problems(&files, &[], &["crates/a/src/b.rs big", "crates/a/src/b.rs small"], &[]);
        assert_eq!(needless.len(), 1, "{needless:#?}");
    }

    #[test]
    fn a_path_inside_a_fixture_is_not_a_machines() {
        assert!(machine_paths(concat!("join(\"fixtures/ro", "ot/x\")")).is_empty());
        assert_eq!(machine_paths(concat!("\"/ro", "ot/x\"")).len(), 1);
    }
}
