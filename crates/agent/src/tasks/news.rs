//! What the executor waits for: launches that came out, knocks of supervisors, and a look now and then.
//!
//! Invariant: a knock that is lost costs at most [`LOOK`].

use std::path::Path;
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use watchtower_model::ExecutionId;

/// Launches that wait for the loop; a launch that gets ahead waits.
const LAUNCHES_MAX: usize = 16;
/// Between two looks at what runs when nobody knocks.
const LOOK: Duration = Duration::from_millis(500);

/// How a launch came out.
#[derive(Debug)]
pub struct Launched {
    pub id: ExecutionId,
    pub result: Result<(), String>,
}

#[derive(Debug)]
pub struct News {
    launches: mpsc::Receiver<Launched>,
    knocks: Option<UnixDatagram>,
    looks: tokio::time::Interval,
}

impl News {
    pub fn open(wake: &Path) -> (mpsc::Sender<Launched>, News) {
        let (launched, launches) = mpsc::channel(LAUNCHES_MAX);
        let _ = std::fs::remove_file(wake);
        let knocks = UnixDatagram::bind(wake)
            .inspect_err(|error| crate::log::warn("output will come late", &[("error", error)]))
            .ok();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        (launched, News { launches, knocks, looks })
    }

    /// Returns when there is something to look at; safe to cancel. `running`: whether anything may change by itself.
    pub async fn next(&mut self, running: bool) -> Option<Launched> {
        let mut nothing = [0; 1];
        tokio::select! {
            launched = self.launches.recv() => launched,
            _ = knock(self.knocks.as_ref(), &mut nothing) => {
                // Several knocks are one look.
                while self.knocks.as_ref().is_some_and(|socket| socket.try_recv(&mut nothing).is_ok()) {}
                None
            }
            _ = self.looks.tick(), if running => None,
        }
    }
}

async fn knock(socket: Option<&UnixDatagram>, nothing: &mut [u8]) {
    match socket {
        Some(socket) => drop(socket.recv(nothing).await),
        None => std::future::pending().await,
    }
}
