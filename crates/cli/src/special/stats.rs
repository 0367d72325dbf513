//! `incident stats`: how long people took, which rules are noisy, and whom pages interrupted.

use clap::{Arg, Command};
use serde_json::{Value, json};

use crate::client::endpoint;
use crate::failure::Exit;
use crate::nouns::Special;
use crate::output::cell::{As, Column, Shape, column, wide};

/// Of the last week, without any option.
static WEEK: Shape = Shape {
    key: "total",
    columns: &[
        column("TOTAL", "total", As::Text, 0),
        column("OPEN", "open", As::Text, 0),
        column("UNACKED", "unacknowledged", As::Text, 0),
        column("AUTO", "auto_resolved", As::Text, 0),
        column("TTA_P50", "time_to_acknowledge_p50_seconds", As::Seconds, 1),
        column("TTA_P90", "time_to_acknowledge_p90_seconds", As::Seconds, 1),
        column("TTR_P50", "time_to_resolve_p50_seconds", As::Seconds, 1),
        column("TTR_P90", "time_to_resolve_p90_seconds", As::Seconds, 1),
    ],
};

static FIGURES: Shape = Shape {
    key: "name",
    columns: &[
        column("NAME", "name", As::Text, 0),
        column("INCIDENTS", "incidents", As::Text, 0),
        column("OPEN", "open", As::Text, 4),
        column("ACKED", "acknowledged", As::Text, 3),
        column("ENDED_ALONE", "ended_alone", As::Text, 2),
        column("TTA_MEAN", "time_to_acknowledge_mean_seconds", As::Seconds, 1),
        column("TTA_P50", "time_to_acknowledge_p50_seconds", As::Seconds, 5),
        column("TTA_P90", "time_to_acknowledge_p90_seconds", As::Seconds, 5),
        column("TTR_MEAN", "time_to_resolve_mean_seconds", As::Seconds, 1),
        column("TTR_P50", "time_to_resolve_p50_seconds", As::Seconds, 5),
        column("TTR_P90", "time_to_resolve_p90_seconds", As::Seconds, 5),
        wide("ACKED_SHARE", "acknowledged_share", As::Text),
        wide("ALONE_SHARE", "ended_alone_share", As::Text),
        wide("ID", "id", As::Text),
    ],
};

macro_rules! hours {
    ($($hour:literal)+) => {
        [
            column("NAME", "name", As::Text, 0),
            column("TIMEZONE", "timezone", As::Text, 2),
            column("INTERRUPTIONS", "interruptions", As::Text, 0),
            column("AT_NIGHT", "at_night", As::Text, 1),
            $(wide($hour, concat!("by_hour.", $hour), As::Text),)+
        ]
    };
}

static HOURS: [Column; 28] = hours!("0" "1" "2" "3" "4" "5" "6" "7" "8" "9" "10" "11" "12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22" "23");
static PEOPLE: Shape = Shape { key: "name", columns: &HOURS };

/// What a row is, and where the answer has it.
const ROWS: [(&str, &str, &Shape); 4] = [
    ("service", "services", &FIGURES),
    ("team", "teams", &FIGURES),
    ("rule", "rules", &FIGURES),
    ("person", "people", &PEOPLE),
];
/// Options that are handed on as they are.
const PASSED: [(&str, &str, &str); 5] = [
    (
        "from",
        "TIME",
        "Incidents that began from then on: RFC 3339, Unix seconds, or now-90d; now-30d when absent",
    ),
    ("to", "TIME", "Until then; now when absent"),
    ("service", "NAME", "Only of this service"),
    ("team", "NAME", "Only of this team's services"),
    ("timezone", "ZONE", "Whose clocks tell the hour; each person's own when absent"),
];

pub static STATS: Special = Special {
    args: |command: Command| {
        let words = ROWS.map(|(word, ..)| word);
        let by = Arg::new("by").long("by").value_name("WHAT").value_parser(words);
        let by = by.help("A row for each service, team, rule or person");
        let passed = PASSED.map(|(name, value, help)| Arg::new(name).long(name).value_name(value).help(help));
        command.about(endpoint("analytics.incidents").summary).arg(by).args(passed)
    },
    run: |session, matches| {
        let query: Vec<(&str, String)> = PASSED
            .iter()
            .filter_map(|(name, ..)| Some((*name, matches.get_one::<String>(name)?.clone())))
            .collect();
        let by = matches.get_one::<String>("by");
        if by.is_none() && query.is_empty() {
            let week = session.hub.get("incident.stats", &[])?;
            session.print.object(&WEEK, &week)?;
            return Ok(Exit::Ok);
        }
        let found = session.hub.call("analytics.incidents", &[], &query, None)?;
        if found["truncated"] == json!(true) {
            session.print.say("warning: there are more incidents than were counted: ask for a shorter range");
        }
        let row = ROWS.iter().find(|(word, ..)| by.is_some_and(|by| by == word));
        let Some((_, list, shape)) = row else {
            session.print.object(&FIGURES, &found["total"])?;
            return Ok(Exit::Ok);
        };
        let items: Vec<Value> = found[*list].as_array().cloned().unwrap_or_default();
        session.print.list(shape, &json!({ "items": items }))?;
        Ok(Exit::Ok)
    },
};
