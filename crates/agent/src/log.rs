//! Log lines on standard error in logfmt, without a framework: the agent says little and must stay small.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use watchtower_model::Timestamp;

use crate::clock;

/// Bytes of one value before it is cut.
const VALUE_BYTES_MAX: usize = 512;

/// `ts=... level=info msg="connected" url=https://...`
pub fn line(level: &str, message: &str, fields: &[(&str, &dyn fmt::Display)]) {
    let text = format_line(clock::now().wall, level, message, fields);
    // A closed standard error is no reason to stop watching the server.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

pub fn info(message: &str, fields: &[(&str, &dyn fmt::Display)]) {
    line("info", message, fields);
}

pub fn warn(message: &str, fields: &[(&str, &dyn fmt::Display)]) {
    line("warn", message, fields);
}

fn format_line(at: Timestamp, level: &str, message: &str, fields: &[(&str, &dyn fmt::Display)]) -> String {
    let mut out = format!("ts={} level={level} msg=", at.to_rfc3339());
    push_value(&mut out, message);
    for (name, value) in fields {
        out.push(' ');
        out.push_str(name);
        out.push('=');
        push_value(&mut out, &value.to_string());
    }
    out.push('\n');
    out
}

/// Quotes where a reader of logfmt would stumble; control characters never reach a terminal.
fn push_value(out: &mut String, value: &str) {
    let value = watchtower_model::truncate(value, VALUE_BYTES_MAX);
    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'='));
    if plain {
        out.push_str(value);
    } else {
        write!(out, "{value:?}").expect("writing to a string does not fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_with_spaces_and_control_characters_are_quoted() {
        let line = format_line(
            Timestamp(0),
            "warn",
            "the hub refused",
            &[("code", &"busy"), ("why", &"a\n\"b\""), ("empty", &"")],
        );
        assert_eq!(
            line,
            "ts=1970-01-01T00:00:00.000Z level=warn msg=\"the hub refused\" code=busy why=\"a\\n\\\"b\\\"\" empty=\"\"\n"
        );
    }
}
