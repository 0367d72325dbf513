//! What agent and hub say to each other: message shapes, framing, signatures, proof of identity.
//!
//! Invariant: bytes only, no sockets and no clock. Everything read here is hostile until it has passed
//! [`decode`]: sizes first, then JSON, then [`AgentMessage::check`]. `docs/protocol.md` shows the bytes.

pub mod limits;

mod bundle;
mod command;
mod dictionary;
mod encoding;
mod envelope;
mod facts;
mod families;
mod handshake;
mod message;
mod metadata;
mod process;
mod release;
mod report;
mod sshsig;
mod value;

pub use bundle::{BundleError, Pin, SigningKey, TrustBundle};
pub use command::{Approval, Command, CommandBody, RunScript, Update};
pub use dictionary::{Dictionary, SeriesEntry};
pub use encoding::{DecodeError, Encoding, Frame, decode, decode_from_agent, encode};
pub use envelope::{Envelope, EnvelopeError, Purpose, agent_id_of, key_id_of, sign, verify};
pub use facts::{Facts, NetworkAddress};
pub use families::{BEGINNINGS, FAMILIES, Family, describe};
pub use handshake::{EXPORTER_BYTES, EXPORTER_LABEL, ProofError, Role, proof_bytes, verify_proof};
pub use message::{
    AgentMessage, Challenge, ExecutionState, ExecutionUpdate, Goodbye, GoodbyeReason, Hello, HubMessage,
    OutputChunk, Progress, Proof, Refusal, RefusalCode, Stream, TrustHeld, Version, Welcome, base64_bytes,
};
pub use metadata::{METADATA_MAX, Metadata, NamedMetadata};
pub use process::{Process, ProcessTable};
pub use release::{PROGRAM_PATH, RELEASE_FORMAT, Release, ReleaseError};
pub use report::{AgentEvent, CheckError, Lane, Report};
pub use sshsig::{SshKey, SshSigError, verify_ssh};
pub use value::Value;

/// The server name in TLS, whatever the hub's address: the hub may move.
pub const TLS_SERVER_NAME: &str = "hub.watchtower.internal";
/// Path of the agents' WebSocket on the agents' listener.
pub const CONNECT_PATH: &str = "/agent/v1/connect";
/// Spoken by this build. A newer minor is ignored where unknown, a newer major is refused.
pub const VERSION: Version = Version { major: 1, minor: 0 };
