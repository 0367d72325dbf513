//! `enrol`: token and trust bundle on standard input, so that neither shows in a process list.

use std::io::{self, Read};

use super::{CommandError, print, runtime};
use crate::args::Args;

/// Bytes of standard input: a token and a bundle with several URLs and keys.
const INPUT_BYTES_MAX: u64 = 64 * 1024;

pub fn enrol(args: &Args, takeover: bool) -> Result<(), CommandError> {
    let mut input = String::new();
    io::stdin()
        .take(INPUT_BYTES_MAX)
        .read_to_string(&mut input)
        .map_err(|source| CommandError::Io { what: "standard input cannot be read", source })?;
    let executor_dir = args.executor_dir();
    let proxy = args.proxy.as_deref();
    let enrolment = watchtower_agent::enrol::enrol(&args.state_dir, &executor_dir, &input, takeover, proxy);
    let welcome = runtime()?.block_on(enrolment)?;
    print(&format!("enrolled as {} ({})", welcome.server_name, welcome.agent_id))
}
