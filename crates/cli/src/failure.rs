//! How a command ends: exit codes and errors. Every error says what, and where it can, what to do next.

use std::fmt;

/// Exit codes are an interface: scripts branch on them. `watchtower help exit-codes` prints this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Denied = 4,
    Conflict = 5,
    Partial = 6,
    TimedOut = 7,
    Unreachable = 8,
    Validation = 9,
    Finding = 10,
    /// 128 + SIGINT, as every shell counts it.
    Interrupted = 130,
}

impl Exit {
    pub const ALL: [(Exit, &'static str); 12] = [
        (Exit::Ok, "ok"),
        (Exit::Failed, "failed"),
        (Exit::Usage, "usage: the command line itself is wrong"),
        (Exit::NotFound, "not found"),
        (Exit::Denied, "not signed in, or not allowed"),
        (Exit::Conflict, "conflict with what exists"),
        (Exit::Partial, "partial: some of several did not succeed"),
        (Exit::TimedOut, "timed out"),
        (Exit::Unreachable, "the hub cannot be reached"),
        (Exit::Validation, "validation: the hub refused a value"),
        (Exit::Finding, "finding: the command worked, the answer is bad (status --fail-on, config diff)"),
        (Exit::Interrupted, "interrupted by Ctrl-C"),
    ];

    /// The exit for a problem's `code`, as the hub names it.
    pub fn of_problem(code: &str, status: u16) -> Exit {
        match code {
            "not_found" => Exit::NotFound,
            "unauthenticated" | "forbidden" => Exit::Denied,
            "conflict" => Exit::Conflict,
            "validation" | "query" | "bad_data" | "execution" => Exit::Validation,
            "timeout" => Exit::TimedOut,
            _ => match status {
                401 | 403 => Exit::Denied,
                404 => Exit::NotFound,
                409 => Exit::Conflict,
                400 | 413 | 422 => Exit::Validation,
                504 => Exit::TimedOut,
                _ => Exit::Failed,
            },
        }
    }
}

/// Why a command did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub struct Failure {
    pub exit: Exit,
    /// Stable, for programs; the hub's problem code where the hub said no.
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub request_id: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Failure {
    pub fn new(exit: Exit, code: &str, message: impl Into<String>) -> Failure {
        Failure { exit, code: code.into(), message: message.into(), hint: None, request_id: None }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "usage", message)
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// One line of JSON, without the newline.
    pub fn to_json(&self) -> String {
        serde_json::json!({ "error": {
            "code": self.code, "message": self.message, "hint": self.hint, "request_id": self.request_id,
        }})
        .to_string()
    }

    /// `error:`, `try:` and `ref:` lines.
    pub fn to_text(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            text.push_str(&format!("try: {hint}\n"));
        }
        text.push_str(&format!("ref: {}", self.code));
        if let Some(id) = &self.request_id {
            text.push_str(&format!(" req {id}"));
        }
        text.push('\n');
        text
    }
}

/// Writing to a closed pipe is how `| head` ends a command: not an error of ours, but the end of the work.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::new(Exit::Ok, "broken_pipe", "nobody reads the output any more");
        }
        Failure::new(Exit::Failed, "io", error.to_string())
    }
}

/// What a command answers.
pub type Done = Result<Exit, Failure>;
