//! The metric store as PromQL sees it, restricted to what the caller may see.

use std::sync::Arc;

use watchtower_matchers::{Matcher, Matchers};
use watchtower_model::{ServerId, Timestamp};
use watchtower_promql::{
    self as promql, BucketSpan, BucketWindow, Fetched, SeriesSource, SeriesWindow, SourceError, Wanted,
};
use watchtower_tsdb::{Owner, Query, Reads, Rest, RolledWindow, Tsdb, TsdbError};

use super::notes::Notes;

/// Which series a query may read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub reach: Reach,
    /// Added to every selector.
    pub also: Option<Matchers>,
}

/// Whose series.
#[derive(Debug, Clone, Default)]
pub enum Reach {
    #[default]
    Everybody,
    Server(ServerId),
    /// Those of servers with such labels. It is the labels that the hub keeps of a server which count, never those of a series: they
    /// are the choice of whoever writes it. So what other senders write is not for callers whose rights hang on labels.
    Servers(Matchers),
    /// What other senders write.
    Outside,
}

impl Scope {
    /// Only what this server reports.
    pub fn of_server(server: ServerId) -> Scope {
        Scope { reach: Reach::Server(server), also: None }
    }

    pub fn outside() -> Scope {
        Scope { reach: Reach::Outside, also: None }
    }

    /// Only series of servers with such labels; absent means all there are.
    pub fn of_servers(servers: Option<Matchers>) -> Scope {
        let reach = servers.map_or(Reach::Everybody, |servers| Reach::Servers(as_instance(&servers)));
        Scope { reach, also: None }
    }

    pub fn owner(&self) -> Owner<'_> {
        match &self.reach {
            Reach::Everybody => Owner::Any,
            Reach::Server(id) => Owner::Resource(id.0),
            Reach::Servers(matchers) => Owner::ResourcesWith(matchers),
            Reach::Outside => Owner::Nobody,
        }
    }
}

/// Targets are selected by `name`, series carry it as `instance`.
fn as_instance(servers: &Matchers) -> Matchers {
    let renamed = servers.iter().map(|matcher| match matcher.name() {
        "name" => Matcher::new("instance", matcher.op(), matcher.value()).unwrap_or_else(|_| matcher.clone()),
        _ => matcher.clone(),
    });
    Matchers::new(renamed.collect())
}

/// Reads from the store for one query, and remembers what is to be said of the answer.
pub struct Source {
    pub tsdb: Arc<Tsdb>,
    scope: Scope,
    max_series: usize,
    max_samples: usize,
    notes: Notes,
}

impl Source {
    pub fn new(tsdb: Arc<Tsdb>, scope: Scope, max_series: usize, max_samples: usize) -> Source {
        Source { tsdb, scope, max_series, max_samples, notes: Notes::default() }
    }

    /// What is to be said of the answer: where rollups took the place of samples.
    pub fn warnings(&self) -> Vec<String> {
        self.notes.warnings()
    }

    /// Runs `read` with what the scope makes of the question.
    fn ask<T>(
        &self,
        (matchers, from, to): (&Matchers, Timestamp, Timestamp),
        read: impl FnOnce(&Query<'_>) -> Result<T, TsdbError>,
    ) -> Result<T, SourceError> {
        let mut all = matchers.clone();
        self.scope.also.iter().flat_map(|also| also.iter()).for_each(|matcher| all.push(matcher.clone()));
        let query = Query {
            matchers: &all,
            from,
            to,
            owner: self.scope.owner(),
            max_series: self.max_series,
            max_samples: self.max_samples,
        };
        read(&query).map_err(|error| match error {
            TsdbError::TooManySeries { .. } | TsdbError::TooManySamples { .. } => {
                SourceError::Limit(error.to_string())
            }
            _ => SourceError::Failed(error.to_string()),
        })
    }
}

impl SeriesSource for Source {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        let windows = self.ask((matchers, from, to), |query| self.tsdb.select(query))?;
        Ok(windows
            .into_iter()
            .map(|window| SeriesWindow { labels: window.labels, samples: window.samples })
            .collect())
    }

    fn fetch(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
        wanted: Wanted,
    ) -> Result<Fetched, SourceError> {
        let reads = reads(wanted.reads);
        let rolled =
            self.ask((matchers, from, to), |query| self.tsdb.select_rolled(query, reads, wanted.grain_ms))?;
        let spans: Vec<BucketSpan> = rolled
            .spans
            .iter()
            .map(|span| BucketSpan { until: span.until, bucket_ms: span.bucket_ms })
            .collect();
        // Buckets before the range are read for its first point alone.
        self.notes.add(&spans, from, wanted);
        Ok(Fetched { series: rolled.series.into_iter().map(window).collect(), spans })
    }
}

fn reads(wanted: promql::Reads) -> Reads {
    match wanted {
        promql::Reads::Last => Reads::Last,
        promql::Reads::Min => Reads::Min,
        promql::Reads::Max => Reads::Max,
        promql::Reads::Sum => Reads::Sum,
        promql::Reads::Count => Reads::Count,
        promql::Reads::Mean => Reads::Mean,
        promql::Reads::Growth => Reads::Growth,
    }
}

fn window(window: RolledWindow) -> BucketWindow {
    let rest = |rest: Rest| promql::Rest { first: rest.first, resets: rest.resets, count: rest.count };
    BucketWindow {
        labels: window.labels,
        samples: window.samples,
        rests: window.rests.into_iter().map(rest).collect(),
    }
}
