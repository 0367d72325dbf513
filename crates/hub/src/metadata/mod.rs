//! Type, help and unit of metrics' names: of the agents' own by a table, of others as senders tell them.
//!
//! Invariant: what is told is only ever told again. So it is kept in memory, within bounds, and stored as a whole in a small file about a
//! minute after something new was told: what a crash takes is soon told again.

mod book;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use watchtower_matchers::{Matcher, Matchers};
use watchtower_model::{METRIC_NAME, MetricMetadata};
use watchtower_protocol::describe;
use watchtower_store::metrics::{MetricFiles, MetricsError};

use self::book::Book;
use crate::Hub;
use crate::error::HubError;
use crate::query::{NamesOf, Reach, Scope};

#[derive(Debug, Default)]
pub struct Metadata(Mutex<Book>);

impl Metadata {
    /// What was stored; a file that cannot be read is as if nothing had been told.
    pub(crate) fn load(files: &MetricFiles) -> Result<Metadata, MetricsError> {
        let Some(bytes) = files.metadata()? else { return Ok(Metadata::default()) };
        let book = Book::decode(&bytes).unwrap_or_else(|why| {
            tracing::error!(
                why,
                "the stored types and help texts of metrics cannot be read: they are told anew"
            );
            Book::default()
        });
        Ok(Metadata(Mutex::new(book)))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no code panics while it holds the book")
    }

    /// Calls `tell` with what takes a name and what is said of it.
    pub(crate) fn hear<T>(&self, tell: impl FnOnce(&mut dyn FnMut(&str, MetricMetadata)) -> T) -> T {
        let mut book = self.book();
        tell(&mut |name, told| book.tell(name, told))
    }

    /// By name, what was told last first: of one name, or of all.
    fn list(&self, metric: Option<&str>) -> BTreeMap<String, Vec<MetricMetadata>> {
        self.book().list(|name| metric.is_none_or(|metric| metric == name))
    }

    /// How many names are known, and how many had to go for others.
    pub fn counts(&self) -> (usize, u64) {
        let book = self.book();
        (book.len(), book.dropped)
    }

    /// Writes the file if there is something new.
    pub(crate) fn save(&self, files: &MetricFiles) -> Result<(), MetricsError> {
        let mut book = self.book();
        if !std::mem::take(&mut book.changed) {
            return Ok(());
        }
        let bytes = book.encode();
        drop(book);
        files.put_metadata(&bytes).inspect_err(|_| self.book().changed = true)
    }
}

/// What callers of this scope may know, by name: what agents mean by the names of their own series first, then what was told last. What other
/// senders tell is only for those who see their series.
pub async fn visible(
    hub: &Hub,
    scope: Scope,
    metric: Option<&str>,
) -> Result<BTreeMap<String, Vec<MetricMetadata>>, HubError> {
    let mut all = BTreeMap::new();
    let mut of_agents = scope;
    if matches!(of_agents.reach, Reach::Everybody) {
        all = hub.metadata.list(metric);
        of_agents.reach = Reach::Servers(Matchers::default());
    }
    let selector = metric.map(|name| Matcher::equal(METRIC_NAME, name));
    let selectors = vec![Matchers::new(selector.into_iter().collect())];
    let of = NamesOf { selectors, range: None };
    for name in hub.queries.label_values(hub, of_agents, of, METRIC_NAME.into()).await? {
        let Some(own) = describe(&name) else { continue };
        let told: &mut Vec<MetricMetadata> = all.entry(name).or_default();
        told.retain(|told| *told != own);
        told.insert(0, own);
    }
    Ok(all)
}

/// Saves what was told since.
pub(crate) async fn store(hub: Hub) -> Result<(), HubError> {
    let saved = tokio::task::spawn_blocking(move || hub.metadata.save(&Arc::clone(&hub.metric_files))).await;
    let saved = saved.map_err(|_| HubError::Internal("storing metadata ended abnormally".into()))?;
    saved.map_err(|error| HubError::Internal(error.to_string()))
}
