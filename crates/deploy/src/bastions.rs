//! Jump hosts, connected to once however many deployments lead through them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::connect::open;
use crate::reporter::Reporter;
use crate::transport::Connection;
use crate::{Code, Failure, HubPort, Login, Target};

type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// Shared by the deployments of one bulk, which sign in to a jump host with the same credentials; connections end when
/// it is dropped.
#[derive(Default)]
pub struct Bastions {
    /// By the way to the jump host: its own jump hosts, and itself.
    open: Mutex<HashMap<Vec<Target>, Slot>>,
}

impl Bastions {
    pub fn new() -> Bastions {
        Bastions::default()
    }

    fn slot(&self, way: &[Login]) -> Slot {
        let way: Vec<Target> = way.iter().map(|login| login.target.clone()).collect();
        let mut open = self.open.lock().expect("no holder panics");
        Arc::clone(open.entry(way).or_default())
    }

    /// The last of the jump hosts, with the way to it open.
    pub(crate) async fn through(
        &self,
        jumps: &[Login],
        hub: &dyn HubPort,
    ) -> Result<Option<Arc<Connection>>, Failure> {
        let mut via: Option<Arc<Connection>> = None;
        for (at, login) in jumps.iter().enumerate() {
            let slot = self.slot(&jumps[..=at]);
            // Held while connecting: the others of the bulk wait for this connection instead of making their own.
            let mut slot = slot.lock().await;
            let connection = match slot.as_ref().filter(|connection| !connection.is_closed()) {
                Some(connection) => Arc::clone(connection),
                None => {
                    let quiet = Reporter::new(&|_| {});
                    let opened = open(login, via.take(), hub, &quiet).await;
                    Arc::new(opened.map_err(|failure| of_jump(at, login, failure))?)
                }
            };
            *slot = Some(Arc::clone(&connection));
            via = Some(connection);
        }
        Ok(via)
    }
}

/// A failure of a jump host is told as one of the way, with its own code inside.
fn of_jump(at: usize, login: &Login, failure: Failure) -> Failure {
    Failure {
        step: crate::Step::Connect,
        code: Code::Jump,
        cause: format!(
            "jump host {} ({}): {}: {}",
            at + 1,
            login.target,
            failure.code.as_str(),
            failure.cause
        ),
        ..failure
    }
}
