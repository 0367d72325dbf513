//! `policy` and `halt`: what only this server's administrator decides; `id`, to tell servers apart.

use watchtower_agent::halt;
use watchtower_agent::identity::Identity;
use watchtower_agent::policy::Policy;
use watchtower_agent::state_dir::StateDir;

use super::{CommandError, print};
use crate::args::Args;

pub fn show_id(args: &Args) -> Result<(), CommandError> {
    print(&Identity::load(&StateDir::open(&args.state_dir)?)?.agent_id.to_string())
}

pub fn show_policy(args: &Args) -> Result<(), CommandError> {
    let policy = Policy::load(&args.policy);
    print(&serde_json::to_string_pretty(&policy).expect("a policy holds only strings"))
}

pub fn halt(args: &Args, clear: bool) -> Result<(), CommandError> {
    let state = StateDir::open(&args.executor_dir())?;
    if clear {
        halt::clear(&state)?;
        print("commands of the hub may run again, as far as the local policy lets them")
    } else {
        halt::set(&state)?;
        print("no command of the hub is run until: watchtower-agent halt --clear")
    }
}
