//! The hub in this process, in virtual time: what is due is asked for at made-up moments of the future.

mod scene;
mod signals;
mod merges;
mod reopens;
mod rounds;
mod silences;
mod windows;
mod inhibitions;
mod cron;
mod teams;
mod schedules;
mod retry;
mod rollups;
mod analytics;
mod secrets;
mod heartbeats;
mod keys;
mod audit;
mod config;
