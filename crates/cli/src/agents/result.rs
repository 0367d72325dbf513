//! How one host's deployment went, as JSON and as lines for people.

use serde_json::{Value, json};
use watchtower_deploy::{Change, Failure, Job, Outcome};

use crate::output::cell::{As, Shape, column, wide};

pub static SHAPE: Shape = Shape {
    key: "server",
    columns: &[
        column("RESULT", "result", As::State, 0),
        column("SERVER", "server", As::Text, 0),
        column("TARGET", "target", As::Text, 1),
        column("VERSION", "version", As::Text, 1),
        column("TOOK", "took_seconds", As::Seconds, 2),
        column("CODE", "failure.code", As::Text, 0),
        column("CAUSE", "failure.cause", As::Text, 0),
        wide("FIX", "failure.fix", As::Text),
        wide("STEP", "failure.step", As::Text),
        wide("ARCH", "arch", As::Text),
        wide("HOST KEY", "host_key", As::Text),
    ],
};

/// One host's row. `steps` are those that ended.
pub fn row(job: &Job, result: &Result<Outcome, Failure>, took_seconds: f64, steps: &[Value]) -> Value {
    let mut row = json!({
        "server": job.server,
        "target": job.login.target.to_string(),
        "took_seconds": (took_seconds * 1000.0).round() / 1000.0,
        "steps": steps,
    });
    match result {
        Ok(outcome) => {
            row["result"] = outcome.change.as_str().into();
            row["version"] = outcome.version.clone().into();
            row["arch"] = outcome.arch.clone().into();
            row["host_key"] = outcome.host_key.to_string().into();
            row["remarks"] = json!(outcome.remarks);
            match &outcome.change {
                Change::Upgraded { from } | Change::WentBack { from } => row["from"] = from.clone().into(),
                Change::RolledBack { because, .. } => row["failure"] = failure(because),
                Change::Planned(lines) => row["plan"] = json!(lines),
                _ => {}
            }
        }
        Err(error) => {
            row["result"] = "failed".into();
            row["failure"] = failure(error);
        }
    }
    row
}

fn failure(failure: &Failure) -> Value {
    json!({
        "step": failure.step.as_str(), "code": failure.code.as_str(), "cause": failure.cause, "fix": failure.fix,
        "detail": failure.detail,
    })
}

/// What a table has no room for: cause, fix and what the host said; the lines of a plan.
pub fn explained(row: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let mut lines = Vec::new();
    for line in row["plan"].as_array().into_iter().flatten() {
        lines.push(format!("{}: would {}", text(&row["server"]), text(line)));
    }
    let failure = &row["failure"];
    if failure.is_object() {
        let (server, code, step) = (text(&row["server"]), text(&failure["code"]), text(&failure["step"]));
        lines.push(format!("{server}: {code} at {step}: {}", text(&failure["cause"])));
        lines.push(format!("  try: {}", text(&failure["fix"])));
        lines.extend(text(&failure["detail"]).lines().map(|line| format!("  | {line}")));
    }
    lines
}

pub fn has_failed(row: &Value) -> bool {
    row["failure"].is_object()
}
