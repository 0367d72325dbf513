//! From rows and state to the shapes of the API.

mod deployments;
mod incidents;
pub mod link_page;
mod people;
mod runs;
mod servers;

pub use deployments::{credential, deployment, host_key, offered};
pub use incidents::{alerts, delivery, incident, incident_alone, stats, timeline};
pub use people::{token, user};
pub use runs::{run, runs};
pub use servers::{Trouble, disk_free_bytes, event, event_of, processes, server};
