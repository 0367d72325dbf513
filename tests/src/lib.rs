//! The end-to-end tests' surroundings: the real hub as a process, its API, a receiver of its webhooks, and a fleet of
//! simulated agents that speak the real protocol over real TLS.
//!
//! Invariant: nothing here reaches into the hub; what a test knows it learnt through the same doors as a user or an agent.

pub mod random;
pub mod small_disk;
pub mod hub;
pub mod api;
pub mod call;
pub mod sink;
pub mod telegram;
pub mod slack;
pub mod twilio;
pub mod paging;
pub mod link;
pub mod thief;
pub mod agents;
pub mod writer;
pub mod local_agent;
pub mod managed;
pub mod approver;
pub mod cli;
pub mod operator;
pub mod release;
pub mod scene;
pub mod live;
pub mod browser;
pub mod clients;
