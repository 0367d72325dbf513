//! Jobs that say that they ran.

use super::Kind::*;
use super::{Does, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};

static PINGS: Shape = Shape {
    key: "at",
    columns: &[
        column("AT", "at", As::Time, 0),
        column("KIND", "kind", As::State, 0),
        column("EXIT", "exit_code", As::Text, 1),
        column("TOOK", "duration_seconds", As::Seconds, 1),
        column("SAID", "body", As::Text, 2),
        column("BY", "sent_by", As::Text, 3),
        wide("RUN", "rid", As::Text),
    ],
};

pub static HEARTBEAT: Noun = Noun {
    name: "heartbeat",
    about: "Jobs that say that they ran, and are missed when they do not",
    shape: Shape {
        key: "name",
        columns: &[
            column("HEARTBEAT", "name", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("LAST PING", "last_ping_at", As::Time, 1),
            column("MISSED AT", "due_at", As::Time, 2),
            column("PERIOD", "period_seconds", As::Seconds, 2),
            column("CRON", "cron", As::Text, 2),
            column("GRACE", "grace_seconds", As::Seconds, 3),
            column("URL", "url", As::Text, 1),
            wide("SLUG", "slug", As::Text),
            wide("TOOK", "last_duration_seconds", As::Seconds),
            wide("CREATED", "created_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("period", "period_seconds", Seconds, "At most so long from one success to the next: 1d, 10m"),
        field("cron", "cron", Text, "When it runs, instead of a period: '30 3 * * *'"),
        field("timezone", "timezone", Text, "Zone of the cron expression, as Europe/Berlin"),
        field("grace", "grace_seconds", Seconds, "How much later it may come; 1h when absent"),
        field(
            "finish-within",
            "finish_within_seconds",
            Seconds,
            "How long it may take from its start; as the grace when absent",
        ),
        field(
            "integration",
            "integration_id",
            Ref("integration"),
            "Integration of kind heartbeat, whose key it may use",
        ),
        field("slug", "slug", Text, "Its name below that key; made of the name when absent"),
        field(
            "service",
            "service_id",
            Ref("service"),
            "Id or name of the service; the routes decide when absent",
        ),
        field("enabled", "enabled", Bool, "Whether it is missed"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Miss it again" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Stop missing it" }),
        verb("pings", Does::Show { endpoint: "heartbeat.pings", shape: &PINGS }),
    ],
};
