//! What there is, by any of some selectors: series, names and values of labels, each once, sorted.

use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{Labels, Timestamp};
use watchtower_tsdb::{Named, Tsdb, TsdbError};

use super::pool::Pool;
use super::source::Scope;
use crate::Hub;
use crate::error::HubError;

/// Which series are meant.
#[derive(Debug, Clone)]
pub struct NamesOf {
    /// Any of them.
    pub selectors: Vec<Matchers>,
    /// Those with samples, or rollups, in it, both ends included; absent means those that have samples.
    pub range: Option<(Timestamp, Timestamp)>,
}

impl Pool {
    /// At most `most` of each selector.
    pub async fn series(
        &self,
        hub: &Hub,
        scope: Scope,
        of: NamesOf,
        most: usize,
    ) -> Result<Vec<Labels>, HubError> {
        self.named(hub, scope, of, move |tsdb, named| tsdb.series(named, most)).await
    }

    pub async fn label_names(&self, hub: &Hub, scope: Scope, of: NamesOf) -> Result<Vec<String>, HubError> {
        self.named(hub, scope, of, |tsdb, named| tsdb.label_names(named)).await
    }

    pub async fn label_values(
        &self,
        hub: &Hub,
        scope: Scope,
        of: NamesOf,
        name: String,
    ) -> Result<Vec<String>, HubError> {
        self.named(hub, scope, of, move |tsdb, named| tsdb.label_values(&name, named)).await
    }

    async fn named<T: Ord + Send + 'static>(
        &self,
        hub: &Hub,
        scope: Scope,
        of: NamesOf,
        read: impl Fn(&Tsdb, &Named<'_>) -> Result<Vec<T>, TsdbError> + Send + 'static,
    ) -> Result<Vec<T>, HubError> {
        let tsdb = Arc::clone(&hub.tsdb);
        let find = move || {
            let mut all = Vec::new();
            for matchers in &of.selectors {
                all.append(&mut read(&tsdb, &Named { matchers, owner: scope.owner(), range: of.range })?);
            }
            all.sort();
            all.dedup();
            Ok::<_, TsdbError>(all)
        };
        Ok(self.in_turn(hub, find).await??)
    }
}
