//! The one thread that appends to the metric store: reports that come within a moment of each other share one fsync.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::forward::Forward;
use tokio::sync::{mpsc, oneshot};
use watchtower_model::Timestamp;
use watchtower_tsdb::{Batch, Outcome, Progress, Samples, SeriesRef, Tsdb, TsdbError};

/// Reports that may wait for the appender; beyond, senders wait, and agents spool.
const QUEUE: usize = 4096;
/// Reports that share one append.
const GROUP: usize = 512;
/// The least time from one append to the next. A lone report does not wait; of many, each waits half of it, and the syncs that
/// they share are most of what they would cost.
const PACE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    #[error("{0}")]
    Store(#[from] TsdbError),
    #[error("the metric store has stopped")]
    Stopped,
}

/// One report's samples, or those of one request of another sender.
pub struct Append {
    pub progress: Option<Progress>,
    pub received_at: Timestamp,
    pub backfill: bool,
    pub points: Points,
}

pub enum Points {
    /// All at one time.
    Report {
        t: Timestamp,
        values: Vec<(SeriesRef, f64)>,
    },
    Loose(Vec<(SeriesRef, Timestamp, f64)>),
}

impl Points {
    fn samples(&self) -> Samples<'_> {
        match self {
            Points::Report { t, values } => Samples::Report { t: *t, values },
            Points::Loose(points) => Samples::Loose(points),
        }
    }
}

impl Append {
    fn points(&self) -> Vec<(SeriesRef, Timestamp, f64)> {
        match &self.points {
            Points::Report { t, values } => values.iter().map(|(series, v)| (*series, *t, *v)).collect(),
            Points::Loose(points) => points.clone(),
        }
    }
}

type Answer = oneshot::Sender<Result<Outcome, AppendError>>;

#[derive(Clone)]
pub struct Appender {
    queue: mpsc::Sender<(Append, Answer)>,
}

impl Appender {
    pub fn start(tsdb: Arc<Tsdb>, forward: Forward) -> std::io::Result<Appender> {
        let (queue, mut waiting) = mpsc::channel::<(Append, Answer)>(QUEUE);
        thread::Builder::new().name("appender".into()).spawn(move || {
            let mut group = Vec::with_capacity(GROUP);
            let mut last: Option<Instant> = None;
            while let Some(first) = waiting.blocking_recv() {
                group.push(first);
                thread::sleep(last.map_or(Duration::ZERO, |last| PACE.saturating_sub(last.elapsed())));
                last = Some(Instant::now());
                while group.len() < GROUP {
                    match waiting.try_recv() {
                        Ok(next) => group.push(next),
                        Err(_) => break,
                    }
                }
                append_group(&tsdb, &forward, &mut group);
            }
        })?;
        Ok(Appender { queue })
    }

    /// Returns once the samples are durable.
    pub async fn append(&self, append: Append) -> Result<Outcome, AppendError> {
        let (answer, wait) = oneshot::channel();
        self.queue.send((append, answer)).await.map_err(|_| AppendError::Stopped)?;
        wait.await.map_err(|_| AppendError::Stopped)?
    }
}

fn append_group(tsdb: &Tsdb, forward: &Forward, group: &mut Vec<(Append, Answer)>) {
    let batches: Vec<Batch<'_>> = group
        .iter()
        .map(|(append, _)| Batch {
            progress: append.progress,
            received_at: append.received_at,
            backfill: append.backfill,
            samples: append.points.samples(),
        })
        .collect();
    let result = tsdb.append(&batches);
    drop(batches);
    match result {
        Ok(outcomes) => {
            if forward.is_on() {
                // A report that came again has gone already.
                let new = group.iter().zip(&outcomes).filter(|(_, outcome)| outcome.accepted > 0);
                forward.offer(new.flat_map(|((append, _), _)| append.points()).collect());
            }
            group.drain(..).zip(outcomes).for_each(|((_, answer), outcome)| drop(answer.send(Ok(outcome))))
        }
        Err(error) => group.drain(..).for_each(|(_, answer)| drop(answer.send(Err(error.clone().into())))),
    }
}
