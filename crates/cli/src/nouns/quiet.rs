//! When nobody is paged: silences, maintenance windows and inhibitions.

use super::Kind::*;
use super::{Does, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};

pub static SILENCE: Noun = Noun {
    name: "silence",
    about: "Page nobody for some alerts until a time",
    shape: Shape {
        key: "id",
        columns: &[
            column("ID", "id", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("MATCHERS", "matchers", As::Text, 0),
            column("ENDS", "ends_at", As::Time, 0),
            column("OPEN ALERTS", "open_alerts", As::Text, 2),
            column("BY", "created_by", As::Text, 1),
            column("COMMENT", "comment", As::Text, 1),
            wide("STARTS", "starts_at", As::Time),
            wide("SERVERS", "servers", As::Text),
        ],
    },
    title: Some("matchers"),
    identity: "id",
    fields: &[
        field("matchers", "matchers", Text, "Labels of the alerts: 'alertname=\"Disk full\",env=\"prod\"'"),
        field("for", "ends_at", Until, "Ends this long from now"),
        field("starts-in", "starts_at", Until, "Begins this long from now; now when absent"),
        field("comment", "comment", Text, "Why, for those who wonder at night"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("expire", Does::Act { endpoint: "silence.expire", fields: &[], many: true }),
        verb("delete", Does::Delete),
    ],
};

pub static MAINTENANCE: Noun = Noun {
    name: "maintenance",
    about: "Planned times, once or again and again, at which nobody is paged",
    shape: Shape {
        key: "name",
        columns: &[
            column("WINDOW", "name", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("ON", "enabled", As::State, 2),
            column("MATCHERS", "matchers", As::Text, 0),
            column("WHEN", "words", As::Text, 1),
            column("NEXT", "next.0.starts_at", As::Time, 1),
            column("ENDS", "next.0.ends_at", As::Time, 2),
            column("OPEN ALERTS", "open_alerts", As::Text, 2),
            wide("COMMENT", "comment", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("matchers", "matchers", Text, "Labels of the alerts, those of their servers among them"),
        field("comment", "comment", Text, "What is done meanwhile"),
        field("notify", "notify", RefList("channel"), "Channels that are told when it begins and ends"),
        field("enabled", "enabled", Bool, "Whether it counts"),
        field("cron", "cron", Text, "When it begins, again and again: '30 2 * * sun'"),
        field("timezone", "timezone", Text, "Whose clocks count, such as Europe/Berlin; UTC when absent"),
        field("duration", "duration_seconds", Seconds, "How long each lasts"),
        field("starts-at", "starts_at", Text, "Of one that comes once: 2030-01-31T22:00:00Z"),
        field("ends-at", "ends_at", Text, "Of one that comes once"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Let it count" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Page as if it were not there" }),
        verb("delete", Does::Delete),
    ],
};

pub static INHIBITION: Noun = Noun {
    name: "inhibition",
    about: "Page nobody for what follows from something else that is wrong",
    shape: Shape {
        key: "name",
        columns: &[
            column("INHIBITION", "name", As::Text, 0),
            column("ON", "enabled", As::State, 1),
            column("SOURCE", "source", As::Text, 0),
            column("TARGET", "target", As::Text, 0),
            column("EQUAL", "equal", As::Text, 1),
            column("SOURCES", "open_sources", As::Text, 2),
            column("INHIBITED", "inhibited_alerts", As::Text, 2),
            wide("COMMENT", "comment", As::Text),
            wide("SERVERS", "servers", As::Text),
            wide("BY", "created_by", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("source", "source", Text, "Labels of the cause: 'alertname=\"Server lost\"'"),
        field("target", "target", Text, "Labels of what follows from it: 'alertname!=\"Server lost\"'"),
        field("equal", "equal", List, "Labels that must be the same on both, as instance; repeat for more"),
        field("comment", "comment", Text, "Why, for those who wonder at night"),
        field("enabled", "enabled", Bool, "Whether it counts"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Let it count" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Page as if it were not there" }),
        verb("delete", Does::Delete),
    ],
};
