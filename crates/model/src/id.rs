//! Ids: UUIDv7 for records, one newtype per kind so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A 128-bit id, written as a UUID. Made from a time and random bytes that the caller brings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 16]);

/// The text is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError(pub String);

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an id (a UUID such as 0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11)", self.0)
    }
}

impl std::error::Error for ParseIdError {}

impl Id {
    pub const NIL: Id = Id([0; 16]);

    /// UUIDv7 (RFC 9562): sortable by time of creation.
    pub fn v7(now: Timestamp, random: [u8; 10]) -> Self {
        let mut b = [0; 16];
        b[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        b[6..].copy_from_slice(&random);
        b[6] = 0x70 | (b[6] & 0x0f);
        b[8] = 0x80 | (b[8] & 0x3f);
        Id(b)
    }

    /// UUIDv8 over bytes that already are a digest: ids that must be the same wherever they are derived.
    pub fn from_digest(digest: &[u8]) -> Self {
        let mut b = [0; 16];
        let n = digest.len().min(16);
        b[..n].copy_from_slice(&digest[..n]);
        b[6] = 0x80 | (b[6] & 0x0f);
        b[8] = 0x80 | (b[8] & 0x3f);
        Id(b)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Id(bytes)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Id {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let bad = || ParseIdError(text.chars().take(64).collect());
        if text.len() != 36 || !text.is_ascii() {
            return Err(bad());
        }
        let mut bytes = [0; 16];
        let mut at = 0;
        for (i, byte) in bytes.iter_mut().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                if text.as_bytes()[at] != b'-' {
                    return Err(bad());
                }
                at += 1;
            }
            let pair = &text[at..at + 2];
            if pair.starts_with('+') {
                return Err(bad());
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
            at += 2;
        }
        Ok(Id(bytes))
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Id);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.parse().map($name)
            }
        }

        impl From<Id> for $name {
            fn from(id: Id) -> Self {
                $name(id)
            }
        }
    )+};
}

ids! {
    /// A managed machine.
    ServerId,
    /// The digest of an agent's public key.
    AgentId,
    EventId,
    RuleId,
    AlertId,
    IncidentId,
    ServiceId,
    TeamId,
    UserId,
    TokenId,
    RouteId,
    PolicyId,
    ScheduleId,
    OverrideId,
    ChannelId,
    IntegrationId,
    SilenceId,
    MaintenanceWindowId,
    InhibitionId,
    HeartbeatId,
    ScriptId,
    RunId,
    ExecutionId,
    AutomationId,
    DeploymentId,
    /// Deployments that were asked for together.
    BatchId,
    /// A key that a host showed over SSH.
    HostKeyId,
    /// A saved way to sign in over SSH.
    CredentialId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_sorts_by_time() {
        let early = Id::v7(Timestamp(1_700_000_000_000), [0xff; 10]);
        let late = Id::v7(Timestamp(1_700_000_000_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse::<Id>().unwrap(), early);
        assert_eq!(&early.to_string()[14..15], "7");
    }

    #[test]
    fn junk_is_refused() {
        for text in [
            "",
            "x",
            "0199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c1",
            "0199b2f0x7d3c-7a10-8c5e-2f1d6a9b4c11",
            "+199b2f0-7d3c-7a10-8c5e-2f1d6a9b4c11",
        ] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }
}
