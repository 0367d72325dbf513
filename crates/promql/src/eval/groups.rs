//! Label sets derived from label sets, each computed once.
//!
//! Invariant: equal derived label sets have the same number. Sources are kept alive, so that an address never
//! comes to mean another label set.

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_model::Labels;

/// Above this many sources the memory is dropped and filled again: label sets that are new at every step
/// (`count_values`) must not pile up.
const SOURCES_MAX: usize = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Groups {
    sources: HashMap<*const Labels, (Arc<Labels>, u32)>,
    numbers: HashMap<Arc<Labels>, u32>,
    labels: Vec<Arc<Labels>>,
}

impl Groups {
    /// The number of the label set that `derive` makes of `source`.
    pub(super) fn group(&mut self, source: &Arc<Labels>, derive: impl FnOnce(&Labels) -> Labels) -> u32 {
        if let Some((_, group)) = self.sources.get(&Arc::as_ptr(source)) {
            return *group;
        }
        if self.sources.len() >= SOURCES_MAX {
            self.sources.clear();
        }
        let group = self.group_by_content(&Arc::new(derive(source)));
        self.sources.insert(Arc::as_ptr(source), (Arc::clone(source), group));
        group
    }

    /// The number of a label set that is its own.
    pub(super) fn group_by_content(&mut self, labels: &Arc<Labels>) -> u32 {
        *self.numbers.entry(Arc::clone(labels)).or_insert_with_key(|labels| {
            self.labels.push(Arc::clone(labels));
            self.labels.len() as u32 - 1
        })
    }

    pub(super) fn labels(&self, group: u32) -> &Arc<Labels> {
        &self.labels[group as usize]
    }

    /// True when two sources may have led to one label set.
    pub(super) fn may_collide(&self) -> bool {
        self.sources.len() != self.labels.len()
    }
}
