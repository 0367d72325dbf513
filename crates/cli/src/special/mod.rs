//! Verbs with code of their own, a file each, and the commands that are not nouns.

pub mod backtest;
pub mod channel;
pub mod collect;
pub mod completion;
pub mod config;
pub mod cron;
pub mod doctor;
pub mod drill;
pub mod follow;
pub mod halt;
pub mod help;
pub mod import;
pub mod incident;
pub mod keys;
pub mod login;
pub mod mapping;
pub mod metrics;
pub mod notify;
pub mod on_call;
pub mod swap;
pub mod password;
pub mod poll;
pub mod preview;
pub mod rule_test;
pub mod run;
pub mod screen;
pub mod sign;
pub mod stats;
pub mod status;
pub mod top;
pub mod wording;

use crate::agents;
use crate::config::{commands, import as config_import};
use crate::nouns::Special;

/// A word and what it does.
type Named = (&'static str, &'static Special);

/// Commands of their own name.
pub static COMMANDS: &[Named] = &[
    ("status", &status::STATUS),
    ("top", &top::TOP),
    ("on-call", &on_call::ALL),
    ("login", &login::LOGIN),
    ("logout", &login::LOGOUT),
    ("whoami", &login::WHOAMI),
    ("doctor", &doctor::DOCTOR),
    ("completion", &completion::COMPLETION),
    ("help", &help::HELP),
];

/// Words with verbs below them that are no nouns of the API.
pub static GROUPS: &[(&str, &str, &[Named])] = &[
    (
        "metrics",
        "Ask for numbers, with PromQL",
        &[
            ("query", &metrics::QUERY),
            ("range", &metrics::RANGE),
            ("labels", &metrics::LABELS),
            ("watch", &metrics::WATCH),
            ("collect", &collect::COLLECT),
            ("merge", &metrics::MERGE),
        ],
    ),
    (
        "agent",
        "Agents on servers: installed, brought up to date, rolled back and removed over SSH",
        &[
            ("deploy", &agents::DEPLOY),
            ("upgrade", &agents::UPGRADE),
            ("rollback", &agents::ROLLBACK),
            ("uninstall", &agents::UNINSTALL),
            ("status", &agents::STATUS),
            ("binaries", &agents::BINARIES),
            ("binary", &agents::BINARY),
        ],
    ),
    (
        "config",
        "Configuration as files, where this command line looks, and the hub's own keys",
        &[
            ("export", &commands::EXPORT),
            ("diff", &commands::DIFF),
            ("apply", &commands::APPLY),
            ("import", &config_import::IMPORT),
            ("show", &config::SHOW),
            ("keys", &keys::KEYS),
        ],
    ),
];
