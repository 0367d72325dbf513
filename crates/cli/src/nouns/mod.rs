//! The one table of nouns and verbs. The command tree, the requests and the tables all come from here.
//!
//! Adding a noun is a row; adding a verb that only calls an endpoint is a row too. What needs more is `Does::Special`.

mod access;
mod deploy;
mod heartbeat;
mod monitoring;
mod oncall;
mod quiet;
mod repair;

pub use monitoring::{PROCESSES, TIMELINE};
pub use repair::SCRIPT_SHAPE;

use clap::{ArgMatches, Command};

use crate::failure::Done;
use crate::output::cell::Shape;
use crate::session::Session;

pub struct Noun {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    /// The field of the input that names a new one, given as the first argument of `create`.
    pub title: Option<&'static str>,
    /// The field by which `apply` finds what exists.
    pub identity: &'static str,
    pub fields: &'static [Field],
    /// What `create` fills in where the hub demands a choice.
    pub defaults: &'static [(&'static str, &'static str)],
    pub verbs: &'static [Verb],
}

pub struct Verb {
    pub name: &'static str,
    pub does: Does,
}

pub enum Does {
    /// GET of a page after page; flags are the endpoint's query parameters.
    List,
    /// GET of something below the noun: an object, or a list laid out as `shape`.
    Show {
        endpoint: &'static str,
        shape: &'static Shape,
    },
    Get,
    Create,
    /// GET, change, PUT or PATCH.
    Edit,
    /// Create or edit by name, from a file.
    Apply,
    /// Edit of one field to one value.
    Set {
        field: &'static str,
        value: bool,
        about: &'static str,
    },
    Delete,
    /// POST on one or more objects.
    Act {
        endpoint: &'static str,
        fields: &'static [Field],
        many: bool,
    },
    Special(&'static Special),
}

/// A verb with code of its own.
pub struct Special {
    /// Adds the arguments and the help.
    pub args: fn(Command) -> Command,
    pub run: fn(&mut Session, &ArgMatches) -> Done,
}

/// A flag that fills one field of a request's body.
#[derive(Clone, Copy)]
pub struct Field {
    pub flag: &'static str,
    /// Dotted path in the body.
    pub path: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// `5m` or a number of seconds.
    Seconds,
    /// Alone it means true.
    Bool,
    Words(&'static [&'static str]),
    /// `name=value`, repeated; `name=` removes.
    Map,
    /// Repeated, or separated by commas.
    List,
    /// Id or name of another noun; the body holds the id.
    Ref(&'static str),
    RefList(&'static str),
    /// Contents of a file, `-` is stdin.
    File,
    /// As `File`, without the newline at the end: keeps secrets off the command line.
    SecretFile,
    /// A duration from now, or `off`.
    Until,
    Json,
    /// `DELAY:KIND=NAME,...`: one step of a policy.
    Steps,
    /// `URGENCY:DELAY:CHANNEL`: one rule of how a person is paged.
    NotifyRules,
    /// `NAME=UNIT@HH:MM/DATE:USER,...`: one layer of a schedule.
    Layers,
}

pub const fn field(flag: &'static str, path: &'static str, kind: Kind, help: &'static str) -> Field {
    Field { flag, path, kind, help }
}

pub const fn verb(name: &'static str, does: Does) -> Verb {
    Verb { name, does }
}

/// In the order of the help text.
pub static NOUNS: &[&Noun] = &[
    &monitoring::SERVER,
    &monitoring::RULE,
    &monitoring::EVENT,
    &monitoring::ALERT,
    &monitoring::INCIDENT,
    &quiet::SILENCE,
    &quiet::MAINTENANCE,
    &quiet::INHIBITION,
    &oncall::SERVICE,
    &oncall::TEAM,
    &oncall::ROUTE,
    &oncall::POLICY,
    &oncall::SCHEDULE,
    &oncall::CHANNEL,
    &oncall::INTEGRATION,
    &heartbeat::HEARTBEAT,
    &repair::SCRIPT,
    &repair::RUN,
    &repair::AUTOMATION,
    &deploy::DEPLOYMENT,
    &deploy::HOST_KEY,
    &deploy::CREDENTIAL_NOUN,
    &access::USER,
    &access::TOKEN,
    &access::AUDIT,
];

pub fn find(name: &str) -> Option<&'static Noun> {
    NOUNS.iter().copied().find(|noun| noun.name == name)
}

impl Noun {
    /// The field by which `edit` gives another name, where `create` is given the name first.
    pub fn renamed_by(&self) -> Option<&'static str> {
        self.title.filter(|title| *title == self.identity)
    }

    pub fn endpoint(&self, verb: &str) -> String {
        // Words are joined by a hyphen on the command line and by an underscore in ids.
        format!("{}.{verb}", self.name.replace('-', "_"))
    }
}
