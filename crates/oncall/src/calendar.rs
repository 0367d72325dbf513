//! Shifts as iCalendar (RFC 5545), for people's calendars.

use watchtower_model::Timestamp;

/// Octets of a line, without its end.
const LINE_OCTETS_MAX: usize = 75;

/// One shift, in words.
#[derive(Clone, Debug)]
pub struct Event {
    /// The same for the same shift each time.
    pub uid: String,
    pub from: Timestamp,
    pub to: Timestamp,
    pub summary: String,
    pub description: String,
}

/// A calendar of this name; times are in UTC, which every reader shows in its own zone.
pub fn calendar(name: &str, events: &[Event], now: Timestamp) -> String {
    let mut out = String::new();
    let mut line = |text: &str| fold(text, &mut out);
    for text in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Watchtower//On-call//EN", "CALSCALE:GREGORIAN"]
    {
        line(text);
    }
    line(&format!("X-WR-CALNAME:{}", escape(name)));
    line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    for event in events {
        line("BEGIN:VEVENT");
        line(&format!("UID:{}", escape(&event.uid)));
        line(&format!("DTSTAMP:{}", utc(now)));
        line(&format!("DTSTART:{}", utc(event.from)));
        line(&format!("DTEND:{}", utc(event.to)));
        line(&format!("SUMMARY:{}", escape(&event.summary)));
        line(&format!("DESCRIPTION:{}", escape(&event.description)));
        line("TRANSP:TRANSPARENT");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    out
}

/// `20261130T080000Z`
fn utc(at: Timestamp) -> String {
    let text: String = at.to_rfc3339().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{}Z", text.split('.').next().unwrap_or_default().trim_end_matches('Z'))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Long lines go on in the next one behind a space, never within a character.
fn fold(text: &str, out: &mut String) {
    let mut octets = 0;
    for c in text.chars() {
        if octets + c.len_utf8() > LINE_OCTETS_MAX {
            out.push_str("\r\n ");
            octets = 1;
        }
        out.push(c);
        octets += c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_and_text_is_escaped() {
        let event = Event {
            uid: "1@watchtower".into(),
            from: Timestamp::parse_rfc3339("2026-11-30T07:00:00Z").unwrap(),
            to: Timestamp::parse_rfc3339("2026-12-07T07:00:00Z").unwrap(),
            summary: format!("Ann; on call, {}", "ä".repeat(60)),
            description: "a\\b\nBEGIN:VEVENT".into(),
        };
        let text = calendar("db", &[event], Timestamp(0));
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_OCTETS_MAX), "{text}");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("SUMMARY:Ann\\; on call\\, {}\r\n", "ä".repeat(60))), "{text}");
        assert!(unfolded.contains("DESCRIPTION:a\\\\b\\nBEGIN:VEVENT\r\n"), "{text}");
        assert!(unfolded.contains("DTSTART:20261130T070000Z\r\nDTEND:20261207T070000Z\r\n"), "{text}");
        assert_eq!(text.matches("\r\nBEGIN:VEVENT\r\n").count(), 1);
    }
}
