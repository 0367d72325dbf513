//! What is shown while deployments go on: rows that change on a terminal, a line for each step elsewhere.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_deploy::{Notice, Step};

use crate::output::cell::one_line;
use crate::output::{Printer, terminal_size};

/// Between two drawings.
pub const DRAW_EVERY: Duration = Duration::from_millis(100);
/// Lines left for what comes after the rows.
const SPARE_LINES: usize = 3;

pub struct Board {
    rows: Vec<Row>,
    live: bool,
    drawn: usize,
    began: Instant,
}

#[derive(Default)]
struct Row {
    name: String,
    step: Option<(Step, Instant)>,
    last: String,
    state: State,
    steps: Vec<Value>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Running,
    Good,
    Bad,
}

impl Board {
    pub fn new(print: &Printer, names: Vec<String>) -> Board {
        let fits = names.len() + SPARE_LINES <= terminal_size().1;
        let live =
            print.streams.err_tty && print.streams.out_tty && print.format.is_text() && !print.quiet && fits;
        let rows = names.into_iter().map(|name| Row { name, ..Row::default() }).collect();
        Board { rows, live, drawn: 0, began: Instant::now() }
    }

    /// Steps of a host that ended so far.
    pub fn steps(&self, at: usize) -> &[Value] {
        &self.rows[at].steps
    }

    pub fn take(&mut self, print: &mut Printer, at: usize, notice: Notice) {
        let row = &mut self.rows[at];
        row.state = State::Running;
        match notice {
            Notice::Started(step) => row.step = Some((step, Instant::now())),
            Notice::Line(_, text) => self.tell(print, at, &text),
            Notice::Ended { step, took, detail } => {
                row.steps.push(json!({"step": step.as_str(), "state": "done", "took_seconds": took.as_secs_f64(), "detail": detail}));
                row.last = detail.clone();
                self.tell(
                    print,
                    at,
                    &format!("{} done in {:.2} s {detail}", step.as_str(), took.as_secs_f64()),
                );
            }
            Notice::Failed { step, took, failure } => {
                row.steps.push(json!({"step": step.as_str(), "state": "failed", "took_seconds": took.as_secs_f64(), "detail": failure.cause}));
                self.tell(print, at, &format!("{} failed: {}", step.as_str(), failure.code.as_str()));
            }
        }
    }

    pub fn ended(&mut self, at: usize, failed: bool, word: &str) {
        let row = &mut self.rows[at];
        (row.state, row.step, row.last) =
            (if failed { State::Bad } else { State::Good }, None, word.to_string());
    }

    /// A line to stderr, where rows cannot change.
    fn tell(&self, print: &mut Printer, at: usize, text: &str) {
        if !self.live {
            print.say(format!("{}: {text}", self.rows[at].name));
        }
    }

    /// Draws the rows over those before.
    pub fn draw(&mut self, print: &mut Printer) {
        if !self.live {
            return;
        }
        let width = terminal_size().0.saturating_sub(1);
        let mut text = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        let name_width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        for row in &self.rows {
            let line: String = one_line(&row.line(name_width)).chars().take(width).collect();
            text.push_str(&format!("{line}\x1b[K\n"));
        }
        let done = self.rows.iter().filter(|row| matches!(row.state, State::Good | State::Bad)).count();
        text.push_str(&format!(
            "{done} of {} done, {:.0} s\x1b[K\n",
            self.rows.len(),
            self.began.elapsed().as_secs_f64()
        ));
        self.drawn = self.rows.len() + 1;
        // Losing a picture must not fail the deployment.
        let _ = print.streams.err.write_all(text.as_bytes()).and_then(|()| print.streams.err.flush());
    }
}

impl Row {
    fn line(&self, name_width: usize) -> String {
        let mark = match self.state {
            State::Waiting => "·",
            State::Running => "→",
            State::Good => "✓",
            State::Bad => "✗",
        };
        let what = match self.step {
            Some((step, since)) => format!("{} {:.1} s", step.as_str(), since.elapsed().as_secs_f64()),
            None => self.last.clone(),
        };
        format!("{mark} {:<name_width$}  {what}", self.name)
    }
}
