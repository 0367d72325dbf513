//! What series belong to: servers, and one place for series that belong to none.
//!
//! Invariant: a resource's list is sorted by shape and holds each shape once.

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_model::{Id, Labels};

use crate::select::Owner;

#[derive(Debug, Default)]
pub(super) struct Resource {
    pub id: Option<Id>,
    pub labels: Arc<Labels>,
    /// (shape, series)
    pub series: Vec<(u32, u32)>,
    /// How many of them have no samples any more.
    pub ended: usize,
}

impl Resource {
    pub(super) fn series_with(&self, shape: u32) -> Option<u32> {
        self.series.binary_search_by_key(&shape, |(s, _)| *s).ok().map(|i| self.series[i].1)
    }

    pub(super) fn insert(&mut self, shape: u32, series: u32) {
        match self.series.binary_search_by_key(&shape, |(s, _)| *s) {
            Ok(at) => self.series[at].1 = series,
            Err(at) => self.series.insert(at, (shape, series)),
        }
    }

    pub(super) fn remove(&mut self, shape: u32) -> bool {
        match self.series.binary_search_by_key(&shape, |(s, _)| *s) {
            Ok(at) => {
                self.series.remove(at);
                true
            }
            Err(_) => false,
        }
    }

    /// Adds to `found` the series whose shape is in `shapes` (sorted).
    pub(super) fn collect(&self, shapes: &[u32], found: &mut Vec<u32>) {
        if shapes.len() * 8 < self.series.len() {
            found.extend(shapes.iter().filter_map(|shape| self.series_with(*shape)));
            return;
        }
        let mut at = 0;
        for (shape, series) in &self.series {
            while at < shapes.len() && shapes[at] < *shape {
                at += 1;
            }
            if shapes.get(at) == Some(shape) {
                found.push(*series);
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Resources {
    numbers: HashMap<Option<Id>, u32>,
    slots: Vec<Resource>,
}

impl Resources {
    /// The slot of a resource, made when new.
    pub(super) fn slot(&mut self, id: Option<Id>) -> u32 {
        *self.numbers.entry(id).or_insert_with(|| {
            self.slots.push(Resource { id, ..Resource::default() });
            self.slots.len() as u32 - 1
        })
    }

    pub(super) fn find(&self, id: Id) -> Option<&Resource> {
        self.numbers.get(&Some(id)).map(|slot| self.get(*slot))
    }

    pub(super) fn get(&self, slot: u32) -> &Resource {
        &self.slots[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Resource {
        &mut self.slots[slot as usize]
    }

    /// Its slot stays behind, empty: numbers of series that are being read must not come to mean another one.
    pub(super) fn remove(&mut self, id: Id) -> Option<Resource> {
        let slot = self.numbers.remove(&Some(id))?;
        Some(std::mem::take(self.get_mut(slot)))
    }

    pub(super) fn iter<'a>(&'a self, owner: Owner<'a>) -> impl Iterator<Item = &'a Resource> {
        let one = |id: Option<Id>| {
            let slot = self.numbers.get(&id).map(|slot| *slot as usize);
            slot.map_or(0..0, |slot| slot..slot + 1)
        };
        let range = match owner {
            Owner::Any | Owner::ResourcesWith(_) => 0..self.slots.len(),
            Owner::Resource(id) => one(Some(id)),
            Owner::Nobody => one(None),
        };
        self.slots[range].iter().filter(move |resource| match owner {
            Owner::ResourcesWith(matchers) => resource.id.is_some() && matchers.matches(&resource.labels),
            _ => true,
        })
    }
}
