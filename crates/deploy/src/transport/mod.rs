//! SSH, as the rest of the crate sees it: a connection, and programs run over it.
//!
//! Invariants: nothing of the SSH library shows outside this folder; every wait has a limit; a channel that is given up
//! is closed, because sshd counts those that are not.

mod algorithms;
mod host_key;
mod connect;
mod sign_in;
mod channel;

pub(crate) use channel::{Input, Ran, keep};
pub(crate) use connect::{Connection, dial};
pub(crate) use host_key::{Standing, unknown};
pub(crate) use sign_in::is_protected;
