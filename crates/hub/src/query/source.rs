//! The metric store as PromQL sees it, restricted to what the caller may see.

use std::sync::Arc;

use watchtower_matchers::{Matcher, Matchers};
use watchtower_model::{ServerId, Timestamp};
use watchtower_promql::{SeriesSource, SeriesWindow, SourceError};
use watchtower_tsdb::{Owner, Query, Tsdb, TsdbError};

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

/// Reads from the store for one query.
pub struct Source {
    pub tsdb: Arc<Tsdb>,
    pub scope: Scope,
    pub max_series: usize,
    pub max_samples: usize,
}

impl SeriesSource for Source {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
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
        let windows = self.tsdb.select(&query).map_err(|error| match error {
            TsdbError::TooManySeries { .. } | TsdbError::TooManySamples { .. } => {
                SourceError::Limit(error.to_string())
            }
            _ => SourceError::Failed(error.to_string()),
        })?;
        Ok(windows
            .into_iter()
            .map(|window| SeriesWindow { labels: window.labels, samples: window.samples })
            .collect())
    }
}
