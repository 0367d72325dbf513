//! The hub over HTTP in one process: each test has a hub of its own, on free ports, with its own data directory.

mod analytics;
mod evaluation;
mod fleet;
mod hub;
mod people;
mod requests;
mod rollups;
mod schedules;
mod restricted;
mod merges;
