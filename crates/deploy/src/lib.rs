//! Agents installed, rolled back and removed over SSH: connect, look, plan, upload, place, enrol, start, and wait for the first report.
//!
//! Invariants: nothing on the host changes before everything that can be known beforehand is known to be good; what a
//! failed installation placed is removed again; a password goes only to a host whose key was known before; the success
//! of a deployment is a report in the hub, never an exit code. The SSH library is seen by `transport` alone.

mod secret;
mod job;
mod step;
mod failure;
mod outcome;
mod hub_port;
mod progress;

pub use failure::{Code, Failure};
pub use hub_port::{AgentBinary, Answer, HostKey, HostKeyState, HubPort, Owner, PortError, Trust};
pub use job::{
    Action, AgentPolicy, Credentials, Fingerprint, HostKeyCheck, HostKeyPolicy, Job, Key, Login, Target,
};
pub use outcome::{Change, Outcome};
pub use progress::{Notice, Progress};
pub use secret::Secret;
pub use step::Step;

pub mod inventory;

mod transport;
mod reporter;
mod connect;
mod bastions;
mod remote;
mod facts;
mod rights;
mod plan;
mod site;
mod engine;
mod offer;
mod install;
mod said;
mod reach;
mod service;
mod uninstall;
mod rollback;

pub use bastions::Bastions;
pub use engine::deploy;
pub use offer::offered_host_key;
