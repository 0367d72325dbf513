//! Queries of people run on blocking threads, few at once, each with a deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use watchtower_model::Timestamp;
use watchtower_promql::{Answer, Limits, SeriesWindow, Settings, eval_instant, eval_range, parse};

use super::source::{Scope, Source};
use crate::Hub;
use crate::error::HubError;

/// Queries at the same time; others wait.
const AT_ONCE: usize = 4;
/// A query that waits longer than this for its turn is refused.
const WAIT: Duration = Duration::from_secs(20);

/// What one query may cost.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    pub series: usize,
    pub samples: usize,
    pub time: Duration,
}

impl Default for QueryLimits {
    fn default() -> Self {
        QueryLimits { series: 50_000, samples: 20_000_000, time: Duration::from_secs(30) }
    }
}

/// An answer, and what is to be said beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<T> {
    pub answer: T,
    pub warnings: Vec<String>,
}

pub struct Pool(Arc<Semaphore>);

impl Default for Pool {
    fn default() -> Self {
        Pool(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Pool {
    pub async fn instant(
        &self,
        hub: &Hub,
        query: String,
        at: Timestamp,
        scope: Scope,
    ) -> Result<Told<Answer>, HubError> {
        self.run(hub, scope, move |source, settings, limits| {
            let answer = eval_instant(&parse(&query)?, at, source, settings, limits)?;
            Ok(Told { answer, warnings: source.warnings() })
        })
        .await
    }

    pub async fn range(
        &self,
        hub: &Hub,
        query: String,
        (start, end, step_ms): (Timestamp, Timestamp, i64),
        scope: Scope,
    ) -> Result<Told<Vec<SeriesWindow>>, HubError> {
        self.run(hub, scope, move |source, settings, limits| {
            let answer = eval_range(&parse(&query)?, start, end, step_ms, source, settings, limits)?;
            Ok(Told { answer, warnings: source.warnings() })
        })
        .await
    }

    /// Runs `body` with a source and limits, off the async threads.
    pub async fn run<T: Send + 'static>(
        &self,
        hub: &Hub,
        scope: Scope,
        body: impl FnOnce(&Source, &Settings, &Limits<'_>) -> Result<T, watchtower_promql::QueryError>
        + Send
        + 'static,
    ) -> Result<T, HubError> {
        let bounds = QueryLimits::default();
        let source = Source::new(Arc::clone(&hub.tsdb), scope, bounds.series, bounds.samples);
        let settings = hub.config.promql;
        let answer = self.in_turn(hub, move || {
            let deadline = Instant::now() + bounds.time;
            let keep_going = || Instant::now() < deadline;
            let limits = Limits { series: bounds.series, samples: bounds.samples, keep_going: &keep_going };
            body(&source, &settings, &limits)
        });
        Ok(answer.await??)
    }

    /// Runs `work` off the async threads once it has a slot.
    pub(super) async fn in_turn<T: Send + 'static>(
        &self,
        hub: &Hub,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HubError> {
        let slot = tokio::time::timeout(WAIT, Arc::clone(&self.0).acquire_owned())
            .await
            .map_err(|_| HubError::Unavailable("too many queries are running: try again".into()))?
            .map_err(|_| HubError::Unavailable("the hub is stopping".into()))?;
        hub.meters.queries.add(1);
        let task = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(slot);
            answer
        });
        task.await.map_err(|_| HubError::Internal("a query ended abnormally".into()))
    }
}
