//! What a command prints: data on stdout in the asked format, everything else on stderr.
//!
//! Invariant: with a machine's format stdout holds valid data or nothing; text that came from a server never reaches
//! a terminal with control characters in it.

pub mod ansible;
pub mod cell;
pub mod csv;
pub mod table;
pub mod yaml;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Write};

use serde_json::Value;

use cell::{Column, Shape};

/// Width that is assumed where a terminal does not say.
const WIDTH_DEFAULT: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Wide,
    Name,
    Json,
    Yaml,
    Ndjson,
    Csv,
    /// Servers only.
    Ansible,
}

impl Format {
    pub const WORDS: [&'static str; 8] =
        ["table", "wide", "name", "json", "yaml", "ndjson", "csv", "ansible"];

    pub fn parse(word: &str) -> Format {
        match word {
            "wide" => Format::Wide,
            "name" => Format::Name,
            "json" => Format::Json,
            "yaml" => Format::Yaml,
            "ndjson" => Format::Ndjson,
            "csv" => Format::Csv,
            "ansible" => Format::Ansible,
            _ => Format::Table,
        }
    }

    /// Formats for people; the others are for programs.
    pub fn is_text(self) -> bool {
        matches!(self, Format::Table | Format::Wide)
    }
}

/// The three streams and what they are connected to.
pub struct Streams {
    pub input: Box<dyn BufRead>,
    pub out: Box<dyn Write>,
    pub err: Box<dyn Write>,
    pub input_tty: bool,
    pub out_tty: bool,
    pub err_tty: bool,
}

impl Streams {
    pub fn of_process() -> Streams {
        use std::io::IsTerminal;
        Streams {
            input_tty: io::stdin().is_terminal(),
            out_tty: io::stdout().is_terminal(),
            err_tty: io::stderr().is_terminal(),
            input: Box::new(io::stdin().lock()),
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
        }
    }
}

/// How text looks on the terminal, if it is one.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Absent: not a terminal. Rows are complete and separated by tabs.
    pub width: Option<usize>,
    pub color: bool,
    pub unicode: bool,
    pub now_ms: i64,
}

pub fn terminal_size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    size.map_or((WIDTH_DEFAULT, 24), |size| match size.ws_col {
        0 => (WIDTH_DEFAULT, 24),
        columns => (columns as usize, size.ws_row as usize),
    })
}

pub struct Printer {
    pub streams: Streams,
    pub format: Format,
    pub look: Look,
    pub headers: bool,
    pub quiet: bool,
    /// Rows of a stream print their header once.
    streamed: bool,
}

impl Printer {
    pub fn new(streams: Streams, format: Format, look: Look, headers: bool, quiet: bool) -> Printer {
        Printer { streams, format, look, headers, quiet, streamed: false }
    }

    /// A word to the person, on stderr.
    pub fn say(&mut self, text: impl AsRef<str>) {
        if !self.quiet {
            // Losing a remark must not fail the command.
            let _ = writeln!(self.streams.err, "{}", cell::one_line(text.as_ref()));
        }
    }

    /// A list: `whole` is the answer as the API gives it, its `items` are the rows.
    pub fn list(&mut self, shape: &Shape, whole: &Value) -> io::Result<()> {
        let items = whole["items"].as_array().map_or(&[][..], Vec::as_slice);
        let text = match self.format {
            Format::Json => pretty(whole),
            Format::Yaml => yaml::write(whole),
            Format::Ndjson => items.iter().map(|item| format!("{item}\n")).collect(),
            Format::Name => items.iter().map(|item| format!("{}\n", shape.name_of(item))).collect(),
            Format::Csv => csv::write(&shape.all(), items, self.headers),
            Format::Table => table::write(&shape.narrow(), items, self.headers, self.look),
            Format::Wide => table::write(&shape.all(), items, self.headers, self.look),
            Format::Ansible => pretty(&ansible::inventory(items)),
        };
        if items.is_empty() && self.format.is_text() && self.look.width.is_some() {
            self.say("nothing found");
            return Ok(());
        }
        self.put(&text)
    }

    /// What a request answered: a list where it has several objects, else one object.
    pub fn answer(&mut self, shape: &Shape, value: &Value) -> io::Result<()> {
        if value["items"].is_array() { self.list(shape, value) } else { self.object(shape, value) }
    }

    /// One object. Tables show its fields one per line.
    pub fn object(&mut self, shape: &Shape, value: &Value) -> io::Result<()> {
        let one = std::slice::from_ref(value);
        let text = match self.format {
            Format::Json | Format::Ansible => pretty(value),
            Format::Yaml => yaml::write(value),
            Format::Ndjson => format!("{value}\n"),
            Format::Name => format!("{}\n", shape.name_of(value)),
            Format::Csv => csv::write(&shape.all(), one, self.headers),
            Format::Table | Format::Wide => table::fields(shape, value, self.look),
        };
        self.put(&text)
    }

    /// One item of a stream. `-o json` streams one object per line, as `ndjson` does.
    pub fn stream(&mut self, shape: &Shape, item: &Value) -> io::Result<()> {
        let headers = self.headers && !std::mem::replace(&mut self.streamed, true);
        let one = std::slice::from_ref(item);
        let text = match self.format {
            Format::Json | Format::Ndjson | Format::Ansible => format!("{item}\n"),
            Format::Yaml => format!("---\n{}", yaml::write(item)),
            Format::Name => format!("{}\n", shape.name_of(item)),
            Format::Csv => csv::write(&shape.all(), one, headers),
            Format::Table => table::write(&shape.narrow(), one, headers, self.look),
            Format::Wide => table::write(&shape.all(), one, headers, self.look),
        };
        self.put(&text)
    }

    /// Text as it is, flushed: whoever waits sees it at once.
    pub fn put(&mut self, text: &str) -> io::Result<()> {
        self.streams.out.write_all(text.as_bytes())?;
        self.streams.out.flush()
    }
}

pub fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Columns of a table that only `-o wide` and `-o csv` show are left out.
impl Shape {
    pub fn all(&self) -> Vec<&Column> {
        self.columns.iter().collect()
    }

    pub fn narrow(&self) -> Vec<&Column> {
        self.columns.iter().filter(|column| !column.wide).collect()
    }
}
