//! The page behind a link of a page: an incident on one screen of a phone, without script, light or dark as the reader has it.

use std::fmt::Write;

use watchtower_api_types::{Incident, IncidentState};
use watchtower_model::{Timestamp, format_duration_ms};

/// Whole, between the tags: the policy allows its hash alone.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--back:#fff;--ink:#1f2328;--link:#0969da;--line:#d0d7de;--dim:#59636e;--red:#cf222e;--amber:#9a6700;--green:#1a7f37;--button:#0969da}\
@media(prefers-color-scheme:dark){:root{--back:#0d1117;--ink:#f0f6fc;--link:#4493f8;--line:#3d444d;--dim:#9198a1;--red:#ff7b72;--amber:#d29922;--green:#3fb950;--button:#1f6feb}}\
*{box-sizing:border-box}\
body{margin:0;padding:20px;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:560px;margin:0 auto}\
a{color:var(--link)}\
h1{margin:4px 0 16px;font-size:22px;line-height:1.3;overflow-wrap:anywhere}\
.state{margin:0;font-weight:600}\
.triggered{color:var(--red)}.acknowledged{color:var(--amber)}.resolved{color:var(--green)}\
dl{margin:0 0 20px;border-top:1px solid var(--line)}\
dl div{display:flex;gap:16px;padding:8px 0;border-bottom:1px solid var(--line)}\
dt{flex:0 0 104px;color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\
button{width:100%;padding:14px;border:0;border-radius:8px;background:var(--button);color:#fff;font:600 18px system-ui,sans-serif}\
.dim{color:var(--dim);font-size:14px}";

/// What is asked, of whom, and the button while nobody has it.
pub fn incident_page(incident: &Incident, now: Timestamp) -> String {
    let state = incident.state.as_str();
    let mut body = format!("<p class=\"state {state}\">Incident {}: {state}</p>", incident.number);
    let _ = write!(body, "<h1>{}</h1><dl>", escape(&incident.title));
    let mut row = |name: &str, value: &str| {
        let _ = write!(body, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    };
    row("Severity", incident.severity.as_str());
    if let Some(server) = &incident.server {
        row("Server", server);
    }
    row("Service", &incident.service);
    row("Since", &since(incident.triggered_at.0, now));
    row("Who has it", &who(incident));
    body.push_str("</dl>");
    if incident.state == IncidentState::Triggered {
        body.push_str("<form method=\"post\"><button type=\"submit\">Acknowledge</button></form>");
        body.push_str("<p class=\"dim\">You take it: nobody else is paged for it meanwhile.</p>");
    }
    let _ = write!(body, "<p><a href=\"/i/{}\">Open it in the dashboard</a></p>", incident.number);
    document(&format!("Incident {}", incident.number), &body)
}

/// A page that says one thing.
pub fn plain_page(title: &str, text: &str) -> String {
    document(
        title,
        &format!(
            "<h1>{}</h1><p>{}</p><p><a href=\"/\">Open the dashboard</a></p>",
            escape(title),
            escape(text)
        ),
    )
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>{} - Watchtower</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>",
        escape(title)
    )
}

fn since(at: Timestamp, now: Timestamp) -> String {
    let text = at.to_rfc3339();
    // To the minute: `2026-11-30T12:15:27.123Z`.
    let (day, clock) = (text.get(..10).unwrap_or(&text), text.get(11..16).unwrap_or_default());
    let ago = now.since(at).max(0) / 60_000 * 60_000;
    format!(
        "{day} {clock} UTC, {} ago",
        if ago == 0 { "less than a minute".into() } else { format_duration_ms(ago) }
    )
}

fn who(incident: &Incident) -> String {
    let by = |name: &Option<String>| name.clone().unwrap_or_else(|| "somebody".into());
    match incident.state {
        IncidentState::Triggered => match &incident.suppressed_by {
            Some(why) => format!("Nobody; nobody is paged either: {why}"),
            None => "Nobody yet".into(),
        },
        IncidentState::Acknowledged => format!("Acknowledged by {}", by(&incident.acknowledged_by)),
        IncidentState::Resolved => match &incident.resolved_by {
            Some(name) => format!("It is over: resolved by {name}"),
            None => "It is over".into(),
        },
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let page = plain_page("<script>alert(1)</script>", "a & \"b\" <img src=x>");
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("a &amp; &quot;b&quot; &lt;img src=x&gt;"), "{page}");
        assert!(!STYLE.contains('<'), "the style would end early");
    }

    #[test]
    fn times_are_said_to_the_minute() {
        let at = Timestamp::parse_rfc3339("2026-11-30T12:15:27.123Z").unwrap();
        assert_eq!(since(at, at.plus_ms(59_000)), "2026-11-30 12:15 UTC, less than a minute ago");
        assert_eq!(since(at, at.plus_ms(3_725_000)), "2026-11-30 12:15 UTC, 1h2m ago");
    }
}
