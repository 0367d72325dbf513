//! Who is paged for what, and how: services, teams, routes, policies, schedules, channels.

use super::Kind::*;
use super::{Does, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};
use crate::special;

pub static SERVICE: Noun = Noun {
    name: "service",
    about: "What is paged for",
    shape: Shape {
        key: "name",
        columns: &[
            column("SERVICE", "name", As::Text, 0),
            column("OPEN", "open_incidents", As::Text, 0),
            column("ACK TIMEOUT", "ack_timeout_seconds", As::Seconds, 2),
            column("DESCRIPTION", "description", As::Text, 3),
            wide("TEAM", "team_id", As::Text),
            wide("POLICY", "policy_id", As::Text),
            wide("RUNBOOK", "runbook_url", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("description", "description", Text, "What it is"),
        field("team", "team_id", Ref("team"), "Id or name of the owning team"),
        field("policy", "policy_id", Ref("policy"), "Id or name of the escalation policy"),
        field(
            "ack-timeout",
            "ack_timeout_seconds",
            Seconds,
            "Acknowledged falls back to triggered after this",
        ),
        field("auto-resolve", "auto_resolve_seconds", Seconds, "Untouched incidents resolve after this"),
        field("hold-pages-for", "hold_pages_for_seconds", Seconds, "Hold the first page while a repair runs"),
        field(
            "group-window",
            "group_window_seconds",
            Seconds,
            "Alerts of one rule within this share an incident (60s; 0s: never)",
        ),
        field(
            "resolve-delay",
            "resolve_delay_seconds",
            Seconds,
            "Incidents end when their alerts have stayed away for so long (0s: at once)",
        ),
        field(
            "reopen-window",
            "reopen_window_seconds",
            Seconds,
            "What comes back so soon opens the same incident again (0s: another one)",
        ),
        field("runbook", "runbook_url", Text, "URL of the runbook"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("page-plan", Does::Special(&special::notify::PAGE_PLAN)),
    ],
};

const CRUD: &[super::Verb] = &[
    verb("list", Does::List),
    verb("get", Does::Get),
    verb("create", Does::Create),
    verb("edit", Does::Edit),
    verb("apply", Does::Apply),
    verb("delete", Does::Delete),
];

pub static TEAM: Noun = Noun {
    name: "team",
    about: "People who are paged together",
    shape: Shape {
        key: "name",
        columns: &[
            column("TEAM", "name", As::Text, 0),
            column("MEMBERS", "members", As::Text, 1),
            wide("AUTOMATIONS MAY", "role", As::Text),
            wide("ON SERVERS", "servers", As::Text),
            wide("CREATED", "created_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("member", "members", RefList("user"), "Id or name of a user; repeat for more"),
        field(
            "role",
            "role",
            Words(&["viewer", "responder", "operator", "admin"]),
            "What automations that act as it may do; they need operator",
        ),
        field("servers", "servers", Text, "Only on servers that these label matchers match"),
    ],
    defaults: &[],
    verbs: CRUD,
};

pub static ROUTE: Noun = Noun {
    name: "route",
    about: "From an alert's labels to a service; the last one matches all",
    shape: Shape {
        key: "id",
        columns: &[
            column("POS", "position", As::Text, 0),
            column("MATCH", "matchers", As::Text, 0),
            column("SERVICE", "service_id", As::Text, 1),
            column("ID", "id", As::Text, 2),
        ],
    },
    title: None,
    identity: "matchers",
    fields: &[
        field("match", "matchers", Text, "Label matchers such as env=\"prod\",team=~\"db|storage\""),
        field("service", "service_id", Ref("service"), "Id or name of the service"),
        field("position", "position", Integer, "Place among the routes, from 0; before the last when absent"),
    ],
    defaults: &[],
    verbs: CRUD,
};

pub static POLICY: Noun = Noun {
    name: "policy",
    about: "Escalation steps",
    shape: Shape {
        key: "name",
        columns: &[
            column("POLICY", "name", As::Text, 0),
            column("REPEAT", "repeat", As::Text, 1),
            column("STEPS", "steps", As::Text, 2),
            wide("CREATED", "created_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field(
            "step",
            "steps",
            Steps,
            "DELAY:KIND=NAME,... such as 5m:schedule=db,channel=chat, or 5m:by-turns:user=ann,user=ben; repeat in order",
        ),
        field("repeat", "repeat", Integer, "How often to start again when nobody answers"),
    ],
    defaults: &[],
    verbs: CRUD,
};

pub static SCHEDULE: Noun = Noun {
    name: "schedule",
    about: "Who is on call when",
    shape: Shape {
        key: "name",
        columns: &[
            column("SCHEDULE", "name", As::Text, 0),
            column("ON CALL", "on_call.0.user", As::Text, 0),
            column("UNTIL", "on_call.0.until", As::Text, 1),
            column("ZONE", "timezone", As::Text, 2),
            column("WARNINGS", "warnings", As::Text, 3),
            wide("LAYERS", "layers", As::Text),
            wide("OVERRIDES", "overrides", As::Text),
            wide("DESCRIPTION", "description", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("description", "description", Text, "What it is"),
        field("timezone", "timezone", Text, "IANA name such as Europe/Berlin; UTC when absent"),
        field(
            "layer",
            "layers",
            Layers,
            "NAME=UNIT@HH:MM/DATE:USER,... such as days=weekly@08:00/2026-11-30:ann,ben; 2*daily for two days; repeat for more",
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
        verb("on-call", Does::Special(&special::on_call::ONE)),
        verb("shifts", Does::Show { endpoint: "schedule.shifts", shape: &SHIFTS }),
        verb("gaps", Does::Show { endpoint: "schedule.gaps", shape: &GAPS }),
        verb("override", Does::Special(&special::on_call::OVERRIDE)),
        verb("end-override", Does::Act { endpoint: "schedule.end_override", fields: &[], many: false }),
        verb("swap", Does::Special(&special::swap::ONE)),
        verb("swaps", Does::Special(&special::swap::ALL)),
        verb("take-swap", Does::Special(&special::swap::ACCEPT)),
        verb("withdraw-swap", Does::Act { endpoint: "schedule.withdraw_swap", fields: &[], many: false }),
        verb("calendar", Does::Special(&special::on_call::CALENDAR)),
        verb("end-calendar", Does::Act { endpoint: "schedule.end_calendar", fields: &[], many: false }),
    ],
};

static SHIFTS: Shape = Shape {
    key: "user",
    columns: &[
        column("FROM", "from_at", As::Text, 0),
        column("TO", "to_at", As::Text, 0),
        column("USER", "user", As::Text, 0),
        column("LAYER", "layer", As::Text, 1),
        wide("OVERRIDE", "override_id", As::Text),
    ],
};

static GAPS: Shape = Shape {
    key: "from_at",
    columns: &[column("FROM", "from_at", As::Text, 0), column("TO", "to_at", As::Text, 0)],
};

const CHANNEL_KINDS: &[&str] = &[
    "webhook",
    "slack",
    "slack_app",
    "email",
    "ntfy",
    "discord",
    "teams",
    "google_chat",
    "telegram",
    "pushover",
    "twilio",
    "pagerduty",
    "web_push",
];

pub static CHANNEL: Noun = Noun {
    name: "channel",
    about: "Ways to reach people",
    shape: Shape {
        key: "name",
        columns: &[
            column("CHANNEL", "name", As::Text, 0),
            column("KIND", "config.kind", As::Text, 1),
            column("ON", "enabled", As::State, 1),
            column("CATCH-ALL", "catch_all", As::State, 2),
            column("DELIVERED", "last_delivered_at", As::Time, 2),
            column("LAST ERROR", "last_error", As::Text, 3),
            wide("ERROR AT", "last_error_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("kind", "config.kind", Words(CHANNEL_KINDS), "How it reaches people"),
        field("target-url", "config.url", Text, "Where a webhook goes"),
        field(
            "target-url-file",
            "config.url",
            SecretFile,
            "File with the URL, - is stdin: those of Slack, Discord, Teams, Google Chat and ntfy are secrets",
        ),
        field(
            "secret-file",
            "config.secret",
            SecretFile,
            "File with the webhook's secret; made by the hub when absent",
        ),
        field("to", "config.to", List, "Address of an e-mail; repeat for more"),
        field(
            "from",
            "config.from",
            Text,
            "Sender of an e-mail; number or messaging service that sends by Twilio",
        ),
        field("host", "config.host", Text, "Mail server"),
        field("port", "config.port", Integer, "Port of the mail server"),
        field(
            "security",
            "config.security",
            Words(&["starttls", "tls", "plain"]),
            "How the mail server is reached",
        ),
        field("username", "config.username", Text, "Name at the mail server"),
        field("password-file", "config.password", SecretFile, "File with the password at the mail server"),
        field(
            "token-file",
            "config.token",
            SecretFile,
            "File with the token of Slack's bot, ntfy, Telegram, Pushover or Twilio",
        ),
        field(
            "signing-secret-file",
            "config.signing_secret",
            SecretFile,
            "File with the signing secret of an app of Slack",
        ),
        field("conversation", "config.channel", Text, "Id of a conversation of Slack, such as C024BE91L"),
        field("chat", "config.chat", Text, "Number of a chat of Telegram, or @name of a channel"),
        field("user-key-file", "config.user", SecretFile, "File with the key of a user or group of Pushover"),
        field("account", "config.account", Text, "SID of an account of Twilio"),
        field("phone", "config.phone", Text, "Number that Twilio writes to or calls, as +4930123456"),
        field("voice", "config.voice", Bool, "Whether Twilio calls instead of writing"),
        field(
            "routing-key-file",
            "config.routing_key",
            SecretFile,
            "File with the integration key of PagerDuty",
        ),
        field(
            "api-url",
            "config.api_url",
            Text,
            "Server in the place of Slack's, Telegram's, Pushover's, Twilio's or PagerDuty's own",
        ),
        field(
            "push-key",
            "config.key",
            Text,
            "Public key of a browser's subscription; browsers make theirs themselves",
        ),
        field(
            "push-auth-file",
            "config.auth",
            SecretFile,
            "File with the secret of a browser's subscription",
        ),
        field("page-title", "templates.page.title", Text, "Template of the headline of pages"),
        field(
            "page-body-file",
            "templates.page.body",
            File,
            "File with the template of what pages say beside it; of a webhook, its whole JSON",
        ),
        field("end-title", "templates.end.title", Text, "The same of notices that it is over"),
        field("end-body-file", "templates.end.body", File, "The same of notices that it is over"),
        field("enabled", "enabled", Bool, "Whether it is used"),
        field("catch-all", "catch_all", Bool, "Hears of incidents that no one answered"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Use a channel" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Stop using a channel" }),
        verb("preview", Does::Special(&crate::special::wording::PREVIEW)),
        verb("test", Does::Special(&crate::special::channel::TEST)),
    ],
};

static HELD: Shape = Shape {
    key: "key",
    columns: &[
        column("KEY", "key", As::Text, 0),
        column("TITLE", "title", As::Text, 0),
        column("SEVERITY", "severity", As::State, 1),
        column("COUNT", "count", As::Text, 0),
        column("OF", "needed", As::Text, 0),
        column("LAST", "last_at", As::Time, 1),
        column("UNTIL", "until_at", As::Time, 2),
        wide("FIRST", "first_at", As::Time),
    ],
};

pub static INTEGRATION: Noun = Noun {
    name: "integration",
    about: "Other tools that tell of their alerts here",
    shape: Shape {
        key: "name",
        columns: &[
            column("INTEGRATION", "name", As::Text, 0),
            column("KIND", "kind", As::Text, 0),
            column("ON", "enabled", As::State, 1),
            column("OPEN", "open_alerts", As::Text, 1),
            column("HELD", "held_alerts", As::Text, 2),
            column("SENDS TO", "url", As::Text, 1),
            column("KEY", "key", As::Text, 0),
            wide("SERVICE", "service_id", As::Text),
            wide("CREATED", "created_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("kind"),
    identity: "name",
    fields: &[
        field("name", "name", Text, "What it is called"),
        field(
            "service",
            "service_id",
            Ref("service"),
            "Id or name of the service; the routes decide when absent",
        ),
        field(
            "map-items",
            "mapping.items",
            Text,
            "Of a generic webhook: path of the list of alerts, as alerts",
        ),
        field("map-key", "mapping.key", Text, "Path of what names an alert, as id"),
        field("map-title", "mapping.title", Text, "Path of the title, as alert.name"),
        field("map-description", "mapping.description", Text, "Path of the description"),
        field("map-severity", "mapping.severity", Text, "Path of the severity"),
        field("map-state", "mapping.state", Text, "Path of the state"),
        field("map-resolved", "mapping.resolved", List, "Values of the state that mean that it is over"),
        field(
            "open-after",
            "open_after.triggers",
            Integer,
            "Alerts open only at this many triggers of one key ...",
        ),
        field("within", "open_after.within_seconds", Seconds, "... within this time, as 10m"),
        field("map-label", "mapping.labels", Map, "Label and its path, as host=server.name; repeat for more"),
        field("enabled", "enabled", Bool, "Whether it is taken in"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("preview", Does::Special(&crate::special::mapping::PREVIEW)),
        verb("held", Does::Show { endpoint: "integration.held", shape: &HELD }),
        verb("new-key", Does::Act { endpoint: "integration.new_key", fields: &[], many: false }),
        verb("delete", Does::Delete),
    ],
};
