//! remote_write out: what this hub stores goes on to other receivers as well.
//!
//! The way: `collect` (one thread: labels, matchers, requests) -> `queue` (files, one per receiver) -> `send` (one task per receiver).
//! Invariant: a receiver that is slow, broken or away costs nobody else anything: its queue grows to its bound, then the oldest
//! requests are dropped and counted.

pub mod config;

mod collect;
mod encode;
mod queue;
mod send;

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use watchtower_model::Timestamp;
use watchtower_tsdb::{SeriesRef, Tsdb};

use crate::meters::Counter;
use crate::{Hub, HubConfig};
use collect::News;
use config::Receiver;
use queue::Queue;

/// Groups of samples on their way to the collecting thread; beyond, the appender waits for it.
const GROUPS: usize = 64;

pub(crate) type Point = (SeriesRef, Timestamp, f64);

/// One receiver, its queue and what became of its samples.
pub struct Route {
    pub receiver: Receiver,
    queue: Queue,
    pub meters: RouteMeters,
}

#[derive(Default)]
pub struct RouteMeters {
    pub sent: Counter,
    /// The receiver refused them for good.
    pub refused: Counter,
    pub retries: Counter,
}

impl Route {
    /// Bytes that wait on disk.
    pub fn waiting_bytes(&self) -> u64 {
        self.queue.bytes()
    }

    /// Samples that were dropped because the queue was full, or damaged.
    pub fn lost(&self) -> u64 {
        self.queue.lost()
    }
}

/// The receivers; empty where there are none.
#[derive(Default, Clone)]
pub struct Forward {
    points: Option<SyncSender<News>>,
    routes: Arc<Vec<Arc<Route>>>,
}

impl Forward {
    /// Opens the queues and starts the collecting thread; [`Forward::send`] starts the rest.
    pub(crate) fn open(config: &HubConfig, tsdb: &Arc<Tsdb>) -> std::io::Result<Forward> {
        if config.remote_write.is_empty() {
            return Ok(Forward::default());
        }
        let mut routes = Vec::new();
        for receiver in &config.remote_write {
            let dir = config.data_dir.join("forward").join(&receiver.name);
            let queue = Queue::open(&dir, receiver.queue_bytes)?;
            routes.push(Arc::new(Route {
                receiver: receiver.clone(),
                queue,
                meters: RouteMeters::default(),
            }));
        }
        let routes = Arc::new(routes);
        let (points, waiting) = sync_channel(GROUPS);
        let collector = collect::Collector::new(Arc::clone(tsdb), routes.iter().cloned());
        std::thread::Builder::new().name("forward".into()).spawn(move || collector.run(&waiting))?;
        Ok(Forward { points: Some(points), routes })
    }

    /// Starts sending what the queues hold.
    pub(crate) fn send(&self, hub: &Hub) {
        for route in self.routes.iter() {
            tokio::spawn(send::run(hub.clone(), Arc::clone(route)));
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.points.is_some()
    }

    /// Hands over samples that were just stored.
    pub(crate) fn offer(&self, points: Vec<Point>) {
        if let Some(queue) = self.points.as_ref().filter(|_| !points.is_empty()) {
            // The thread ends with the process alone.
            let _ = queue.send(News::Points(points));
        }
    }

    /// Returns when all that was offered is in the queues. Blocks for as long as that takes.
    pub(crate) fn flush(&self) {
        if let Some(queue) = &self.points {
            let (done, wait) = sync_channel(1);
            let _ = queue.send(News::Flush(done)).map(|()| wait.recv());
        }
    }

    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }
}
