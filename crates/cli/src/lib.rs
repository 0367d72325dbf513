//! The command line for people and scripts. It talks HTTP to the hub and knows nothing else of it.
//!
//! Invariant: data goes to stdout, everything else to stderr; with a machine's format stdout is valid or empty, also on
//! failure; every way to end has its exit code.

mod failure;
mod settings;
mod client;
mod output;
mod session;
mod schema;
mod body;
mod editor;
mod nouns;
mod verbs;
mod config;
mod special;
mod agents;
mod tree;
mod entry;

pub use entry::{Call, dispatch, dispatch_in, parse, run};
pub use failure::{Exit, Failure};
pub use output::Streams;
pub use settings::Environment;
pub use tree::{commands, global_args, root};
