//! The command line as scripts see it: over a real socket, in its streams and exit codes.

mod apply;
mod automations;
mod config;
mod hub;
mod problems;
mod runs;
mod schedules;
mod stats;
mod tree;
