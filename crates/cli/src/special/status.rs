//! `status`: the hub's health and the first page, for people and for cron (`--fail-on`).

use clap::{Arg, Command};
use serde_json::{Value, json};

use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::Format;
use crate::output::cell::{As, Shape, column};

/// One row of what was found.
static LINES: Shape = Shape {
    key: "name",
    columns: &[
        column("WHAT", "name", As::Text, 0),
        column("STATE", "state", As::State, 0),
        column("DETAIL", "detail", As::Text, 0),
    ],
};

pub static STATUS: Special = Special {
    args: |command: Command| {
        let fail_on = Arg::new("fail-on")
            .long("fail-on")
            .value_parser(["warning", "critical"])
            .help("Exit 10 when anything is this bad or worse");
        command.about("How the servers and the hub are, on one screen").arg(fail_on)
    },
    run: |session, matches| {
        let hub = session.hub.get("status", &[])?;
        let overview = session.hub.get("overview", &[])?;
        let lines = lines(&hub, &overview);
        let worst = lines.iter().map(|line| rank(&line["state"])).max().unwrap_or(0);
        match session.print.format {
            Format::Json | Format::Yaml | Format::Ndjson => {
                session.print.object(&LINES, &json!({ "hub": hub, "overview": overview }))?;
            }
            _ => session.print.list(&LINES, &json!({ "items": lines }))?,
        }
        let limit = match matches.get_one::<String>("fail-on").map(String::as_str) {
            Some("critical") => 2,
            Some(_) => 1,
            None => 3,
        };
        Ok(if worst >= limit { Exit::Finding } else { Exit::Ok })
    },
};

fn rank(state: &Value) -> u8 {
    match state.as_str() {
        Some("critical") => 2,
        Some("warning") => 1,
        _ => 0,
    }
}

fn lines(hub: &Value, overview: &Value) -> Vec<Value> {
    let servers = &overview["servers"];
    let stats = &overview["stats"];
    let count = |from: &Value, name: &str| from[name].as_u64().unwrap_or(0);
    let line =
        |name: &str, state: &str, detail: String| json!({ "name": name, "state": state, "detail": detail });
    let state = |critical: bool, warning: bool| {
        if critical {
            "critical"
        } else if warning {
            "warning"
        } else {
            "ok"
        }
    };
    let (lost, critical, warning) =
        (count(servers, "lost"), count(servers, "critical"), count(servers, "warning"));
    let acting = overview["needs_action"].as_array().map_or(&[][..], Vec::as_slice);
    let grave =
        acting.iter().any(|incident| matches!(incident["severity"].as_str(), Some("critical" | "error")));
    let problems: Vec<&str> =
        hub["problems"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let detail = |names: &[&str], from: &Value| {
        names.iter().map(|name| format!("{} {name}", count(from, name))).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        line(
            "servers",
            state(lost + critical > 0, warning > 0),
            detail(&["total", "up", "lost", "critical", "warning", "maintenance"], servers),
        ),
        line("incidents", state(grave, count(stats, "open") > 0), detail(&["open", "unacknowledged"], stats)),
        line(
            "hub",
            state(!problems.is_empty(), false),
            if problems.is_empty() {
                format!(
                    "{} agents connected, {} series",
                    count(hub, "agents_connected"),
                    count(hub, "series")
                )
            } else {
                problems.join("; ")
            },
        ),
    ];
    for incident in acting {
        let word = match incident["severity"].as_str() {
            Some("critical" | "error") => "critical",
            _ => "warning",
        };
        let text = incident["title"].as_str().unwrap_or("").to_string();
        lines.push(line(&format!("incident {}", incident["number"]), word, text));
    }
    lines
}
