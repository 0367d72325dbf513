//! A run until its end: output as it comes, a prefix per server, then how it went.
//!
//! stdout of the servers goes to our stdout, their stderr to our stderr. For programs only the finished run is
//! printed (`json`), or every part as it comes (`ndjson`).

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::poll::Patience;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::find;
use crate::output::Format;
use crate::output::cell::one_line;
use crate::session::Session;

const PERIOD: Duration = Duration::from_millis(200);
/// Output that is still under way when a run has ended.
const DRAIN: Duration = Duration::from_secs(5);
/// A line without an end is printed in pieces of this size.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What was read of one execution.
#[derive(Default)]
struct Tail {
    after: i64,
    complete: bool,
    /// The unfinished line of each stream.
    rest: BTreeMap<String, String>,
}

pub fn follow(session: &mut Session, number: &str) -> Done {
    let mut tails: BTreeMap<String, Tail> = BTreeMap::new();
    let mut patience = Patience::default();
    let mut ended: Option<Instant> = None;
    loop {
        let answer = session.hub.get("run.get", &[number]);
        if let Some(run) = patience.take(session, answer)? {
            let missing = read_all(session, number, &run, &mut tails, &mut patience)?;
            if run["finished_at"].is_string() {
                let since = *ended.get_or_insert_with(Instant::now);
                if !missing || since.elapsed() > DRAIN {
                    return finish(session, &run, tails);
                }
            }
        }
        thread::sleep(PERIOD);
    }
}

/// Reads what is new of every execution. True while some output is still to come.
fn read_all(
    session: &mut Session,
    number: &str,
    run: &Value,
    tails: &mut BTreeMap<String, Tail>,
    patience: &mut Patience,
) -> Result<bool, Failure> {
    let mut missing = false;
    for execution in run["executions"].as_array().into_iter().flatten() {
        let id = execution["id"].as_str().unwrap_or("").to_string();
        let tail = tails.entry(id.clone()).or_default();
        let silent = matches!(
            execution["state"].as_str(),
            Some("rejected" | "expired" | "lost" | "pending" | "queued" | "skipped" | "cancelled")
        );
        if tail.complete || (silent && execution["started_at"].is_null()) {
            continue;
        }
        let query = [("after", tail.after.to_string())];
        let answer = session.hub.call("run.output", &[number, &id], &query, None);
        let Some(output) = patience.take(session, answer)? else {
            missing = true;
            continue;
        };
        let server = execution["server"].as_str().unwrap_or("?");
        for part in output["parts"].as_array().into_iter().flatten() {
            tail.after = part["sequence"].as_i64().unwrap_or(tail.after);
            show(session, server, part, tail)?;
        }
        tail.complete = output["complete"] == true;
        missing |= !tail.complete;
    }
    Ok(missing)
}

fn show(session: &mut Session, server: &str, part: &Value, tail: &mut Tail) -> Result<(), Failure> {
    match session.print.format {
        Format::Ndjson => {
            let mut part = part.clone();
            part["server"] = server.into();
            session.print.put(&format!("{part}\n"))?;
        }
        Format::Table | Format::Wide => {
            let stream = part["stream"].as_str().unwrap_or("stdout");
            let rest = tail.rest.entry(stream.into()).or_default();
            rest.push_str(part["text"].as_str().unwrap_or(""));
            while let Some(end) = line_end(rest) {
                let line: String = rest.drain(..end).collect();
                print_line(session, server, stream, line.trim_end_matches('\n'))?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Where the first line ends, counting its newline; an endless line is cut, but not within a character.
fn line_end(text: &str) -> Option<usize> {
    match text.find('\n') {
        Some(at) => Some(at + 1),
        None if text.len() > LINE_BYTES_MAX => {
            (LINE_BYTES_MAX..=text.len()).find(|&i| text.is_char_boundary(i))
        }
        None => None,
    }
}

fn print_line(session: &mut Session, server: &str, stream: &str, line: &str) -> Result<(), Failure> {
    let streams = &mut session.print.streams;
    if stream == "stderr" {
        writeln!(streams.err, "{server} | {}", safe(line, streams.err_tty))?;
    } else {
        writeln!(streams.out, "{server} | {}", safe(line, streams.out_tty))?;
        streams.out.flush()?;
    }
    Ok(())
}

/// What a server printed must not command this terminal; a pipe gets it as it is.
pub fn safe(text: &str, tty: bool) -> String {
    if !tty {
        return text.to_string();
    }
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

fn finish(session: &mut Session, run: &Value, tails: BTreeMap<String, Tail>) -> Done {
    let shape = &find("run").expect("the table has runs").shape;
    let executions = run["executions"].as_array().map_or(&[][..], Vec::as_slice);
    if session.print.format.is_text() {
        for execution in executions {
            let server = execution["server"].as_str().unwrap_or("?");
            let rests = execution["id"].as_str().and_then(|id| tails.get(id)).map(|tail| &tail.rest);
            for (stream, rest) in rests.into_iter().flatten().filter(|(_, rest)| !rest.is_empty()) {
                print_line(session, server, stream, rest)?;
            }
        }
        for execution in executions.iter().filter(|execution| execution["state"] != "succeeded") {
            session.print.say(why(execution));
        }
        let count = |name: &str| run[name].as_u64().unwrap_or(0);
        let (total, good) = (count("total"), count("succeeded"));
        session.print.say(format!("run {}: {good} of {total} succeeded", run["number"]));
    } else if session.print.format != Format::Ndjson {
        session.print.object(shape, run)?;
    }
    result(run)
}

/// `web-1: failed, exit 3`.
fn why(execution: &Value) -> String {
    let text = |name: &str| execution[name].as_str().unwrap_or("").to_string();
    let code = execution["exit_code"].as_i64().map(|code| format!(", exit {code}")).unwrap_or_default();
    let reason = execution["reason"].as_str().map(|reason| format!(", {reason}")).unwrap_or_default();
    one_line(&format!("{}: {}{code}{reason}", text("server"), text("state")))
}

/// How a run ends a command. One that still goes on is no failure.
pub fn result(run: &Value) -> Done {
    let executions = run["executions"].as_array().map_or(&[][..], Vec::as_slice);
    let timed_out =
        !executions.is_empty() && executions.iter().all(|execution| execution["state"] == "timed_out");
    Ok(match run["state"].as_str() {
        Some("partial") => Exit::Partial,
        Some("failed") if timed_out => Exit::TimedOut,
        Some("failed" | "cancelled" | "expired") => Exit::Failed,
        _ => Exit::Ok,
    })
}
