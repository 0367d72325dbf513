//! The metric store as PromQL sees it, restricted to what the caller may see.

use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{ServerId, Timestamp};
use watchtower_promql::{SeriesSource, SeriesWindow, SourceError};
use watchtower_tsdb::{Owner, Query, Tsdb, TsdbError};

/// Which series a query may read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub owner: Owner,
    /// Only servers with such labels: added to every selector, so that no expression gets around it.
    pub enforced: Option<Matchers>,
}

impl Scope {
    /// Only what this server reports.
    pub fn of_server(server: ServerId) -> Scope {
        Scope { owner: Owner::Resource(server.0), enforced: None }
    }

    /// Only series of servers with such labels. What other senders write carries labels of their own choice, so it is not for
    /// callers whose rights hang on labels.
    pub fn of_servers(enforced: Option<Matchers>) -> Scope {
        let owner = if enforced.is_some() { Owner::AnyResource } else { Owner::Any };
        Scope { owner, enforced }
    }
}

/// Reads from the store for one query.
pub struct Source {
    pub tsdb: Arc<Tsdb>,
    pub scope: Scope,
    pub max_series: usize,
    pub max_samples: usize,
}

impl Source {
    /// The selector with what the scope enforces.
    pub fn enforce(scope: &Scope, matchers: &Matchers) -> Matchers {
        let mut all = matchers.clone();
        for matcher in scope.enforced.iter().flat_map(|enforced| enforced.iter()) {
            // Targets are selected by `name`, series carry it as `instance`.
            let matcher = if matcher.name() == "name" {
                watchtower_matchers::Matcher::new("instance", matcher.op(), matcher.value())
                    .unwrap_or_else(|_| matcher.clone())
            } else {
                matcher.clone()
            };
            all.push(matcher);
        }
        all
    }
}

impl SeriesSource for Source {
    fn select(
        &self,
        matchers: &Matchers,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<SeriesWindow>, SourceError> {
        let enforced = Source::enforce(&self.scope, matchers);
        let query = Query {
            matchers: &enforced,
            from,
            to,
            owner: self.scope.owner,
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
