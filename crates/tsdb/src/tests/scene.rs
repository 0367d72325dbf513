//! What the tests of the engine do again and again.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchtower_matchers::Matchers;
use watchtower_model::{Id, Labels, Sample, Timestamp};

use crate::*;

pub(crate) const T0: i64 = 1_767_225_600_000 - 20 * 60_000; // 20 minutes before a midnight

pub(crate) fn open(store: &Arc<MemoryStore>) -> Tsdb {
    Tsdb::open(Arc::clone(store) as Arc<dyn ChunkStore>, Options::default()).unwrap().0
}

pub(crate) fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

pub(crate) fn names(list: &[&str]) -> Vec<Labels> {
    list.iter().map(|n| Labels::from_pairs([("__name__", *n)])).collect()
}

pub(crate) fn refs(db: &Tsdb, resource: Option<Id>, list: &[&str]) -> Vec<SeriesRef> {
    db.resolve(resource, &names(list)).refs.into_iter().map(Option::unwrap).collect()
}

pub(crate) fn loose(db: &Tsdb, backfill: bool, samples: &[(SeriesRef, i64, f64)]) -> Outcome {
    let samples: Vec<_> = samples.iter().map(|(s, t, v)| (*s, Timestamp(*t), *v)).collect();
    let newest = samples.iter().map(|s| s.1).max().unwrap();
    let batch = Batch { progress: None, received_at: newest, backfill, samples: Samples::Loose(&samples) };
    db.append(&[batch]).unwrap()[0]
}

pub(crate) fn select(db: &Tsdb, matchers: &str, from: i64, to: i64) -> Vec<SeriesWindow> {
    let matchers: Matchers = matchers.parse().unwrap();
    let (from, to) = (Timestamp(from), Timestamp(to));
    let query = Query {
        matchers: &matchers,
        from,
        to,
        owner: Owner::Any,
        max_series: 10_000,
        max_samples: 1_000_000,
    };
    let mut all = db.select(&query).unwrap();
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}

pub(crate) fn everything(db: &Tsdb) -> BTreeMap<Labels, Vec<(i64, u64)>> {
    let bits = |s: Vec<Sample>| s.iter().map(|s| (s.t.0, s.v.to_bits())).collect();
    select(db, "", i64::MIN, i64::MAX).into_iter().map(|w| (w.labels, bits(w.samples))).collect()
}

pub(crate) fn labels_of(db: &Tsdb, matchers: &str) -> Vec<String> {
    named(db, matchers, None).iter().map(Labels::to_string).collect()
}

pub(crate) fn named(db: &Tsdb, matchers: &str, range: Option<(i64, i64)>) -> Vec<Labels> {
    let matchers: Matchers = matchers.parse().unwrap();
    let range = range.map(|(from, to)| (Timestamp(from), Timestamp(to)));
    db.series(&Named { matchers: &matchers, owner: Owner::Any, range }, 1000).unwrap()
}

pub(crate) fn values_of(db: &Tsdb, name: &str, owner: Owner<'_>) -> Vec<String> {
    let matchers = Matchers::default();
    db.label_values(name, &Named { matchers: &matchers, owner, range: None }).unwrap()
}
