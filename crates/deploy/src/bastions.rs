//! Jump hosts, connected to once however many deployments lead through them.

/// Shared by the deployments of a bulk; connections end when it is dropped.
#[derive(Default)]
pub struct Bastions {}

impl Bastions {
    pub fn new() -> Bastions {
        Bastions::default()
    }
}
