//! `probe URL`: TCP and pinned TLS to a hub, from this very machine.

use watchtower_agent::identity::load_bundle;
use watchtower_agent::link;
use watchtower_agent::state_dir::StateDir;
use watchtower_protocol::{Pin, TrustBundle};

use super::{CommandError, print, runtime};
use crate::args::Args;

pub fn probe(args: &Args, url: &str, pins: &[String]) -> Result<(), CommandError> {
    let bundle =
        if pins.is_empty() { load_bundle(&StateDir::open(&args.state_dir)?)? } else { of_pins(url, pins) };
    let started = std::time::Instant::now();
    runtime()?.block_on(link::secure(url, &bundle, args.proxy.as_deref()))?;
    print(&format!("ok: TCP and TLS with {url} in {} ms", started.elapsed().as_millis()))
}

/// Only the roots matter to TLS.
fn of_pins(url: &str, pins: &[String]) -> TrustBundle {
    TrustBundle {
        version: 0,
        hub_id: String::new(),
        urls: vec![url.to_string()],
        roots: pins.iter().cloned().map(Pin).collect(),
        identity_key: Vec::new(),
        signing_keys: Vec::new(),
    }
}
