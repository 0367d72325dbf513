//! Servers, rules, events, alerts, incidents.

use super::Kind::*;
use super::{Does, Field, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};
use crate::special;

const SEVERITY: Field =
    field("severity", "severity", Words(&["info", "warning", "error", "critical"]), "How bad it is");

pub static SERVER: Noun = Noun {
    name: "server",
    about: "Machines that are watched",
    shape: Shape {
        key: "name",
        columns: &[
            column("STATUS", "status", As::State, 0),
            column("SERVER", "name", As::Text, 0),
            column("CPU", "vitals.cpu_percent", As::Percent, 1),
            column("MEM", "vitals.memory_percent", As::Percent, 1),
            column("DISK", "vitals.disk_percent", As::Percent, 2),
            column("LOAD/C", "vitals.load_per_core", As::Text, 5),
            column("SEEN", "last_report_at", As::Time, 3),
            column("INC", "open_incidents", As::Text, 2),
            column("LABELS", "labels", As::Text, 6),
            column("REASON", "status_reason", As::Text, 7),
            wide("OS", "facts.os", As::Text),
            wide("AGENT", "agent_version", As::Text),
            wide("RX", "vitals.receive_bytes_per_second", As::Rate),
            wide("TX", "vitals.transmit_bytes_per_second", As::Rate),
            wide("UPTIME", "vitals.uptime_seconds", As::Seconds),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("label", "labels", Map, "Label as name=value; name= removes it"),
        field(
            "maintenance",
            "maintenance_until",
            Until,
            "Nothing pages for so long, such as 2h; `off` ends it",
        ),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("enrol", Does::Act { endpoint: "server.enrol", fields: &[], many: false }),
        verb("collect", Does::Special(&special::collect::COLLECT)),
        verb("processes", Does::Show { endpoint: "server.processes", shape: &PROCESSES }),
        verb("panels", Does::Show { endpoint: "server.panels", shape: &PANELS }),
    ],
};

pub static PROCESSES: Shape = Shape {
    key: "pid",
    columns: &[
        column("PID", "pid", As::Text, 0),
        column("USER", "user", As::Text, 2),
        column("CPU", "cpu_percent", As::Percent, 0),
        column("RSS", "rss_bytes", As::Bytes, 0),
        column("READ", "read_bytes_per_second", As::Rate, 5),
        column("WRITE", "write_bytes_per_second", As::Rate, 5),
        column("THR", "threads", As::Text, 6),
        column("STARTED", "started_at", As::Time, 4),
        column("COMMAND", "command", As::Text, 0),
        wide("PPID", "ppid", As::Text),
        wide("STATE", "state", As::Text),
        wide("NAME", "name", As::Text),
    ],
};

static PANELS: Shape = Shape {
    key: "id",
    columns: &[
        column("PANEL", "id", As::Text, 0),
        column("TITLE", "title", As::Text, 1),
        column("UNIT", "unit", As::Text, 1),
    ],
};

pub static RULE: Noun = Noun {
    name: "rule",
    about: "When trouble begins and ends",
    shape: Shape {
        key: "name",
        columns: &[
            column("RULE", "name", As::Text, 0),
            column("SEVERITY", "severity", As::State, 1),
            column("ON", "enabled", As::State, 2),
            column("PAGES", "paging", As::State, 2),
            column("FIRING", "firing", As::Text, 0),
            column("PENDING", "pending", As::Text, 3),
            column("FOR", "for_seconds", As::Seconds, 4),
            column("EXPR", "expr", As::Text, 5),
            column("ERROR", "last_error", As::Text, 6),
            wide("KIND", "kind", As::Text),
            wide("EVENT", "event_kind", As::Text),
            wide("UPDATED", "updated_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field(
            "kind",
            "kind",
            Words(&["metric", "event", "recording"]),
            "What it looks at; metric when absent",
        ),
        field("expr", "expr", Text, "PromQL that returns the series in trouble"),
        field("record", "record", Text, "Metric name under which a recording rule stores its result"),
        field("recover", "recover_expr", Text, "PromQL that ends the alert"),
        field("for", "for_seconds", Seconds, "How long it must hold"),
        field("keep-firing-for", "keep_firing_for_seconds", Seconds, "How long it stays after it ended"),
        field("no-data", "no_data", Words(&["ok", "keep", "alert"]), "What no data means"),
        SEVERITY,
        field("enabled", "enabled", Bool, "Whether it is evaluated"),
        field("paging", "paging", Bool, "Whether its alerts page"),
        field("event-kind", "event_kind", Text, "Kind of event, such as unit.*"),
        field("resolve-kind", "resolve_kind", Text, "Kind of event that resolves it"),
        field("event-match", "event_matchers", Text, "Label matchers on the event"),
        field("label", "labels", Map, "Label as name=value"),
        field("annotation", "annotations", Map, "Annotation as name=text, such as summary=..."),
    ],
    defaults: &[("kind", "metric")],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Evaluate a rule" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Stop evaluating a rule" }),
        verb("preview", Does::Special(&special::preview::PREVIEW)),
        verb("import", Does::Special(&special::import::IMPORT)),
        verb("backtest", Does::Special(&special::backtest::BACKTEST)),
        verb("test", Does::Special(&special::rule_test::TEST)),
    ],
};

pub static EVENT: Noun = Noun {
    name: "event",
    about: "What happened",
    shape: Shape {
        key: "id",
        columns: &[
            column("AT", "at", As::Time, 0),
            column("SEVERITY", "severity", As::State, 1),
            column("KIND", "kind", As::Text, 0),
            column("SERVER", "server", As::Text, 1),
            column("MESSAGE", "message", As::Text, 0),
            column("SOURCE", "source", As::Text, 3),
            wide("LABELS", "labels", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("kind"),
    identity: "id",
    fields: &[
        field("message", "message", Text, "What happened, in words"),
        SEVERITY,
        field("server", "server", Text, "Id or name of the server it is about"),
        field("label", "labels", Map, "Label as name=value"),
    ],
    defaults: &[],
    verbs: &[verb("list", Does::List), verb("send", Does::Create)],
};

pub static ALERT: Noun = Noun {
    name: "alert",
    about: "Open problems, one per source and key",
    shape: Shape {
        key: "id",
        columns: &[
            column("STATE", "state", As::State, 0),
            column("SEVERITY", "severity", As::State, 1),
            column("SERVER", "server", As::Text, 1),
            column("SUMMARY", "summary", As::Text, 0),
            column("INC", "incident_number", As::Text, 2),
            column("COUNT", "count", As::Text, 5),
            column("SINCE", "first_seen_at", As::Time, 3),
            column("LAST", "last_seen_at", As::Time, 4),
            wide("VALUE", "value", As::Text),
            wide("SOURCE", "source", As::Text),
            wide("KEY", "dedup_key", As::Text),
            wide("LABELS", "labels", As::Text),
        ],
    },
    title: None,
    identity: "id",
    fields: &[],
    defaults: &[],
    verbs: &[verb("list", Does::List)],
};

pub static INCIDENT: Noun = Noun {
    name: "incident",
    about: "What a person acknowledges",
    shape: Shape {
        key: "number",
        columns: &[
            column("INC", "number", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("SEVERITY", "severity", As::State, 1),
            column("TITLE", "title", As::Text, 0),
            column("SERVER", "server", As::Text, 3),
            column("SERVICE", "service", As::Text, 4),
            column("SINCE", "triggered_at", As::Time, 2),
            column("BY", "acknowledged_by", As::Text, 5),
            column("REPAIR", "repair", As::State, 6),
            wide("ALERTS", "alert_count", As::Text),
            wide("TTA", "time_to_acknowledge_seconds", As::Seconds),
            wide("TTR", "time_to_resolve_seconds", As::Seconds),
            wide("REOPENED", "reopened", As::Text),
            wide("INTO", "merged_into", As::Text),
            wide("TEST", "test", As::State),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("title"),
    identity: "number",
    fields: &[
        SEVERITY,
        field("service", "service", Text, "Id or name of the service; else the routes decide"),
        field("server", "server", Text, "Id or name of the server"),
        field("label", "labels", Map, "Label as name=value"),
        field("description", "description", Text, "More words"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("ack", Does::Special(&special::incident::ACK)),
        verb("unack", Does::Act { endpoint: "incident.unack", fields: &[], many: true }),
        verb(
            "resolve",
            Does::Act {
                endpoint: "incident.resolve",
                fields: &[field("note", "note", Text, "Why it is over")],
                many: true,
            },
        ),
        verb("reopen", Does::Act { endpoint: "incident.reopen", fields: &[], many: true }),
        verb("escalate", Does::Act { endpoint: "incident.escalate", fields: &[], many: true }),
        verb(
            "merge",
            Does::Act {
                endpoint: "incident.merge",
                fields: &[field("into", "into", Integer, "Number of the open incident that they go on in")],
                many: true,
            },
        ),
        verb("note", Does::Special(&special::incident::NOTE)),
        verb("timeline", Does::Show { endpoint: "incident.timeline", shape: &TIMELINE }),
        verb("deliveries", Does::Show { endpoint: "incident.deliveries", shape: &DELIVERIES }),
        verb("stats", Does::Special(&special::stats::STATS)),
        verb("test", Does::Special(&special::drill::TEST)),
        verb("watch", Does::Special(&special::incident::WATCH)),
        verb("held", Does::Special(&special::halt::HELD)),
        verb("release", Does::Special(&special::halt::RELEASE)),
    ],
};

pub static TIMELINE: Shape = Shape {
    key: "sequence",
    columns: &[
        column("AT", "at", As::Time, 0),
        column("KIND", "kind", As::Text, 1),
        column("BY", "actor", As::Text, 2),
        column("TEXT", "text", As::Text, 0),
        wide("DETAIL", "detail", As::Text),
        wide("RUN", "run_number", As::Text),
    ],
};

static DELIVERIES: Shape = Shape {
    key: "id",
    columns: &[
        column("STATE", "state", As::State, 0),
        column("CHANNEL", "channel", As::Text, 0),
        column("KIND", "kind", As::Text, 1),
        column("TRIES", "attempts", As::Text, 3),
        column("CREATED", "created_at", As::Time, 4),
        column("DELIVERED", "delivered_at", As::Time, 2),
        column("ERROR", "last_error", As::Text, 1),
        wide("ID", "id", As::Text),
    ],
};
