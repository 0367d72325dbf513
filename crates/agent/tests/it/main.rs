//! The agent against a hub in this process, over real TLS on the loopback.

mod commands;
mod enrolment;
mod hub;
mod reports;
