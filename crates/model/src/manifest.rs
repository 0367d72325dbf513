//! What an approver signs of a script: everything that a run of it may not change.
//!
//! Invariant: a field that this build does not know makes a manifest unreadable, for it may restrict something.

use serde::{Deserialize, Serialize};

use crate::limits::{LINE_BYTES_MAX, MANIFEST_BYTES_MAX};
use crate::{Timestamp, check_line};

/// The shape below.
pub const MANIFEST_FORMAT: u16 = 1;
/// The namespace of approvers' SSH signatures (`ssh-keygen -Y sign -n`): they are good for nothing else.
pub const APPROVAL_NAMESPACE: &str = "watchtower-script@v1";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: u16,
    pub name: String,
    /// The version that was looked at; tells people, the hash decides.
    pub version: i64,
    /// Hex SHA-256 of the script's body.
    pub sha256: String,
    pub interpreter: Vec<String>,
    pub parameters: Vec<ParameterRule>,
    /// Whom it runs as; absent means the agent's own user, root.
    #[serde(default)]
    pub user: Option<String>,
    /// The longest time it may be given.
    pub timeout_ms: u64,
    pub expires_at: Timestamp,
}

/// What a parameter may hold; it reaches the script as the environment variable of its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterRule {
    pub name: String,
    pub kind: ParameterKind,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub choices: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    Text,
    Integer,
    Boolean,
    Choice,
}

impl Manifest {
    /// Checks the size, not the JSON: parsing is the caller's.
    pub fn check_size(text: &str) -> Result<(), String> {
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(format!("the manifest is larger than {MANIFEST_BYTES_MAX} bytes"));
        }
        Ok(())
    }
}

impl ParameterRule {
    /// No control characters, and nothing that a careless script would take for an option.
    pub fn check(&self, value: &str) -> Result<(), String> {
        check_line(value, LINE_BYTES_MAX).map_err(|error| error.to_string())?;
        match self.kind {
            ParameterKind::Text if value.starts_with('-') => Err("must not start with '-'".into()),
            ParameterKind::Text => Ok(()),
            ParameterKind::Integer => {
                value.parse::<i64>().map(drop).map_err(|_| "must be a whole number".into())
            }
            ParameterKind::Boolean if matches!(value, "true" | "false") => Ok(()),
            ParameterKind::Boolean => Err("must be true or false".into()),
            ParameterKind::Choice if self.choices.iter().any(|choice| choice == value) => Ok(()),
            ParameterKind::Choice => Err(format!("must be one of {}", self.choices.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_to_their_kind() {
        let rule =
            |kind| ParameterRule { name: "X".into(), kind, required: false, choices: vec!["a".into()] };
        for (kind, good, bad) in [
            (ParameterKind::Text, "nginx.service", "-rf"),
            (ParameterKind::Text, "$(reboot)", "a\nb"),
            (ParameterKind::Integer, "-5", "1.5"),
            (ParameterKind::Boolean, "true", "yes"),
            (ParameterKind::Choice, "a", "b"),
        ] {
            assert_eq!(rule(kind).check(good), Ok(()));
            assert!(rule(kind).check(bad).is_err(), "{kind:?} {bad:?}");
        }
    }
}
