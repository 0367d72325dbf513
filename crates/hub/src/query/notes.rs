//! What is to be said of an answer: where rollups took the place of samples, and which functions know too little of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use watchtower_model::{Timestamp, format_duration_ms};
use watchtower_promql::{BucketSpan, Wanted};

#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By the length of the buckets, until when.
    spans: BTreeMap<i64, Timestamp>,
    roughly: BTreeSet<&'static str>,
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().expect("no code panics while it holds the notes")
    }

    /// A selector read these spans from `from` on.
    pub(super) fn add(&self, spans: &[BucketSpan], from: Timestamp, wanted: Wanted) {
        let mut seen = self.lock();
        for span in spans.iter().filter(|span| span.until > from) {
            let until = seen.spans.entry(span.bucket_ms).or_insert(span.until);
            *until = span.until.max(*until);
            seen.roughly.extend(wanted.roughly);
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let seen = self.lock();
        let span = |(bucket_ms, until): (&i64, &Timestamp)| {
            format!(
                "before {} samples are no longer kept: answered from rollups of {}",
                until.to_rfc3339(),
                format_duration_ms(*bucket_ms)
            )
        };
        let mut all: Vec<String> = seen.spans.iter().map(span).collect();
        if !seen.roughly.is_empty() {
            let names: Vec<&str> = seen.roughly.iter().copied().collect();
            all.push(format!("{} knows only the last value of each bucket of rollups", names.join(", ")));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use watchtower_promql::Reads;

    use super::*;

    #[test]
    fn each_resolution_is_named_once_and_so_is_what_is_rough() {
        let wanted = |reads, roughly| Wanted { reads, roughly, grain_ms: 1 };
        let notes = Notes::default();
        assert!(notes.warnings().is_empty());
        let spans = [(86_400_000, 3_600_000), (172_800_000, 60_000)];
        let spans = spans.map(|(until, bucket_ms)| BucketSpan { until: Timestamp(until), bucket_ms });
        notes.add(&spans, Timestamp(90_000_000), wanted(Reads::Growth, None));
        let minutes =
            "before 1970-01-03T00:00:00.000Z samples are no longer kept: answered from rollups of 1m";
        assert_eq!(notes.warnings(), [minutes]);
        notes.add(&spans, Timestamp(0), wanted(Reads::Last, Some("deriv")));
        assert_eq!(
            notes.warnings(),
            [
                minutes,
                "before 1970-01-02T00:00:00.000Z samples are no longer kept: answered from rollups of 1h",
                "deriv knows only the last value of each bucket of rollups",
            ]
        );
    }
}
