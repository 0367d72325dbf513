//! `doctor`: is this command line set up well, and is the hub? Findings exit 10.

use clap::Command;
use serde_json::{Value, json};
use watchtower_api_types::endpoints::Method;

use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Shape, column};
use crate::session::{Session, now_ms};
use crate::settings::is_private;

/// Beyond this, relative times and expiry begin to lie.
const CLOCK_SKEW_MS_MAX: i64 = 5000;

static CHECKS: Shape = Shape {
    key: "check",
    columns: &[
        column("CHECK", "check", As::Text, 0),
        column("STATE", "state", As::State, 0),
        column("DETAIL", "detail", As::Text, 0),
        column("TRY", "try", As::Text, 1),
    ],
};

fn check(name: &str, ok: bool, detail: String, hint: &str) -> Value {
    let state = if ok { "ok" } else { "failed" };
    json!({ "check": name, "state": state, "detail": detail, "try": if ok { None } else { Some(hint) } })
}

pub static DOCTOR: Special = Special {
    args: |command: Command| {
        command.about("Check the URL, the token, the clocks, the versions and the hub's own health")
    },
    run: |session, _| {
        let setup = session.hub.without_token().send(Method::Get, "/api/v1/setup", None, &[])?;
        let mut checks = vec![check("url", true, format!("a hub answers at {}", session.hub.url), "")];
        checks.push(clock(setup.date.as_deref()));
        let needed = setup.value["needed"] == true;
        let detail = if needed { "no administrator exists yet" } else { "an administrator exists" };
        checks.push(check("setup", !needed, detail.into(), "open the link that `watchtower serve` printed"));
        checks.extend(file(session));
        match session.hub.get("me", &[]) {
            Ok(me) => signed_in(session, &me, &mut checks),
            Err(failure) => {
                let hint = failure.hint.clone().unwrap_or_default();
                checks.push(check("token", false, failure.message, &hint));
            }
        }
        let bad = checks.iter().any(|check| check["state"] != "ok");
        session.print.list(&CHECKS, &json!({ "items": checks }))?;
        Ok(if bad { Exit::Finding } else { Exit::Ok })
    },
};

fn clock(date: Option<&str>) -> Value {
    let hub = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let hub_ms =
        hub.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map(|d| d.as_millis() as i64);
    match hub_ms {
        // The header has whole seconds: half of one is the best guess of the rest.
        Some(hub_ms) => {
            let skew = now_ms() - hub_ms - 500;
            let detail = format!("this machine is {:.1} s apart from the hub", skew.abs() as f64 / 1000.0);
            check("clock", skew.abs() <= CLOCK_SKEW_MS_MAX, detail, "set the clocks by NTP")
        }
        None => check(
            "clock",
            false,
            "the hub's answer has no date".into(),
            "check any proxy in front of the hub",
        ),
    }
}

fn file(session: &Session) -> Option<Value> {
    let path = &session.settings.path;
    session.settings.file.token.as_ref()?;
    let detail = format!("{} holds a token", path.display());
    Some(check("config", is_private(path), detail, &format!("chmod 600 {}", path.display())))
}

fn signed_in(session: &Session, me: &Value, checks: &mut Vec<Value>) {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_string();
    checks.push(check("token", true, format!("{} as {}", text(&me["name"]), text(&me["role"])), ""));
    let (hub, own) = (text(&me["hub_version"]), env!("CARGO_PKG_VERSION"));
    let same = hub.split('.').next() == own.split('.').next();
    checks.push(check(
        "version",
        same,
        format!("hub {hub}, command line {own}"),
        "install the hub's version here",
    ));
    match session.hub.get("status", &[]) {
        Ok(status) => {
            let problems: Vec<_> = status["problems"].as_array().into_iter().flatten().map(text).collect();
            let detail = if problems.is_empty() { "no problems".into() } else { problems.join("; ") };
            checks.push(check("hub", problems.is_empty(), detail, "watchtower status"));
        }
        Err(failure) => checks.push(check("hub", false, failure.message, "watchtower status")),
    }
}
