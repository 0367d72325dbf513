//! Handlers, one file per noun.

pub mod access;
pub mod agents;
pub mod alerts;
pub mod analytics;
pub mod automations;
pub mod browsers;
pub mod channels;
pub mod config;
pub mod deployments;
pub mod events;
pub mod halt;
pub mod heartbeats;
pub mod incidents;
pub mod integrations;
pub mod keys;
pub mod metrics;
pub mod objects;
pub mod overview;
pub mod rules;
pub mod runs;
pub mod schedules;
pub mod scripts;
pub mod servers;
pub mod services;
pub mod silences;
pub mod ssh;
