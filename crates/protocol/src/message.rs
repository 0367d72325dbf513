//! The closed enums of messages, one per direction, tagged by `type`.

use serde::{Deserialize, Serialize};
use watchtower_model::{AgentId, ExecutionId, ServerId, Timestamp};

use crate::dictionary::Dictionary;
use crate::envelope::Envelope;
use crate::limits::OUTPUT_CHUNK_BYTES_MAX;
use crate::metadata::Metadata;
use crate::report::{CheckError, Report, line};

/// `{"major":1,"minor":0}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

/// From agent to hub. Only `hello` and `proof` are taken before authentication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentMessage {
    Hello(Hello),
    Proof(Proof),
    Dictionary(Dictionary),
    Report(Box<Report>),
    Execution(ExecutionUpdate),
    Output(OutputChunk),
    Goodbye(Goodbye),
    Trust(TrustHeld),
    Metadata(Metadata),
    /// Answer to [`HubMessage::Ping`].
    Pong {
        id: u64,
        hub_t: Timestamp,
        agent_t: Timestamp,
    },
    /// A message this side does not know; the name tells what to upgrade.
    Unsupported {
        what: String,
    },
    #[serde(other)]
    Unknown,
}

/// From hub to agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HubMessage {
    Challenge(Challenge),
    Welcome(Box<Welcome>),
    Refused(Refusal),
    /// Everything up to and including this report of this epoch is durable.
    Ack(Progress),
    /// The hub does not know this dictionary: send it, then the reports after the last ack again.
    NeedDictionary {
        hash: String,
    },
    /// So many more backfill reports may be sent.
    Credit {
        reports: u32,
    },
    /// Report at this interval until the lease ends; renewed while somebody looks.
    Interval {
        interval_ms: u32,
        lease_ms: u32,
    },
    /// Report now, outside the interval.
    Collect,
    /// A signed [`crate::Command`].
    Command(Envelope),
    /// Output of this execution and stream up to `offset` is stored.
    OutputAck {
        execution_id: ExecutionId,
        stream: Stream,
        offset: u64,
    },
    /// The final state of this execution is stored: it may be forgotten once its journal entry expires.
    ExecutionAck {
        execution_id: ExecutionId,
    },
    /// A newer trust bundle, signed by the hub's identity key.
    Bundle(Envelope),
    Ping {
        id: u64,
        hub_t: Timestamp,
    },
    /// The last message was refused; the connection goes on.
    Error {
        code: String,
        message: String,
    },
    Unsupported {
        what: String,
    },
    #[serde(other)]
    Unknown,
}

/// The first message on a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: Version,
    pub agent_version: String,
    /// Ed25519, base64.
    #[serde(with = "base64_bytes")]
    pub public_key: Vec<u8>,
    /// 32 random bytes, base64: the hub's proof covers them.
    #[serde(with = "base64_bytes")]
    pub nonce: Vec<u8>,
    /// `zstd` when the agent can read and write it.
    #[serde(default)]
    pub encodings: Vec<String>,
    /// Present on enrolment only: the one-time token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The hub proves its identity key first, so that an agent never tells anything to a wrong hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub hub_id: String,
    #[serde(with = "base64_bytes")]
    pub nonce: Vec<u8>,
    #[serde(with = "base64_bytes")]
    pub signature: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    #[serde(with = "base64_bytes")]
    pub signature: Vec<u8>,
}

/// The last report that is durable at the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Progress {
    pub epoch: u64,
    pub seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub version: Version,
    pub agent_id: AgentId,
    pub server_id: ServerId,
    pub server_name: String,
    pub hub_version: String,
    pub interval_ms: u32,
    pub backfill_credits: u32,
    /// `zstd` when both sides offered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The hub's clock, for the first measure of the offset.
    pub hub_t: Timestamp,
    /// Resend what is newer; nothing known means everything spooled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durable: Option<Progress>,
}

/// Why a connection ends before it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    UnsupportedVersion,
    BadHandshake,
    UnknownAgent,
    Revoked,
    BadProof,
    TokenUnknown,
    TokenUsed,
    TokenExpired,
    Busy,
    /// Another live connection has this key: one of the two machines is a copy.
    Duplicate,
    #[serde(other)]
    Other,
}

impl RefusalCode {
    /// Whether trying again with the same identity can never help.
    pub fn is_final(self) -> bool {
        !matches!(self, RefusalCode::Busy | RefusalCode::Duplicate | RefusalCode::Other)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    pub reason: GoodbyeReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoodbyeReason {
    Restart,
    Reboot,
    Shutdown,
    Uninstall,
    #[serde(other)]
    Other,
}

/// Which trust bundles are in force on the server: said on each connection, and when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustHeld {
    /// The collector's, by which it judges the hub's certificate.
    pub version: u64,
    /// The executor's own copy, by which commands are judged; 0 until it was heard of. Absent: there is to be no executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<u64>,
}

/// What the agent says of one execution. Final states are repeated until acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionUpdate {
    pub execution_id: ExecutionId,
    pub state: ExecutionState,
    pub t: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExecutionState {
    /// In the journal: from here on it is never started a second time.
    Accepted,
    Running {
        pid: u32,
    },
    Finished {
        exit_code: Option<i32>,
        signal: Option<i32>,
        timed_out: bool,
        cancelled: bool,
        stdout_bytes: u64,
        stderr_bytes: u64,
        duration_ms: u64,
    },
    /// Never started; `code` is stable (`bad_signature`, `wrong_agent`, `expired`, `replayed`, `policy`, `halted`,
    /// `journal_unwritable`, `busy`, `cancelled`, `bad_command`, `spawn_failed`; of updates also `update_unsupported` and those of
    /// [`crate::ReleaseError`]).
    Rejected {
        code: String,
        reason: String,
    },
    /// It may have run, wholly or in part: nobody knows.
    Lost {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Bytes of a stream from `offset`. When the middle was dropped, `offset` jumps: the gap is what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputChunk {
    pub execution_id: ExecutionId,
    pub stream: Stream,
    pub offset: u64,
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
}

impl AgentMessage {
    /// Caps, charsets and counts of everything an agent may say.
    pub fn check(&self) -> Result<(), CheckError> {
        match self {
            AgentMessage::Hello(hello) => hello.check(),
            AgentMessage::Proof(proof) => length("proof.signature", proof.signature.len(), 64),
            AgentMessage::Dictionary(dictionary) => Ok(dictionary.check()?),
            AgentMessage::Report(report) => report.check(),
            AgentMessage::Execution(update) => update.check(),
            AgentMessage::Output(chunk) if chunk.data.len() > OUTPUT_CHUNK_BYTES_MAX => {
                Err(CheckError::TooMany { field: "output.data", max: OUTPUT_CHUNK_BYTES_MAX })
            }
            AgentMessage::Metadata(metadata) => metadata.check(),
            AgentMessage::Unsupported { what } => line("unsupported.what", what, 64),
            AgentMessage::Output(_)
            | AgentMessage::Goodbye(_)
            | AgentMessage::Trust(_)
            | AgentMessage::Pong { .. }
            | AgentMessage::Unknown => Ok(()),
        }
    }
}

impl Hello {
    fn check(&self) -> Result<(), CheckError> {
        length("hello.public_key", self.public_key.len(), 32)?;
        length("hello.nonce", self.nonce.len(), 32)?;
        line("hello.agent_version", &self.agent_version, 64)?;
        if self.encodings.len() > 8 {
            return Err(CheckError::TooMany { field: "hello.encodings", max: 8 });
        }
        self.token.as_ref().map_or(Ok(()), |token| line("hello.token", token, 128))
    }
}

impl ExecutionUpdate {
    fn check(&self) -> Result<(), CheckError> {
        match &self.state {
            ExecutionState::Rejected { code, reason } => {
                line("execution.code", code, 64)?;
                line("execution.reason", reason, 1024)
            }
            ExecutionState::Lost { reason } => line("execution.reason", reason, 1024),
            _ => Ok(()),
        }
    }
}

fn length(field: &'static str, got: usize, want: usize) -> Result<(), CheckError> {
    if got == want { Ok(()) } else { Err(CheckError::Bad { field, why: "has the wrong length" }) }
}

/// `#[serde(with = "base64_bytes")]`: bytes as standard base64 with padding.
pub mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }
}
