//! What a person writes down: which script, when it may run, how it is checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use watchtower_model::{AutomationId, ScriptId, TextError, check_name, limits::LINE_BYTES_MAX};

/// Time between two attempts on one key.
pub const COOLDOWN_MS_DEFAULT: i64 = 15 * 60_000;
pub const COOLDOWN_MS_MAX: i64 = 7 * 86_400_000;
/// The verify window a person may ask for.
pub const VERIFY_MS_MAX: i64 = 3_600_000;
/// Attempts per incident or per day that a person may allow.
pub const ATTEMPTS_MAX: u32 = 100;
/// Parameters of a script.
pub const PARAMS_MAX: usize = 32;

/// How far it goes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only records what it would have done.
    #[default]
    Observe,
    /// Asks a person first.
    Approve,
    Auto,
}

/// Which version of the script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "policy", content = "version")]
pub enum ScriptVersion {
    /// The version that was reviewed for this automation.
    Pinned(u32),
    Latest,
}

/// At most `count` starts in any `per_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub count: u32,
    pub per_ms: i64,
}

impl Default for Rate {
    fn default() -> Self {
        Rate { count: 10, per_ms: 5 * 60_000 }
    }
}

/// A definition, as stored and as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Automation {
    pub id: AutomationId,
    pub name: String,
    pub enabled: bool,
    pub mode: Mode,
    pub script_id: ScriptId,
    pub script_version: ScriptVersion,
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    #[serde(default = "default_cooldown_ms")]
    pub cooldown_ms: i64,
    #[serde(default = "default_attempts_per_incident")]
    pub attempts_per_incident: u32,
    #[serde(default = "default_attempts_per_day")]
    pub attempts_per_day: u32,
    #[serde(default)]
    pub rate: Rate,
    /// A longer window than the engine's own; never a shorter one.
    #[serde(default)]
    pub verify_within_ms: Option<i64>,
    /// Waits this long after the trigger: what heals by itself needs no repair.
    #[serde(default)]
    pub delay_ms: i64,
}

fn default_cooldown_ms() -> i64 {
    COOLDOWN_MS_DEFAULT
}

fn default_attempts_per_incident() -> u32 {
    2
}

fn default_attempts_per_day() -> u32 {
    5
}

/// Which field is out of its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefinitionError {
    #[error("name: {0}")]
    Name(TextError),
    #[error("cooldown: must be from 0 to 7 d")]
    Cooldown,
    #[error("{field}: must be from 1 to {ATTEMPTS_MAX}, not {value}")]
    Attempts { field: &'static str, value: u32 },
    #[error("rate: needs a count of at least 1 and a time from 1 s to 1 d")]
    Rate,
    #[error("verify_within: must be from 1 s to 1 h")]
    VerifyWithin,
    #[error("delay: must be from 0 to 1 h")]
    Delay,
    #[error("params: at most {PARAMS_MAX} parameters with values of at most {LINE_BYTES_MAX} bytes")]
    Params,
}

impl Automation {
    /// Checks a definition before it is saved.
    pub fn check(&self) -> Result<(), DefinitionError> {
        check_name(&self.name).map_err(DefinitionError::Name)?;
        if !(0..=COOLDOWN_MS_MAX).contains(&self.cooldown_ms) {
            return Err(DefinitionError::Cooldown);
        }
        let attempts = [
            ("attempts_per_incident", self.attempts_per_incident),
            ("attempts_per_day", self.attempts_per_day),
        ];
        for (field, value) in attempts {
            if !(1..=ATTEMPTS_MAX).contains(&value) {
                return Err(DefinitionError::Attempts { field, value });
            }
        }
        if self.rate.count == 0 || !(1_000..=86_400_000).contains(&self.rate.per_ms) {
            return Err(DefinitionError::Rate);
        }
        if self.verify_within_ms.is_some_and(|ms| !(1_000..=VERIFY_MS_MAX).contains(&ms)) {
            return Err(DefinitionError::VerifyWithin);
        }
        if !(0..=3_600_000).contains(&self.delay_ms) {
            return Err(DefinitionError::Delay);
        }
        if self.params.len() > PARAMS_MAX || self.params.values().any(|v| v.len() > LINE_BYTES_MAX) {
            return Err(DefinitionError::Params);
        }
        Ok(())
    }
}
