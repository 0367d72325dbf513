//! The agent against a hub in this process, over real TLS on the loopback.

mod hub;

mod enrolment;

mod metadata;
mod reports;

mod commands;

mod process;
mod tasks;
