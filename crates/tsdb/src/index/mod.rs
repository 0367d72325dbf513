//! Which series exist: label sets that series share (`shapes`), what stands behind them (`resources`), and
//! matchers over the two joined.
//!
//! Invariant: a series is one (resource, shape) pair. A label of the resource hides the same label of the
//! series, which then reads as `exported_<name>`, as in a Prometheus scrape without `honor_labels`; but for `job`,
//! where the resource only says what series have that say nothing of their own.

mod resources;
mod shapes;

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{Id, Labels};

use crate::SeriesRef;
use crate::select::Owner;
use resources::Resources;
use shapes::{Condition, Shapes};

const HIDDEN: &str = "exported_";
/// The label that a series may have of its own although its resource has it: what an agent scrapes is of another job.
const OWN_WINS: &str = "job";

/// What [`crate::Tsdb::resolve`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// One for each label set, `None` where a limit refused a new series.
    pub refs: Vec<Option<SeriesRef>>,
    pub refused: usize,
    /// The limit that refused the first of them.
    pub limit: Option<ResolveLimit>,
}

/// Why a new series was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveLimit {
    #[error("more than {0} series of one server: send fewer label combinations or raise series_per_resource")]
    PerResource(usize),
    #[error("more than {0} series in total: remove servers or raise series_total")]
    Total(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    shapes: Shapes,
    resources: Resources,
    series: usize,
}

impl Index {
    pub(crate) fn series(&self) -> usize {
        self.series
    }

    pub(crate) fn shapes(&self) -> usize {
        self.shapes.len()
    }

    pub(crate) fn resource(&mut self, id: Option<Id>) -> u32 {
        self.resources.slot(id)
    }

    pub(crate) fn set_resource_labels(&mut self, id: Id, labels: Labels) {
        let slot = self.resources.slot(Some(id));
        self.resources.get_mut(slot).labels = Arc::new(labels);
    }

    /// The reverse of [`Index::joined`], for labels that came from it.
    pub(crate) fn own_labels(&self, id: Id, labels: &Labels) -> Labels {
        let Some(resource) = self.resources.find(id) else { return labels.clone() };
        let mut builder = labels.to_builder();
        for (name, value) in resource.labels.iter() {
            if labels.get(name) == Some(value) {
                builder.remove(name);
            }
        }
        builder.build()
    }

    pub(crate) fn resource_id(&self, resource: u32) -> Option<Id> {
        self.resources.get(resource).id
    }

    /// The labels of the series itself.
    pub(crate) fn own(&self, shape: u32) -> &Labels {
        self.shapes.labels(shape)
    }

    /// Those that count against the limit.
    pub(crate) fn series_of(&self, resource: u32) -> usize {
        let resource = self.resources.get(resource);
        resource.series.len() - resource.ended
    }

    /// A series of the resource counts no longer: only rollups are left of it.
    pub(crate) fn end(&mut self, resource: u32) {
        self.resources.get_mut(resource).ended += 1;
        self.series -= 1;
    }

    pub(crate) fn revive(&mut self, resource: u32) {
        self.resources.get_mut(resource).ended -= 1;
        self.series += 1;
    }

    pub(crate) fn find_series(&self, resource: u32, labels: &Labels) -> Option<u32> {
        let shape = self.shapes.find(labels)?;
        self.resources.get(resource).series_with(shape)
    }

    /// Adds a series that does not exist yet; returns its shape.
    pub(crate) fn add(&mut self, resource: u32, labels: &Labels, series: u32) -> u32 {
        let shape = self.shapes.intern(labels);
        self.resources.get_mut(resource).insert(shape, series);
        self.series += 1;
        shape
    }

    pub(crate) fn remove(&mut self, resource: u32, shape: u32) {
        if self.resources.get_mut(resource).remove(shape) {
            self.shapes.release(shape);
            self.series -= 1;
        }
    }

    /// Forgets a resource and its series; returns their numbers.
    pub(crate) fn remove_resource(&mut self, id: Id) -> Vec<u32> {
        let Some(resource) = self.resources.remove(id) else { return Vec::new() };
        for (shape, _) in &resource.series {
            self.shapes.release(*shape);
        }
        self.series -= resource.series.len() - resource.ended;
        resource.series.into_iter().map(|(_, series)| series).collect()
    }

    /// The series' own labels joined with its resource's.
    pub(crate) fn joined(&self, resource: u32, shape: u32) -> Labels {
        let own = self.shapes.labels(shape);
        let outer = &self.resources.get(resource).labels;
        let mut builder = own.to_builder();
        for (name, value) in outer.iter() {
            if let Some(hidden) = own.get(name) {
                if name == OWN_WINS {
                    continue;
                }
                builder.set(&format!("{HIDDEN}{name}"), hidden);
            }
            builder.set(name, value);
        }
        builder.build()
    }

    /// Every series of `owner` whose joined labels match, by resource.
    pub(crate) fn find(&self, matchers: &Matchers, owner: Owner<'_>) -> Vec<u32> {
        let mut found = Vec::new();
        // Resources that leave the same conditions to the series share one look-up.
        let mut candidates: HashMap<u128, Vec<u32>> = HashMap::new();
        let own_jobs = self.shapes.has(OWN_WINS);
        for resource in self.resources.iter(owner) {
            if resource.series.is_empty() {
                continue;
            }
            let Some((key, conditions)) = left_over(matchers, &resource.labels, own_jobs) else { continue };
            let shapes = candidates.entry(key).or_insert_with(|| self.shapes.find_all(&conditions));
            resource.collect(shapes, &mut found);
        }
        found
    }
}

/// The conditions on a series' own labels that its resource leaves open, and a key that names them;
/// `None` when the resource's labels already fail. `own_jobs`: there are series with a [`OWN_WINS`] of their own.
fn left_over<'a>(
    matchers: &'a Matchers,
    outer: &'a Labels,
    own_jobs: bool,
) -> Option<(u128, Vec<Condition<'a>>)> {
    let mut key = 0u128;
    let mut conditions = Vec::new();
    for matcher in matchers.iter() {
        key <<= 2;
        let name = matcher.name();
        if let Some(value) = outer.get(name) {
            if name == OWN_WINS && own_jobs {
                // Of the resource's value only counts whether it would do: no other condition of this matcher has these two keys.
                key |= if matcher.matches(value) { 3 } else { 0 };
                conditions.push(Condition { name, matcher, missing: value });
            } else if !matcher.matches(value) {
                return None;
            }
            continue;
        }
        let hidden = name.strip_prefix(HIDDEN).filter(|name| *name != OWN_WINS && outer.get(name).is_some());
        key |= if hidden.is_some() { 2 } else { 1 };
        conditions.push(Condition { name: hidden.unwrap_or(name), matcher, missing: "" });
    }
    Some((key, conditions))
}
