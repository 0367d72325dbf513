//! The word of a new program that it works: written by collector and executor, each once in its life, in its own directory.
//!
//! It says nothing of the hub: a server whose hub is away keeps a program that collects and could run commands.

use serde::{Deserialize, Serialize};

use super::VERSION;
use crate::state_dir::StateDir;

pub const FILE: &str = "works.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Works {
    pub version: String,
    pub pid: u32,
}

/// Losing it costs an update, never the service.
pub fn tell(state: &StateDir) {
    let works = Works { version: VERSION.into(), pid: std::process::id() };
    let bytes = serde_json::to_vec(&works).expect("a version and a number are JSON");
    if let Err(error) = state.write(FILE, &bytes) {
        crate::log::warn("that this program works could not be written down", &[("error", &error)]);
    }
}
