//! The exposition formats, read line by line: Prometheus' text 0.0.4 and OpenMetrics 1.0, classic metrics.
//!
//! Formats: <https://prometheus.io/docs/instrumenting/exposition_formats/>,
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>. Exemplars are passed over.
//! Invariant: nothing is copied but label values that hold escapes; one bad line makes the whole text bad, as in Prometheus.

mod cursor;
mod described;
mod names;
mod told;

use std::borrow::Cow;

use cursor::Cursor;
pub use described::described;
pub use names::{Admitted, admit};
pub use told::Told;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Times are milliseconds.
    Text,
    /// Times are seconds; the text ends with `# EOF`.
    OpenMetrics,
}

impl Format {
    pub fn of_content_type(header: &str) -> Format {
        if header.trim_start().starts_with("application/openmetrics-text") {
            Format::OpenMetrics
        } else {
            Format::Text
        }
    }
}

/// One sample as it stands there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line<'a> {
    pub name: &'a str,
    pub labels: Vec<(&'a str, Cow<'a, str>)>,
    pub value: f64,
    /// Milliseconds since the epoch.
    pub t_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    pub line: usize,
    pub what: &'static str,
}

/// Gives each sample to `each`, in the order of the text.
pub fn read<'a>(text: &'a str, format: Format, mut each: impl FnMut(&Line<'a>)) -> Result<(), ParseError> {
    let mut found = Line::default();
    let mut ended = false;
    let mut number = 0;
    for line in text.split('\n') {
        number += 1;
        let failed = |what| ParseError { line: number, what };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if ended && !line.is_empty() {
            return Err(failed("something stands behind # EOF"));
        }
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() {
            continue;
        }
        if line.starts_with('#') {
            ended = format == Format::OpenMetrics && line == "# EOF";
            continue;
        }
        sample(line, format, &mut found).map_err(failed)?;
        each(&found);
    }
    if format == Format::OpenMetrics && !ended {
        return Err(ParseError { line: number, what: "the text does not end with # EOF" });
    }
    Ok(())
}

fn sample<'a>(line: &'a str, format: Format, found: &mut Line<'a>) -> Result<(), &'static str> {
    let mut cursor = Cursor(line);
    found.name = cursor.name().ok_or("a metric's name is expected")?;
    found.labels.clear();
    cursor.blanks();
    if cursor.eat('{') {
        labels(&mut cursor, &mut found.labels)?;
    }
    found.value = value(cursor.word()).ok_or("a value is expected")?;
    let rest = cursor.word();
    (found.t_ms, cursor) = match rest {
        "" | "#" => (None, Cursor(rest)),
        time => (Some(at(time, format).ok_or("a time is not a number")?), Cursor(cursor.word())),
    };
    // An exemplar, which only OpenMetrics has.
    match cursor.0 {
        "" => Ok(()),
        "#" if format == Format::OpenMetrics => Ok(()),
        _ => Err("something stands behind the sample"),
    }
}

fn labels<'a>(cursor: &mut Cursor<'a>, found: &mut Vec<(&'a str, Cow<'a, str>)>) -> Result<(), &'static str> {
    loop {
        cursor.blanks();
        if cursor.eat('}') {
            return Ok(());
        }
        let name = cursor.name().ok_or("a label's name is expected")?;
        cursor.blanks();
        if !cursor.eat('=') {
            return Err("= is expected behind a label's name");
        }
        cursor.blanks();
        found.push((name, cursor.quoted().ok_or("a label's value must be in quotes and end on its line")?));
        cursor.blanks();
        if !cursor.eat(',') && !cursor.0.starts_with('}') {
            return Err("a comma or } is expected behind a label");
        }
    }
}

/// As Go reads numbers, but for underscores and hexadecimal ones, which no exporter writes.
fn value(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn at(text: &str, format: Format) -> Option<i64> {
    match format {
        Format::Text => text.parse().ok(),
        Format::OpenMetrics => {
            let seconds: f64 = text.parse().ok()?;
            seconds.is_finite().then_some((seconds * 1000.0) as i64)
        }
    }
}

#[cfg(test)]
mod tests;
