//! Users, API tokens, the audit log.

use super::Kind::*;
use super::{Does, Field, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};
use crate::special;

const ROLE: Field =
    field("role", "role", Words(&["viewer", "responder", "operator", "admin"]), "What it may do");
const SERVERS: Field = field("servers", "servers", Text, "Only servers that these label matchers match");

const NOTIFY: &str =
    "How a page uses the channels, as URGENCY:DELAY:CHANNEL, such as high:5m:sms-ana; repeat for more";

pub static USER: Noun = Noun {
    name: "user",
    about: "People who sign in",
    shape: Shape {
        key: "name",
        columns: &[
            column("USER", "name", As::Text, 0),
            column("ROLE", "role", As::Text, 0),
            column("EMAIL", "email", As::Text, 2),
            column("DISABLED", "disabled", As::State, 1),
            column("LAST LOGIN", "last_login_at", As::Time, 3),
            wide("SERVERS", "servers", As::Text),
            wide("CREATED", "created_at", As::Time),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        ROLE,
        field("email", "email", Text, "Address"),
        SERVERS,
        field(
            "channel",
            "channels",
            RefList("channel"),
            "Id or name of a channel that reaches them; in order",
        ),
        field("notify", "notify_rules", NotifyRules, NOTIFY),
        field("disabled", "disabled", Bool, "Whether sign-in is refused"),
        field("password-file", "password", SecretFile, "File with the password, - is stdin"),
    ],
    defaults: &[("role", "viewer")],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb("edit", Does::Edit),
        verb("apply", Does::Apply),
        verb("delete", Does::Delete),
        verb("disable", Does::Set { field: "disabled", value: true, about: "Refuse a user's sign-in" }),
        verb("enable", Does::Set { field: "disabled", value: false, about: "Allow a user's sign-in again" }),
        verb("password", Does::Special(&special::password::PASSWORD)),
        verb("notify", Does::Special(&special::notify::NOTIFY)),
    ],
};

pub static TOKEN: Noun = Noun {
    name: "token",
    about: "API tokens for programs",
    shape: Shape {
        key: "name",
        columns: &[
            column("TOKEN", "name", As::Text, 0),
            column("ROLE", "role", As::Text, 0),
            column("SCOPES", "scopes", As::Text, 1),
            column("BY", "created_by", As::Text, 3),
            column("EXPIRES", "expires_at", As::Time, 1),
            column("USED", "last_used_at", As::Time, 2),
            column("REVOKED", "revoked_at", As::Time, 2),
            wide("SERVERS", "servers", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        ROLE,
        field("scope", "scopes", List, "all, query, events:write, metrics:write; repeat for more"),
        SERVERS,
        field("expires", "expires_in_seconds", Seconds, "How long it is good for, such as 30d"),
    ],
    defaults: &[("role", "viewer")],
    verbs: &[verb("list", Does::List), verb("create", Does::Create), verb("delete", Does::Delete)],
};

pub static AUDIT: Noun = Noun {
    name: "audit",
    about: "Who did what",
    shape: Shape {
        key: "sequence",
        columns: &[
            column("AT", "at", As::Time, 0),
            column("ACTOR", "actor", As::Text, 0),
            column("ACTION", "action", As::Text, 0),
            column("OBJECT", "object", As::Text, 1),
            column("DETAIL", "detail", As::Text, 2),
            wide("SEQ", "sequence", As::Text),
            wide("HASH", "hash", As::Text),
        ],
    },
    title: None,
    identity: "sequence",
    fields: &[],
    defaults: &[],
    verbs: &[verb("list", Does::List)],
};
