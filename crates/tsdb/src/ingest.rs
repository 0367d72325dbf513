//! Samples in: checked, put into the head, queued for the log.
//!
//! Invariant: nothing is refused silently; every sample of a batch is counted in its [`Outcome`].

use std::sync::atomic::Ordering::Relaxed;

use watchtower_model::{AgentId, Id, Labels, Timestamp};

use crate::SeriesRef;
use crate::commit::Ticket;
use crate::db::{Tsdb, TsdbError};
use crate::head::{Fate, Head, LateBounds};
use crate::index::Resolved;
use crate::limits::{BACKFILL_MS, FUTURE_MS, LATE_SAMPLES, LOG_BACKLOG_BYTES, OUT_OF_ORDER_MS};
use crate::record::{self, LogSample};
use crate::series::encode_key;

/// Where an agent is in its own numbering of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub agent: AgentId,
    pub epoch: u64,
    pub seq: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// One report: all at one time.
    Report { t: Timestamp, values: &'a [(SeriesRef, f64)] },
    /// Any series, any times.
    Loose(&'a [(SeriesRef, Timestamp, f64)]),
}

/// One report, or one request of another protocol.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Stored with the samples; `None` for senders that are no agents.
    pub progress: Option<Progress>,
    pub received_at: Timestamp,
    /// Samples may be up to 24 h behind their series' newest instead of 1 h.
    pub backfill: bool,
    pub samples: Samples<'a>,
}

/// What became of a batch's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub accepted: u32,
    /// There was a sample of that series and time already: it stays.
    pub duplicates: u32,
    /// Further behind its series' newest sample, or its own arrival, than allowed.
    pub too_old: u32,
    /// More than 10 minutes after its arrival.
    pub too_new: u32,
    /// The series was removed: resolve again.
    pub unknown: u32,
    /// Too many out-of-order samples wait for the next flush: send again later.
    pub late_full: u32,
}

impl Outcome {
    fn count(&mut self, fate: Fate) -> bool {
        let counter = match fate {
            Fate::Accepted => &mut self.accepted,
            Fate::Duplicate => &mut self.duplicates,
            Fate::TooOld => &mut self.too_old,
            Fate::LateFull => &mut self.late_full,
            Fate::Unknown => &mut self.unknown,
        };
        *counter += 1;
        fate == Fate::Accepted
    }
}

impl Tsdb {
    /// Finds or makes the series of `resource` with these own labels. Call it once per dictionary.
    ///
    /// Only labels of the series itself: the resource's are joined when reading. A refused label set does not
    /// hinder the others.
    pub fn resolve(&self, resource: Option<Id>, labels: &[Labels]) -> Resolved {
        let mut resolved = Resolved { refs: Vec::with_capacity(labels.len()), refused: 0, limit: None };
        let mut head = self.head_mut();
        let mut new = Vec::new();
        for labels in labels {
            let made =
                head.resolve(resource, labels, self.options.series_per_resource, self.options.series_total);
            resolved.refs.push(match made {
                Ok((number, is_new)) => {
                    if is_new {
                        record::put_series(&mut new, u64::from(number), &encode_key(resource, labels));
                    }
                    Some(SeriesRef(u64::from(number)))
                }
                Err(limit) => {
                    resolved.refused += 1;
                    resolved.limit.get_or_insert(limit);
                    None
                }
            });
        }
        if !new.is_empty() {
            // Not waited for: the samples that need these series come later in the same log.
            self.commit.queue(&[], |log| log.extend_from_slice(&new));
        }
        self.counters.series_refused.fetch_add(resolved.refused as u64, Relaxed);
        resolved
    }

    /// Sets the labels that all series of a resource share (job, instance, the server's own).
    pub fn set_resource(&self, id: Id, labels: Labels) {
        self.head_mut().index.set_resource_labels(id, labels);
    }

    /// Labels without those that the resource gives to all of its series: what [`Tsdb::resolve`] wants.
    pub fn own_labels(&self, resource: Option<Id>, labels: &Labels) -> Labels {
        match resource {
            Some(id) => self.head().index.own_labels(id, labels),
            None => labels.clone(),
        }
    }

    /// Forgets a resource and its series, durably. Its chunks go with their days.
    pub fn remove_resource(&self, id: Id) -> Result<usize, TsdbError> {
        let (numbers, ticket) = {
            let mut head = self.head_mut();
            let numbers = head.remove_resource(id);
            let ticket = self.commit.queue(&[], |log| record::put_removed(log, &numbers));
            (numbers, ticket)
        };
        self.wait(ticket)?;
        let refs: Vec<u64> = numbers.iter().map(|n| u64::from(*n)).collect();
        self.store.remove_series(&refs)?;
        Ok(refs.len())
    }

    /// Takes samples and returns, once they are durable, what became of each batch's.
    pub fn append(&self, batches: &[Batch<'_>]) -> Result<Vec<Outcome>, TsdbError> {
        let (ticket, outcomes) = self.enqueue(batches)?;
        self.wait(ticket)?;
        Ok(outcomes)
    }

    /// The first half of [`Tsdb::append`]: readable at once, durable only after [`Tsdb::wait`].
    pub fn enqueue(&self, batches: &[Batch<'_>]) -> Result<(Ticket, Vec<Outcome>), TsdbError> {
        let waiting = self.commit.backlog();
        if waiting > LOG_BACKLOG_BYTES {
            return Err(TsdbError::LogBacklog { bytes: waiting });
        }
        let mut outcomes = Vec::with_capacity(batches.len());
        let mut progress = Vec::new();
        let mut accepted = Vec::new();
        let mut head = self.head_mut();
        for batch in batches {
            outcomes.push(take(&mut head, batch, self.options.max_age_ms, &mut accepted));
            progress.extend(batch.progress);
        }
        let ticket = self.commit.queue(&progress, |log| {
            if !accepted.is_empty() {
                record::put_samples(log, &accepted);
            }
            progress.iter().for_each(|p| record::put_progress(log, p));
        });
        drop(head);
        self.count(&outcomes);
        Ok((ticket, outcomes))
    }

    /// Returns when everything up to `ticket` is durable. After an error the samples are still queued, and
    /// the next commit tries again; the caller must not acknowledge them.
    pub fn wait(&self, ticket: Ticket) -> Result<(), TsdbError> {
        Ok(self.commit.wait(ticket, &*self.store)?)
    }

    /// The greatest (epoch, seq) of an agent whose samples are durable.
    pub fn progress(&self, agent: AgentId) -> Option<(u64, u64)> {
        self.commit.progress(agent.0)
    }

    fn count(&self, outcomes: &[Outcome]) {
        for o in outcomes {
            self.counters.accepted.fetch_add(o.accepted.into(), Relaxed);
            self.counters.duplicates.fetch_add(o.duplicates.into(), Relaxed);
            let refused = o.too_old + o.too_new + o.unknown + o.late_full;
            self.counters.refused.fetch_add(refused.into(), Relaxed);
        }
    }
}

fn take(head: &mut Head, batch: &Batch<'_>, max_age_ms: i64, accepted: &mut Vec<LogSample>) -> Outcome {
    let mut outcome = Outcome::default();
    let window_ms = if batch.backfill { BACKFILL_MS } else { OUT_OF_ORDER_MS };
    let bounds = LateBounds { window_ms, samples: LATE_SAMPLES };
    let latest = batch.received_at.plus_ms(FUTURE_MS);
    let oldest = batch.received_at - max_age_ms;
    let mut one = |series: SeriesRef, t: Timestamp, v: f64| {
        if t > latest {
            outcome.too_new += 1;
            return;
        }
        if t < oldest {
            outcome.too_old += 1;
            return;
        }
        let number = u32::try_from(series.0).unwrap_or(u32::MAX);
        if outcome.count(head.push(number, t.0, v, bounds)) {
            accepted.push((number, t.0, v));
        }
    };
    match batch.samples {
        Samples::Report { t, values } => values.iter().for_each(|(s, v)| one(*s, t, *v)),
        Samples::Loose(samples) => samples.iter().for_each(|(s, t, v)| one(*s, *t, *v)),
    }
    outcome
}
