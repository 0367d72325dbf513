//! Type, help and unit of metrics' names: of the agents' own by a table, of others as senders tell them.
//!
//! Invariant: what is told is only ever told again. So it is kept in memory, within bounds, and stored as a whole in a small file about a
//! minute after something new was told: what a crash takes is soon told again.

mod book;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use watchtower_matchers::{Matcher, Matchers};
use watchtower_model::{METRIC_NAME, MetricMetadata};
use watchtower_protocol::{self as protocol, NamedMetadata, describe};
use watchtower_store::metrics::{MetricFiles, MetricsError};

use self::book::{Book, Teller};
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

    /// Calls `tell` with what takes a name and what another sender says of it.
    pub(crate) fn hear<T>(&self, tell: impl FnOnce(&mut dyn FnMut(&str, MetricMetadata)) -> T) -> T {
        // Most requests say nothing of names: they wait for nobody.
        let mut book = None;
        tell(&mut |name, said| {
            book.get_or_insert_with(|| self.book()).tell(name, Teller::Outside, said);
        })
    }

    /// What an agent's targets say.
    pub(crate) fn hear_agent(&self, told: protocol::Metadata) {
        let mut book = self.book();
        for NamedMetadata { name, said } in told.metrics {
            book.tell(&name, Teller::Agent, MetricMetadata::new(said.kind, &said.help, &said.unit));
        }
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

/// What callers of this scope may know, by name: what agents mean by the names of their own series first, then what was told last. Who is
/// limited to some servers gets what agents say of the names of these servers' series; what other senders say is for those who see theirs.
pub async fn visible(
    hub: &Hub,
    scope: Scope,
    metric: Option<&str>,
) -> Result<BTreeMap<String, Vec<MetricMetadata>>, HubError> {
    let limited = !matches!(scope.reach, Reach::Everybody);
    let of_agents = if limited { scope } else { Scope::of_servers(Some(Matchers::default())) };
    let selectors = match metric {
        Some(metric) => {
            forms(metric).map(|name| Matchers::new(vec![Matcher::equal(METRIC_NAME, name)])).collect()
        }
        None => vec![Matchers::default()],
    };
    let of = NamesOf { selectors, range: None };
    let names = hub.queries.label_values(hub, of_agents, of, METRIC_NAME.into()).await?;
    let names: BTreeSet<String> = names.into_iter().collect();
    let is_asked = |name: &str| metric.is_none_or(|metric| metric == name);
    let is_seen = |name: &str| forms(name).any(|form| names.contains(&form));
    let mut all = hub
        .metadata
        .book()
        .list(|name, by| is_asked(name) && (!limited || (by == Teller::Agent && is_seen(name))));
    for name in names.iter().filter(|name| is_asked(name)) {
        let Some(own) = describe(name) else { continue };
        let told = all.entry(name.clone()).or_default();
        told.retain(|told| *told != own);
        told.insert(0, own);
    }
    Ok(all)
}

/// The names of series that a family's name stands for.
fn forms(family: &str) -> impl Iterator<Item = String> {
    ["", "_bucket", "_count", "_sum", "_total", "_info"]
        .into_iter()
        .map(move |suffix| format!("{family}{suffix}"))
}

/// Saves what was told since.
pub(crate) async fn store(hub: Hub) -> Result<(), HubError> {
    let saved = tokio::task::spawn_blocking(move || hub.metadata.save(&hub.metric_files)).await;
    let saved = saved.map_err(|_| HubError::Internal("storing metadata ended abnormally".into()))?;
    saved.map_err(|error| HubError::Internal(error.to_string()))
}
