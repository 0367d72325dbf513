//! Label sets that series share: two thousand servers have the same few hundred.
//!
//! Invariant: posting lists are sorted, and hold exactly the shapes in use.

use std::collections::HashMap;
use std::sync::Arc;

use watchtower_matchers::Matcher;
use watchtower_model::Labels;

/// Fewer candidates than this are tested one by one rather than intersected with another list.
const TEST_DIRECTLY: usize = 64;

#[derive(Debug)]
struct Shape {
    labels: Arc<Labels>,
    users: u32,
}

/// What a label of a shape must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub name: &'a str,
    pub matcher: &'a Matcher,
    /// What a shape without the label is taken to have.
    pub missing: &'a str,
}

type Postings = HashMap<Box<str>, Vec<u32>>;

#[derive(Debug, Default)]
pub(super) struct Shapes {
    numbers: HashMap<Arc<Labels>, u32>,
    slots: Vec<Option<Shape>>,
    names: HashMap<Box<str>, Postings>,
}

impl Shapes {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn find(&self, labels: &Labels) -> Option<u32> {
        self.numbers.get(labels).copied()
    }

    pub(super) fn labels(&self, shape: u32) -> &Labels {
        &self.slots[shape as usize].as_ref().expect("a series holds its shape in use").labels
    }

    /// The shape of `labels`, with one user more.
    pub(super) fn intern(&mut self, labels: &Labels) -> u32 {
        if let Some(shape) = self.find(labels) {
            let slot = self.slots[shape as usize].as_mut().expect("a known number is in use");
            slot.users += 1;
            return shape;
        }
        let shape = self.slots.len() as u32;
        let labels = Arc::new(labels.clone());
        for (name, value) in labels.iter() {
            let values = self.names.entry(name.into()).or_default();
            values.entry(value.into()).or_default().push(shape);
        }
        self.numbers.insert(Arc::clone(&labels), shape);
        self.slots.push(Some(Shape { labels, users: 1 }));
        shape
    }

    pub(super) fn release(&mut self, shape: u32) {
        let slot = &mut self.slots[shape as usize];
        let used = slot.as_mut().expect("a released shape was in use");
        used.users -= 1;
        if used.users > 0 {
            return;
        }
        let labels = slot.take().expect("checked above").labels;
        self.numbers.remove(&labels);
        for (name, value) in labels.iter() {
            let Some(values) = self.names.get_mut(name) else { continue };
            if let Some(list) = values.get_mut(value) {
                list.retain(|s| *s != shape);
                if list.is_empty() {
                    values.remove(value);
                }
            }
            if values.is_empty() {
                self.names.remove(name);
            }
        }
    }

    /// Whether any shape has a label of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The shapes that fulfil every condition, sorted.
    pub(super) fn find_all(&self, conditions: &[Condition<'_>]) -> Vec<u32> {
        // A matcher that also takes a missing label has no posting list: it can only filter.
        let (mut listed, mut filters): (Vec<&Condition<'_>>, Vec<_>) =
            conditions.iter().partition(|c| !c.matcher.matches(c.missing));
        listed.sort_by_key(|c| c.matcher.wanted_values().map_or(usize::MAX, |v| v.len()));
        let mut found: Option<Vec<u32>> = None;
        for condition in listed {
            match &mut found {
                Some(shapes) if shapes.len() <= TEST_DIRECTLY => filters.push(condition),
                Some(shapes) => intersect(shapes, &self.listed(condition.name, condition.matcher)),
                None => found = Some(self.listed(condition.name, condition.matcher)),
            }
        }
        let mut found = found.unwrap_or_else(|| {
            (0..self.slots.len() as u32).filter(|s| self.slots[*s as usize].is_some()).collect()
        });
        found.retain(|shape| {
            let labels = self.labels(*shape);
            filters.iter().all(|c| c.matcher.matches(labels.get(c.name).unwrap_or(c.missing)))
        });
        found
    }

    fn listed(&self, name: &str, matcher: &Matcher) -> Vec<u32> {
        let Some(values) = self.names.get(name) else { return Vec::new() };
        let lists: Vec<&Vec<u32>> = match matcher.wanted_values() {
            Some(wanted) => wanted.iter().filter_map(|v| values.get(*v)).collect(),
            None => values.iter().filter(|(v, _)| matcher.matches(v)).map(|(_, list)| list).collect(),
        };
        let mut all: Vec<u32> = lists.into_iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }
}

fn intersect(a: &mut Vec<u32>, b: &[u32]) {
    let mut at = 0;
    a.retain(|x| {
        while at < b.len() && b[at] < *x {
            at += 1;
        }
        b.get(at) == Some(x)
    });
}
