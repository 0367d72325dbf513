//! Scripts, runs, automations.

use super::Kind::*;
use super::{Does, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};
use crate::special;

pub static SCRIPT_SHAPE: Shape = Shape {
    key: "name",
    columns: &[
        column("SCRIPT", "name", As::Text, 0),
        column("VERSION", "version", As::Text, 0),
        column("TIMEOUT", "timeout_seconds", As::Seconds, 3),
        column("UPDATED", "updated_at", As::Time, 2),
        column("BY", "updated_by", As::Text, 3),
        column("DESCRIPTION", "description", As::Text, 1),
        wide("USER", "user", As::Text),
        wide("SHA256", "sha256", As::Text),
        wide("APPROVED BY", "approval.key", As::Text),
        wide("ID", "id", As::Text),
    ],
};

pub static SCRIPT: Noun = Noun {
    name: "script",
    about: "Versioned text with typed parameters",
    shape: SCRIPT_SHAPE,
    title: Some("name"),
    identity: "name",
    fields: &[
        field("body", "body", File, "File with the script, - is stdin"),
        field("description", "description", Text, "What it does"),
        field("interpreter", "interpreter", List, "Program and arguments by comma; /bin/sh when absent"),
        field(
            "parameters",
            "parameters",
            Json,
            "JSON list of parameters: [{\"name\":\"UNIT\",\"kind\":\"text\"}]",
        ),
        field("timeout", "timeout_seconds", Seconds, "Longest time it may take"),
        field("user", "user", Text, "Run as this user"),
        field(
            "needs-approval",
            "needs_approval",
            Bool,
            "Each run starts only when somebody else approves it",
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
        verb("versions", Does::Show { endpoint: "script.versions", shape: &SCRIPT_SHAPE }),
        verb("sign", Does::Special(&special::sign::SIGN)),
        verb("run", Does::Special(&special::run::SCRIPT_RUN)),
    ],
};

pub static RUN: Noun = Noun {
    name: "run",
    about: "Starts of a script or command over servers",
    shape: Shape {
        key: "number",
        columns: &[
            column("RUN", "number", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("NAME", "name", As::Text, 0),
            column("ON", "on", As::Text, 2),
            column("OK", "succeeded", As::Text, 1),
            column("FAILED", "failed", As::Text, 1),
            column("TOTAL", "total", As::Text, 1),
            wide("QUEUED", "queued", As::Text),
            column("BY", "started_by", As::Text, 3),
            column("STARTED", "created_at", As::Time, 2),
            wide("FINISHED", "finished_at", As::Time),
            wide("INC", "incident_number", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: None,
    identity: "number",
    fields: &[],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("start", Does::Special(&special::run::START)),
        verb("exec", Does::Special(&special::run::EXEC)),
        verb("update-agents", Does::Special(&special::run::UPDATE_AGENTS)),
        verb("output", Does::Special(&special::run::OUTPUT)),
        verb("watch", Does::Special(&special::run::WATCH)),
        verb("cancel", Does::Act { endpoint: "run.cancel", fields: &[], many: true }),
        verb("approve", Does::Act { endpoint: "run.approve", fields: &[], many: true }),
        verb("deny", Does::Act { endpoint: "run.deny", fields: &[], many: true }),
        verb("halt", Does::Special(&special::halt::HALT)),
        verb("resume", Does::Special(&special::halt::RESUME)),
        verb("halted", Does::Special(&special::halt::HALTED)),
    ],
};

pub static AUTOMATION: Noun = Noun {
    name: "automation",
    about: "Repairs that start by themselves",
    shape: Shape {
        key: "name",
        columns: &[
            column("AUTOMATION", "name", As::Text, 0),
            column("MODE", "mode", As::Text, 0),
            column("ON", "enabled", As::State, 1),
            column("SCRIPT", "script", As::Text, 1),
            column("BREAKER OPEN", "breaker_open", As::State, 2),
            column("TRIGGER", "trigger", As::Text, 3),
            wide("COOLDOWN", "cooldown_seconds", As::Seconds),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("rule", "trigger.rule_id", Ref("rule"), "Start on alerts of this rule, by id or name"),
        field("match", "trigger.matchers", Text, "Start on alerts whose labels match"),
        field("script", "script", Text, "Id or name of the script"),
        field("parameter", "parameters", Map, "Parameter as NAME=value"),
        field("mode", "mode", Words(&["observe", "approve", "auto"]), "Record, ask first, or act"),
        field("cooldown", "cooldown_seconds", Seconds, "Rest between attempts on a server"),
        field("attempts", "attempts_per_incident", Integer, "Attempts per incident"),
        field("verify-within", "verify_within_seconds", Seconds, "How long the repair may take to show"),
        field("enabled", "enabled", Bool, "Whether it looks at alerts"),
    ],
    defaults: &[("mode", "observe")],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("enable", Does::Set { field: "enabled", value: true, about: "Let an automation act" }),
        verb("disable", Does::Set { field: "enabled", value: false, about: "Stop an automation" }),
        verb("approve", Does::Act { endpoint: "automation.approve", fields: &[], many: false }),
        verb("deny", Does::Act { endpoint: "automation.deny", fields: &[], many: false }),
        verb("close-breaker", Does::Act { endpoint: "automation.close_breaker", fields: &[], many: false }),
    ],
};
