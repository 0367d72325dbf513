//! Deployments that the hub does over SSH, keys of hosts, saved credentials.

use super::Kind::*;
use super::{Does, Field, Noun, field, verb};
use crate::output::cell::{As, Shape, column, wide};

const CREDENTIAL: Field = field("credential", "ssh.credential", Text, "Id or name of a saved credential");
const USER: Field = field("user", "ssh.user", Text, "Sign in as this user where a target names none");
const KEY: Field = field("key-file", "ssh.private_key", SecretFile, "File with the private key, - is stdin");
const PASSPHRASE: Field =
    field("passphrase-file", "ssh.passphrase", SecretFile, "File with the key's passphrase, - is stdin");
const PASSWORD: Field =
    field("password-file", "ssh.password", SecretFile, "File with the password, - is stdin");
const SUDO: Field = field(
    "sudo-password-file",
    "ssh.sudo_password",
    SecretFile,
    "File with the password for sudo, - is stdin",
);
const JUMP: Field = field("jump", "ssh.jump", List, "Jump host as [user@]host[:port]; in order");
const HOST: Field = field("host", "host", Text, "Name or address");
const PORT: Field = field("port", "port", Integer, "Port; 22 when absent");

pub static DEPLOYMENT: Noun = Noun {
    name: "deployment",
    about: "Agents that the hub installs over SSH; `agent deploy` does it from here",
    shape: Shape {
        key: "number",
        columns: &[
            column("DEPLOYMENT", "number", As::Text, 0),
            column("STATUS", "status", As::State, 0),
            column("ACTION", "action", As::Text, 1),
            column("SERVER", "server", As::Text, 0),
            column("TARGET", "target", As::Text, 1),
            column("CHANGE", "change", As::Text, 2),
            column("CODE", "failure.code", As::Text, 0),
            column("CAUSE", "failure.cause", As::Text, 1),
            column("BY", "created_by", As::Text, 3),
            column("STARTED", "started_at", As::Time, 2),
            wide("FINISHED", "finished_at", As::Time),
            wide("FIX", "failure.fix", As::Text),
            wide("BATCH", "batch_id", As::Text),
            wide("ID", "id", As::Text),
        ],
    },
    title: None,
    identity: "number",
    fields: &[
        field(
            "action",
            "action",
            Words(&["install", "uninstall", "rollback"]),
            "What to do; install when absent",
        ),
        field("targets", "targets", Json, "JSON list of hosts: [{\"host\":\"web-1\",\"port\":22}]"),
        USER,
        KEY,
        PASSPHRASE,
        PASSWORD,
        SUDO,
        CREDENTIAL,
        JUMP,
        field("policy", "policy", Words(&["monitor", "allowlist", "full"]), "For hosts without one"),
        field("takeover", "takeover", Bool, "Leave the other hub that a host belongs to"),
        field("plan", "dry_run", Bool, "Stop before anything changes and tell the plan"),
        field("remove-server", "remove_server", Bool, "Remove the record after uninstalling"),
    ],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb("get", Does::Get),
        verb("create", Does::Create),
        verb(
            "targets",
            Does::Act {
                endpoint: "deployment.targets",
                fields: &[
                    field("hosts-file", "text", File, "File with the hosts, - is stdin"),
                    field(
                        "format",
                        "format",
                        Words(&["auto", "list", "csv", "ssh_config", "ansible"]),
                        "How it is written; found out when absent",
                    ),
                ],
                many: false,
            },
        ),
        verb(
            "retry",
            Does::Act {
                endpoint: "deployment.retry",
                fields: &[USER, KEY, PASSPHRASE, PASSWORD, SUDO, CREDENTIAL, JUMP],
                many: true,
            },
        ),
        verb("cancel", Does::Act { endpoint: "deployment.cancel", fields: &[], many: true }),
    ],
};

pub static HOST_KEY: Noun = Noun {
    name: "host-key",
    about: "Keys of hosts that the hub trusts over SSH",
    shape: Shape {
        key: "id",
        columns: &[
            column("HOST", "host", As::Text, 0),
            column("PORT", "port", As::Text, 0),
            column("ALGORITHM", "algorithm", As::Text, 2),
            column("FINGERPRINT", "fingerprint", As::Text, 0),
            column("STATE", "state", As::State, 0),
            column("KNOWN", "known", As::Text, 0),
            column("SEEN", "first_seen_at", As::Time, 2),
            column("BY", "added_by", As::Text, 3),
            wide("ID", "id", As::Text),
        ],
    },
    title: None,
    identity: "id",
    fields: &[],
    defaults: &[],
    verbs: &[
        verb("list", Does::List),
        verb(
            "offer",
            Does::Act { endpoint: "host_key.offer", fields: &[HOST, PORT, JUMP, CREDENTIAL], many: false },
        ),
        verb(
            "confirm",
            Does::Act {
                endpoint: "host_key.confirm",
                fields: &[
                    HOST,
                    PORT,
                    field("fingerprint", "fingerprint", Text, "SHA256:… as the host's own console shows it"),
                    field("replace", "replace", Bool, "The host was rebuilt: revoke its other keys"),
                    JUMP,
                    CREDENTIAL,
                ],
                many: false,
            },
        ),
        verb("revoke", Does::Act { endpoint: "host_key.revoke", fields: &[], many: true }),
    ],
};

pub static CREDENTIAL_NOUN: Noun = Noun {
    name: "credential",
    about: "SSH credentials saved in the hub, sealed",
    shape: Shape {
        key: "name",
        columns: &[
            column("CREDENTIAL", "name", As::Text, 0),
            column("KIND", "kind", As::Text, 0),
            column("USER", "user", As::Text, 0),
            column("BY", "created_by", As::Text, 2),
            column("CREATED", "created_at", As::Time, 2),
            column("USED", "last_used_at", As::Time, 1),
            wide("ID", "id", As::Text),
        ],
    },
    title: Some("name"),
    identity: "name",
    fields: &[
        field("user", "user", Text, "Sign in as this user"),
        field("key-file", "private_key", SecretFile, "File with the private key, - is stdin"),
        field("passphrase-file", "passphrase", SecretFile, "File with the key's passphrase, - is stdin"),
        field("password-file", "password", SecretFile, "File with the password, - is stdin"),
        field(
            "sudo-password-file",
            "sudo_password",
            SecretFile,
            "File with the password for sudo, - is stdin",
        ),
    ],
    defaults: &[],
    verbs: &[verb("list", Does::List), verb("create", Does::Create), verb("delete", Does::Delete)],
};
