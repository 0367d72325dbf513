//! Connections of agents: who they are, what they say, what they are told.

mod enrol;
mod executions;
mod programs;
mod installer;
mod registry;
mod session;
pub(crate) mod trust;

pub use enrol::{Enrolled, make_token};
pub use executions::{dispatch, dispatch_new};
pub use installer::{check_token, install_command, install_script};
pub use programs::{BuiltIn, Programs, Shipped};
pub use registry::{Link, Links};
pub use session::{Inbound, serve};
pub use trust::agent_id_in;
