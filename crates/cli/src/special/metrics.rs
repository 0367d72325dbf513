//! `metrics query|range|labels|watch`: PromQL by Prometheus' own API. `metrics merge`: the store, packed now.

use std::thread;
use std::time::Duration;

use clap::{Arg, Command};
use serde_json::{Value, json};
use watchtower_model::{Timestamp, parse_duration_ms};

use super::poll::Patience;
use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Special;
use crate::output::Format;
use crate::output::cell::{As, Shape, column};
use crate::session::Session;

/// Points a range is fitted to when no step is given; as many as a chart shows.
const POINTS: i64 = 250;

static SAMPLES: Shape = Shape {
    key: "series",
    columns: &[
        column("SERIES", "series", As::Text, 0),
        column("VALUE", "value", As::Text, 0),
        column("AT", "at", As::Time, 1),
    ],
};
static NAMES: Shape = Shape { key: "name", columns: &[column("NAME", "name", As::Text, 0)] };

fn expr() -> Arg {
    Arg::new("expr").required(true).value_name("EXPR").help("PromQL")
}

pub static QUERY: Special = Special {
    args: |command: Command| {
        let at = Arg::new("at")
            .long("at")
            .value_name("TIME")
            .help("RFC 3339, Unix seconds, or now-1h; now when absent");
        command.about("What an expression says at one time").args([expr(), at])
    },
    run: |session, matches| {
        let mut query = vec![("query", matches.get_one::<String>("expr").cloned().unwrap_or_default())];
        query.extend(matches.get_one::<String>("at").map(|at| ("time", at.clone())));
        let (data, warnings) = session.hub.prometheus("query", &query)?;
        show(session, &data, warnings)
    },
};

pub static RANGE: Special = Special {
    args: |command: Command| {
        command.about("What an expression says over a time range").args([
            expr(),
            Arg::new("since")
                .long("since")
                .value_name("DURATION")
                .default_value("1h")
                .help("How far back from the end"),
            Arg::new("from")
                .long("from")
                .value_name("TIME")
                .requires("step")
                .help("Begin, instead of --since; needs --step"),
            Arg::new("to")
                .long("to")
                .value_name("TIME")
                .default_value("now")
                .help("End: RFC 3339, Unix seconds, or now-1h"),
            Arg::new("step")
                .long("step")
                .value_name("DURATION")
                .help("Between points; fitted to --since when absent"),
        ])
    },
    run: |session, matches| {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let since = text("since").unwrap_or_default();
        let back = parse_duration_ms(&since).map_err(|e| Failure::usage(format!("--since: {e}")))?;
        let end = text("to").unwrap_or_default();
        let start = match text("from") {
            Some(from) => from,
            // Only a relative or absent end can be moved back as text; others are times we can read.
            None => before(&end, back)?,
        };
        let step = text("step").unwrap_or_else(|| (back / 1000 / POINTS).max(1).to_string());
        let expr = text("expr").unwrap_or_default();
        let query = [("query", expr), ("start", start), ("end", end), ("step", step)];
        let (data, warnings) = session.hub.prometheus("query_range", &query)?;
        show(session, &data, warnings)
    },
};

/// `end` moved back, by the hub's clock where `end` is relative to it.
fn before(end: &str, back_ms: i64) -> Result<String, Failure> {
    let relative = end
        .strip_prefix("now-")
        .map_or(if end == "now" { Some(0) } else { None }, |d| parse_duration_ms(d).ok());
    if let Some(offset) = relative {
        return Ok(format!("now-{}", watchtower_model::format_duration_ms(offset + back_ms)));
    }
    let at = match end.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Timestamp((seconds * 1000.0) as i64),
        _ => Timestamp::parse_rfc3339(end).map_err(|e| Failure::usage(format!("--to: {e}")))?,
    };
    Ok(at.plus_ms(-back_ms).to_rfc3339())
}

pub static LABELS: Special = Special {
    args: |command: Command| {
        command.about("Names of labels, or the values of one").args([
            Arg::new("label").value_name("LABEL").help("List this label's values; __name__ for the metrics"),
            Arg::new("match").long("match").value_name("SELECTOR").help("Only of series that match"),
        ])
    },
    run: |session, matches| {
        let query: Vec<_> =
            matches.get_one::<String>("match").map(|text| ("match[]", text.clone())).into_iter().collect();
        let path = match matches.get_one::<String>("label") {
            Some(label) => format!("label/{}/values", crate::client::encode(label)),
            None => "labels".into(),
        };
        let (data, warnings) = session.hub.prometheus(&path, &query)?;
        let items: Vec<_> =
            data.as_array().into_iter().flatten().map(|name| json!({ "name": name })).collect();
        warn(session, warnings);
        session.print.list(&NAMES, &json!({ "items": items }))?;
        Ok(Exit::Ok)
    },
};

pub static WATCH: Special = Special {
    args: |command: Command| {
        let interval = Arg::new("interval").long("interval").value_name("DURATION").default_value("1s");
        command.about("Ask an expression again and again").args([expr(), interval.help("Between answers")])
    },
    run: |session, matches| {
        let query = [("query", matches.get_one::<String>("expr").cloned().unwrap_or_default())];
        let interval = matches.get_one::<String>("interval").cloned().unwrap_or_default();
        let interval =
            parse_duration_ms(&interval).map_err(|e| Failure::usage(format!("--interval: {e}")))?;
        let interval = Duration::from_millis(interval.max(100).unsigned_abs());
        let mut patience = Patience::default();
        loop {
            let answer = session.hub.prometheus("query", &query);
            if let Some((data, _)) = patience.take(session, answer)? {
                for row in rows(&data) {
                    session.print.stream(&SAMPLES, &row)?;
                }
            }
            thread::sleep(interval);
        }
    },
};

static MERGED: Shape = Shape {
    key: "samples",
    columns: &[
        column("SAMPLES", "samples", As::Text, 0),
        column("BEFORE", "before_bytes", As::Bytes, 0),
        column("AFTER", "after_bytes", As::Bytes, 0),
        column("DONE", "done", As::Text, 0),
    ],
};

pub static MERGE: Special = Special {
    args: |command: Command| command.about(endpoint("metrics.merge").summary),
    run: |session, _| {
        let merged = session.hub.call("metrics.merge", &[], &[], None)?;
        session.print.object(&MERGED, &merged)?;
        Ok(Exit::Ok)
    },
};

fn warn(session: &mut Session, warnings: Vec<String>) {
    for warning in warnings {
        session.print.say(format!("warning: {warning}"));
    }
}

/// JSON is the API's own `data`; tables have a row per sample.
fn show(session: &mut Session, data: &Value, warnings: Vec<String>) -> Done {
    warn(session, warnings);
    match session.print.format {
        Format::Json | Format::Yaml => session.print.object(&SAMPLES, data)?,
        _ => session.print.list(&SAMPLES, &json!({ "items": rows(data) }))?,
    }
    Ok(Exit::Ok)
}

/// A row per sample: `series`, `labels`, `at`, `value`.
fn rows(data: &Value) -> Vec<Value> {
    let row = |metric: &Value, pair: &Value| {
        let at = pair[0].as_f64().map(|seconds| Timestamp((seconds * 1000.0).round() as i64).to_rfc3339());
        json!({ "series": series(metric), "labels": metric, "at": at, "value": pair[1] })
    };
    if data["result"].as_array().is_none_or(|items| items.first().is_some_and(Value::is_number)) {
        return vec![row(&json!({}), &data["result"])];
    }
    let mut out = Vec::new();
    for item in data["result"].as_array().into_iter().flatten() {
        match item["values"].as_array() {
            Some(values) => out.extend(values.iter().map(|pair| row(&item["metric"], pair))),
            None => out.push(row(&item["metric"], &item["value"])),
        }
    }
    out
}

/// `name{label="value"}` as PromQL writes it.
fn series(metric: &Value) -> String {
    let labels = metric.as_object().into_iter().flatten().filter(|(name, _)| *name != "__name__");
    let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value}")).collect();
    let name = metric["__name__"].as_str().unwrap_or("");
    if labels.is_empty() && !name.is_empty() {
        name.into()
    } else {
        format!("{name}{{{}}}", labels.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_every_type_become_rows() {
        let vector = json!({"resultType": "vector", "result": [{"metric": {"__name__": "up", "job": "node"}, "value": [1.5, "1"]}]});
        assert_eq!(
            rows(&vector),
            [
                json!({"series": "up{job=\"node\"}", "labels": {"__name__": "up", "job": "node"}, "at": "1970-01-01T00:00:01.500Z", "value": "1"})
            ]
        );
        let matrix =
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "1"], [2, "2"]]}]});
        assert_eq!(rows(&matrix).len(), 2);
        assert_eq!(rows(&json!({"resultType": "scalar", "result": [1, "7"]}))[0]["value"], "7");
        assert_eq!(rows(&json!({"resultType": "vector", "result": []})), Vec::<Value>::new());
    }

    #[test]
    fn an_end_moves_back() {
        assert_eq!(before("now", 3_600_000).unwrap(), "now-1h");
        assert_eq!(before("now-30m", 3_600_000).unwrap(), "now-1h30m");
        assert_eq!(before("1970-01-01T01:00:00Z", 3_600_000).unwrap(), "1970-01-01T00:00:00.000Z");
        assert!(before("yesterday", 1).is_err());
    }
}
