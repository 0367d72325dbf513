//! The executor: the part that may run commands. A process of its own, as root, started by its socket; an agent without
//! a service of its own has it inside, behind the same socket.
//!
//! Invariant: what is asked over the socket is believed in nothing but its delay: signature, agent, time, journal, halt
//! and policy are checked here, from files that the asking side cannot write.

pub mod frame;
pub mod port;
pub mod serve;
pub mod trust;

use serde::{Deserialize, Serialize};
use watchtower_model::ExecutionId;
use watchtower_protocol::{AgentEvent, AgentMessage, Envelope, Stream};

/// From the collector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// A signed command as the hub sent it. `seq` comes back in [`Say::Done`]; until then it is asked again.
    /// `offset_ms` is how far the hub's clock is ahead, believed only within the protocol's skew.
    Command {
        seq: u64,
        envelope: Envelope,
        offset_ms: i64,
    },
    /// A newer trust bundle, signed by the hub's identity.
    Bundle {
        seq: u64,
        envelope: Envelope,
    },
    OutputAck {
        execution_id: ExecutionId,
        stream: Stream,
        offset: u64,
    },
    ExecutionAck {
        execution_id: ExecutionId,
    },
    /// There is a new connection to a hub: what it may lack is said again.
    Connected,
}

/// To the collector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum Say {
    /// First of all, and whenever it changes; the port keeps it.
    Status(Status),
    /// The answer to [`Ask::Connected`]: output from where the hub has it, and ends behind it, follow. What was said before is said again.
    Rewound,
    /// For the hub, as it is.
    Message { message: AgentMessage },
    /// Goes with the next report.
    Event { event: AgentEvent },
    /// This command or bundle was dealt with.
    Done { seq: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Why every command would be refused, if it would.
    pub refuses: Option<String>,
    pub running: usize,
    /// Nothing runs and the hub has everything: the executor may end, and need not be started again by itself.
    pub idle: bool,
    /// The version of the trust bundle that commands are judged by here; 0: it was not heard of yet.
    #[serde(default)]
    pub bundle_version: u64,
}
