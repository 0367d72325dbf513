//! `agent deploy|upgrade|rollback|uninstall|status`: SSH is spoken from here, so that keys never leave the operator's machine.

mod targets;
mod port;
mod board;
mod result;
mod deploy;
mod status;
mod programs;

pub use deploy::{DEPLOY, ROLLBACK, UNINSTALL, UPGRADE};
pub use programs::{BINARIES, BINARY};
pub use status::STATUS;
