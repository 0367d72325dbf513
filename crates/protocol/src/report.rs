//! One JSON message of an agent: samples, processes, facts, events.

use serde::{Deserialize, Serialize};
use watchtower_model::limits::{
    EVENTS_PER_REPORT_MAX, LINE_BYTES_MAX, PROCESSES_PER_REPORT_MAX, SERIES_PER_AGENT_MAX,
};
use watchtower_model::{EventKind, Labels, Severity, TextError, Timestamp, check_line};

use crate::dictionary::DictionaryError;
use crate::facts::Facts;
use crate::process::ProcessTable;
use crate::value::Value;

/// Live reports are complete snapshots and may page; backfilled ones fill history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Live,
    Backfill,
}

/// `(epoch, seq)` names a report of an agent: a new epoch begins with each new spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub epoch: u64,
    pub seq: u64,
    pub lane: Lane,
    /// When it was collected, by the agent's clock.
    pub t: Timestamp,
    /// Milliseconds between collecting and sending on the agent's monotonic clock: what tells live from old,
    /// whatever the wall clocks say.
    pub age_ms: u64,
    pub interval_ms: u32,
    /// [`crate::Dictionary::hash`] of the dictionary that `samples` index.
    pub dictionary: String,
    pub samples: Vec<(u32, Value)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<ProcessTable>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<AgentEvent>,
}

/// Something that happened on the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentEvent {
    pub kind: EventKind,
    pub severity: Severity,
    pub message: String,
    #[serde(default)]
    pub labels: Labels,
    pub t: Timestamp,
}

/// Which field of an agent's message is not acceptable, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    #[error("{field}: more than {max}")]
    TooMany { field: &'static str, max: usize },
    #[error("{field} {why}")]
    Text { field: &'static str, why: TextError },
    #[error("dictionary: {0}")]
    Dictionary(#[from] DictionaryError),
    #[error("{field}: {why}")]
    Bad { field: &'static str, why: &'static str },
}

pub(crate) fn line(field: &'static str, text: &str, max: usize) -> Result<(), CheckError> {
    check_line(text, max).map_err(|why| CheckError::Text { field, why })
}

impl Report {
    /// Caps and charsets. Sample ids are checked against the dictionary where it is known.
    pub fn check(&self) -> Result<(), CheckError> {
        let bound =
            |field, len: usize, max| if len > max { Err(CheckError::TooMany { field, max }) } else { Ok(()) };
        bound("report.samples", self.samples.len(), SERIES_PER_AGENT_MAX)?;
        bound("report.events", self.events.len(), EVENTS_PER_REPORT_MAX)?;
        if self.dictionary.len() != 32 || !self.dictionary.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(CheckError::Bad { field: "report.dictionary", why: "must be 32 hex digits" });
        }
        if self.t.0 < 0 || self.t.0 > 253_402_300_799_000 {
            return Err(CheckError::Bad { field: "report.t", why: "is not a time between 1970 and 9999" });
        }
        if self.interval_ms == 0 || self.interval_ms > 3_600_000 {
            return Err(CheckError::Bad {
                field: "report.interval_ms",
                why: "must be between 1 and 3600000",
            });
        }
        for event in &self.events {
            event.check()?;
        }
        if let Some(table) = &self.processes {
            bound("report.processes", table.items.len(), PROCESSES_PER_REPORT_MAX)?;
            for process in &table.items {
                line("process.command", &process.command, LINE_BYTES_MAX)?;
                line("process.name", &process.name, 64)?;
                line("process.user", &process.user, 64)?;
                line("process.state", &process.state, 4)?;
            }
        }
        self.facts.as_ref().map_or(Ok(()), check_facts)
    }
}

impl AgentEvent {
    fn check(&self) -> Result<(), CheckError> {
        if !self.kind.is_valid() {
            return Err(CheckError::Bad {
                field: "event.kind",
                why: "must be dotted lower-case words such as unit.failed",
            });
        }
        if self.labels.check().is_err() {
            return Err(CheckError::Bad {
                field: "event.labels",
                why: "holds a name or a value that labels cannot have",
            });
        }
        line("event.message", &self.message, LINE_BYTES_MAX)
    }
}

fn check_facts(facts: &Facts) -> Result<(), CheckError> {
    let fields = [
        ("facts.hostname", &facts.hostname),
        ("facts.os", &facts.os),
        ("facts.kernel", &facts.kernel),
        ("facts.arch", &facts.arch),
        ("facts.cpu_model", &facts.cpu_model),
        ("facts.boot_id", &facts.boot_id),
        ("facts.init", &facts.init),
        ("facts.virtualization", &facts.virtualization),
        ("facts.agent_version", &facts.agent_version),
        ("facts.policy", &facts.policy),
    ];
    for (field, text) in fields {
        line(field, text, 256)?;
    }
    if let Some(reason) = &facts.refuses {
        line("facts.refuses", reason, 256)?;
    }
    if facts.addresses.len() > 64 {
        return Err(CheckError::TooMany { field: "facts.addresses", max: 64 });
    }
    for address in &facts.addresses {
        line("facts.addresses.device", &address.device, 64)?;
        line("facts.addresses.address", &address.address, 64)?;
    }
    Ok(())
}
