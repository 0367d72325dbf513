//! What a command works with: the hub, the printer, the person.

use std::io::{BufRead, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::Value;

use crate::client::Hub;
use crate::failure::{Exit, Failure};
use crate::output::Printer;
use crate::settings::{Environment, Settings};

/// Bytes of a file or stdin that becomes a request; the hub takes no more.
const INPUT_BYTES_MAX: u64 = 2 * 1024 * 1024;

pub struct Session {
    pub settings: Settings,
    pub hub: Hub,
    pub print: Printer,
    pub env: Environment,
    pub no_input: bool,
    /// The whole command tree, for help and completion.
    pub root: clap::Command,
}

/// Milliseconds since the epoch by this machine's clock.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

impl Session {
    /// Whether a question may be asked.
    pub fn may_ask(&self) -> bool {
        self.print.streams.input_tty && !self.no_input
    }

    /// A line from the person.
    pub fn ask(&mut self, question: &str) -> Result<String, Failure> {
        if !self.may_ask() {
            return Err(Failure::usage(format!("{question}: there is no terminal to ask on")));
        }
        write!(self.print.streams.err, "{question}: ")?;
        self.print.streams.err.flush()?;
        self.line()
    }

    /// A line that is not shown while it is typed.
    pub fn ask_secret(&mut self, question: &str) -> Result<String, Failure> {
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin).ok();
        if let Some(mut quiet) = before.clone() {
            quiet.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(stdin, OptionalActions::Flush, &quiet);
        }
        let answer = self.ask(question);
        if let Some(before) = before {
            let _ = tcsetattr(stdin, OptionalActions::Flush, &before);
            let _ = writeln!(self.print.streams.err);
        }
        answer
    }

    /// One line of stdin, without its end.
    pub fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.print.streams.input.by_ref().take(INPUT_BYTES_MAX).read_line(&mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_string())
    }

    /// A yes before something that cannot be undone. Without a terminal only `-y` will do.
    pub fn confirm(&mut self, yes: bool, question: &str) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        if !self.may_ask() {
            return Err(Failure::usage(format!("{question} needs a yes")).hint("add -y"));
        }
        match self.ask(&format!("{question} [y/N]"))?.to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new(Exit::Failed, "declined", "nothing was done")),
        }
    }

    /// The text of a file; `-` is stdin.
    pub fn read(&mut self, path: &str) -> Result<String, Failure> {
        let fail = |e: std::io::Error| Failure::usage(format!("{path}: {e}"));
        let mut text = String::new();
        let read = match path {
            "-" => self.print.streams.input.by_ref().take(INPUT_BYTES_MAX + 1).read_to_string(&mut text),
            _ => std::fs::File::open(path)
                .and_then(|file| file.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text)),
        };
        if read.map_err(fail)? as u64 > INPUT_BYTES_MAX {
            return Err(Failure::usage(format!("{path}: larger than {INPUT_BYTES_MAX} bytes")));
        }
        Ok(text)
    }

    /// An object or a list of them, as JSON or YAML.
    pub fn read_json(&mut self, path: &str) -> Result<Value, Failure> {
        let text = self.read(path)?;
        let json_error = match serde_json::from_str(&text) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        // What begins like JSON was meant as JSON, and is best explained as such.
        if text.trim_start().starts_with(['{', '[']) {
            return Err(Failure::usage(format!("{path}: not JSON: {json_error}")));
        }
        serde_saphyr::from_str(&text).map_err(|error| {
            Failure::usage(format!("{path}: not YAML: {error}"))
                .hint("files are YAML or JSON, as `-o yaml` and `-o json` print it")
        })
    }
}
