//! Connections of agents: who they are, what they say, what they are told.

mod enrol;
mod executions;
mod installer;
mod registry;
mod session;

pub use enrol::{Enrolled, make_token};
pub use executions::{dispatch, dispatch_new};
pub use installer::{
    Shipped, agent_binary, all_shipped, check_token, install_command, install_script, shipped,
};
pub use registry::{Link, Links};
pub use session::{Inbound, serve};
