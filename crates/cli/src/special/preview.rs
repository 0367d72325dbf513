//! `rule preview`: what an expression says now, and how often it would have fired.

use clap::{Arg, ArgAction, Command};
use serde_json::{Value, json};

use crate::body::seconds;
use crate::client::endpoint;
use crate::failure::{Exit, Failure};
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};

static SERIES: Shape = Shape {
    key: "labels",
    columns: &[
        column("LABELS", "labels", As::Text, 0),
        column("NOW", "value", As::Text, 0),
        column("FIRED", "would_have_fired", As::Text, 0),
        column("SUMMARY", "summary", As::Text, 1),
    ],
};

pub static PREVIEW: Special = Special {
    args: |command: Command| {
        command.about(endpoint("rule.preview").summary).args([
            Arg::new("expr").required(true).value_name("EXPR").help("PromQL"),
            Arg::new("for").long("for").value_name("DURATION").help("How long it must hold"),
            Arg::new("window")
                .long("window")
                .value_name("DURATION")
                .help("How far to look back; 1h, at most 7d"),
            Arg::new("fail-if-fires")
                .long("fail-if-fires")
                .action(ArgAction::SetTrue)
                .help("Exit 10 when it would have fired"),
        ])
    },
    run: |session, matches| {
        let mut body = json!({ "expr": matches.get_one::<String>("expr") });
        for (flag, field) in [("for", "for_seconds"), ("window", "window_seconds")] {
            if let Some(text) = matches.get_one::<String>(flag) {
                body[field] =
                    seconds(text).ok_or_else(|| Failure::usage(format!("--{flag}: must be a duration")))?;
            }
        }
        let preview = session.hub.call("rule.preview", &[], &[], Some(&body))?;
        if let Some(error) = preview["error"].as_str() {
            let at =
                preview["error_span"]["start"].as_u64().map(|at| format!(" at {at}")).unwrap_or_default();
            return Err(Failure::new(Exit::Validation, "query", format!("expression{at}: {error}")));
        }
        let fired = preview["would_have_fired"].as_u64().unwrap_or(0);
        if session.print.format.is_text() || session.print.format == crate::output::Format::Csv {
            session.print.list(&SERIES, &json!({ "items": preview["series"] }))?;
            session.print.say(format!(
                "would have fired {fired} times in the window, {} more series",
                count(&preview["more"])
            ));
        } else {
            session.print.object(&SERIES, &preview)?;
        }
        Ok(if matches.get_flag("fail-if-fires") && fired > 0 { Exit::Finding } else { Exit::Ok })
    },
};

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
