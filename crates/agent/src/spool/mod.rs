//! Reports on disk until the hub has them, and for a while longer.
//!
//! Two lanes with quotas of their own: reports with events go first and cannot be pushed out by metrics. Results of
//! executions have the journal of [`crate::tasks`] as their spool.
//!
//! Invariant: a report is released only by the acknowledgement that names it: with backfill behind live reports, and
//! reports that a hub could not store, the order of sequence numbers says nothing. Time comes from the caller.

mod dictionaries;
mod record;
mod ring;

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use watchtower_protocol::limits::{BACKFILL_CREDITS, MESSAGE_BYTES_MAX};
use watchtower_protocol::{Dictionary, Lane, Progress, Report};

use crate::clock::Moment;
use dictionaries::Dictionaries;
use record::{Header, Meta};
use ring::{Place, Ring};

/// How long an acknowledged report is kept for a hub that was restored from a backup.
pub const RESEND_MS: u64 = 15 * 60_000;
/// Reports under way whose acknowledgement is awaited; more means that the hub does not keep up.
const UNDER_WAY_MAX: usize = 512;
/// After so long without an acknowledgement a report is sent again, so many at once.
const OVERDUE_MS: u64 = 60_000;
const OVERDUE_AT_ONCE: usize = 8;
/// Level of compression on disk; the lowest is a quarter of the JSON's size already.
const COMPRESSION: i32 = 1;

/// Lanes in the order in which they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolLane {
    Events = 0,
    Metrics = 1,
}

const LANES: [SpoolLane; 2] = [SpoolLane::Events, SpoolLane::Metrics];

/// Bytes of disk per lane, reserved when the spool is made.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    pub events_bytes: u64,
    pub metrics_bytes: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas { events_bytes: 4 * 1024 * 1024, metrics_bytes: 24 * 1024 * 1024 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool in {dir} cannot be used: {source}; check its owner and the free space")]
    Io { dir: String, source: io::Error },
}

/// A report that was sent on this connection.
#[derive(Clone, Copy, Debug)]
struct Sent {
    lane: SpoolLane,
    place: Place,
    progress: Progress,
    live: bool,
    at_mono_ms: u64,
}

#[derive(Debug)]
struct LaneState {
    ring: Ring,
    /// Where backfill reads next, and where it ends: what is behind was sent live on this connection.
    cursor: Place,
    end: Place,
}

#[derive(Debug)]
pub struct Spool {
    lanes: [LaneState; 2],
    dictionaries: Dictionaries,
    boot: u32,
    under_way: VecDeque<Sent>,
    credits: u32,
    /// Acknowledged reports newer than this are sent again on this connection.
    resend_after: Option<Progress>,
    failed_writes: u64,
    buffer: Vec<u8>,
}

impl Spool {
    pub fn open(dir: &Path, quotas: Quotas, boot_id: &str) -> Result<Self, SpoolError> {
        let wrap = |source| SpoolError::Io { dir: dir.display().to_string(), source };
        std::fs::create_dir_all(dir).map_err(wrap)?;
        let open = |name: &str, bytes| -> Result<LaneState, SpoolError> {
            let ring = Ring::open(&dir.join(name), bytes).map_err(wrap)?;
            Ok(LaneState { cursor: ring.tail(), end: ring.tail(), ring })
        };
        Ok(Spool {
            lanes: [open("events", quotas.events_bytes)?, open("metrics", quotas.metrics_bytes)?],
            dictionaries: Dictionaries::open(dir.join("dictionaries")).map_err(wrap)?,
            boot: crc32fast::hash(boot_id.as_bytes()),
            under_way: VecDeque::new(),
            credits: 0,
            resend_after: None,
            failed_writes: 0,
            buffer: Vec::new(),
        })
    }

    /// The newest epoch on disk; the next must be larger.
    pub fn newest_epoch(&self) -> u64 {
        let mut newest = 0;
        let mut payload = Vec::new();
        for lane in &self.lanes {
            let mut at = lane.ring.tail();
            while let Ok(Some((place, header))) = lane.ring.next(at, &mut payload) {
                newest = newest.max(header.meta.progress.epoch);
                at = ring::behind(place, &header);
            }
        }
        newest
    }

    /// Keeps a report and the dictionary it names. `live`: it is being sent on the present connection.
    pub fn keep(&mut self, report: &Report, dictionary: &Dictionary, now: Moment, live: bool) {
        if let Err(error) = self.try_keep(report, dictionary, now, live) {
            self.failed_writes += 1;
            if self.failed_writes.is_power_of_two() {
                let count = self.failed_writes;
                crate::log::warn("a report could not be spooled", &[("error", &error), ("count", &count)]);
            }
        }
    }

    fn try_keep(
        &mut self,
        report: &Report,
        dictionary: &Dictionary,
        now: Moment,
        live: bool,
    ) -> io::Result<()> {
        self.dictionaries.save(&report.dictionary, dictionary)?;
        let lane = if report.events.is_empty() { SpoolLane::Metrics } else { SpoolLane::Events };
        let json = serde_json::to_vec(report)?;
        let payload = zstd::bulk::compress(&json, COMPRESSION)?;
        let progress = Progress { epoch: report.epoch, seq: report.seq };
        let meta = Meta { progress, collected: now, boot: self.boot };
        let ring = &mut self.lanes[lane as usize].ring;
        let place = ring.append(&meta, &payload)?;
        if lane == SpoolLane::Events {
            ring.sync()?;
        }
        if live {
            self.note_sent(Sent { lane, place, progress, live, at_mono_ms: now.mono_ms });
        }
        Ok(())
    }

    fn note_sent(&mut self, sent: Sent) {
        if self.under_way.len() >= UNDER_WAY_MAX {
            // Still on disk and not acknowledged: the next connection sends it again.
            self.under_way.pop_front();
        }
        self.under_way.push_back(sent);
    }

    /// A new connection: everything unacknowledged is to be sent, and what the hub has forgotten.
    pub fn connected(&mut self, durable: Option<Progress>, credits: u32) {
        self.under_way.clear();
        self.credits = credits.min(BACKFILL_CREDITS);
        self.resend_after = Some(durable.unwrap_or(Progress { epoch: 0, seq: 0 }));
        for lane in &mut self.lanes {
            lane.cursor = lane.ring.tail();
            lane.end = lane.ring.head();
        }
    }

    pub fn add_credits(&mut self, reports: u32) {
        self.credits = self.credits.saturating_add(reports).min(BACKFILL_CREDITS);
    }

    /// The next spooled report to send, events before metrics, oldest first, while the hub's credits last.
    pub fn next_backfill(&mut self, now: Moment) -> Option<Report> {
        if self.credits == 0 {
            return None;
        }
        for lane in LANES {
            while let Some((place, header)) = self.advance(lane) {
                if !self.is_due(&header, now) {
                    continue;
                }
                let Some(report) = self.decode(&header, false, now) else {
                    // Its dictionary is gone, or it was written by a version that knew other fields.
                    let _ = self.lanes[lane as usize].ring.mark_acked(place);
                    continue;
                };
                self.credits -= 1;
                let progress = header.meta.progress;
                self.note_sent(Sent { lane, place, progress, live: false, at_mono_ms: now.mono_ms });
                return Some(report);
            }
        }
        None
    }

    /// Reads the record at the cursor into the buffer and moves on.
    fn advance(&mut self, lane: SpoolLane) -> Option<(Place, Header)> {
        let state = &mut self.lanes[lane as usize];
        match state.ring.next(state.cursor, &mut self.buffer) {
            Ok(Some((place, header))) if place.number < state.end.number => {
                state.cursor = ring::behind(place, &header);
                Some((place, header))
            }
            Ok(_) => None,
            Err(error) => {
                crate::log::warn("the spool cannot be read", &[("error", &error)]);
                state.cursor = state.end;
                None
            }
        }
    }

    fn is_due(&self, header: &Header, now: Moment) -> bool {
        let forgotten = self.resend_after.is_some_and(|durable| header.meta.progress > durable)
            && self.age_ms(&header.meta, now) <= RESEND_MS;
        !header.acked || forgotten
    }

    /// By the monotonic clock within one boot, else by the wall clock for want of anything better.
    fn age_ms(&self, meta: &Meta, now: Moment) -> u64 {
        if meta.boot == self.boot {
            now.mono_ms.saturating_sub(meta.collected.mono_ms)
        } else {
            now.wall.since(meta.collected.wall).max(0) as u64
        }
    }

    /// The report in the buffer with its true age. Live is only what was sent live and is not older than its interval.
    fn decode(&self, header: &Header, live: bool, now: Moment) -> Option<Report> {
        let json = zstd::bulk::decompress(&self.buffer, MESSAGE_BYTES_MAX).ok()?;
        let mut report: Report = serde_json::from_slice(&json).ok()?;
        report.age_ms = self.age_ms(&header.meta, now);
        let fresh = live && report.age_ms < u64::from(report.interval_ms);
        report.lane = if fresh { Lane::Live } else { Lane::Backfill };
        Some(report)
    }

    /// Releases the report that the hub has.
    pub fn ack(&mut self, durable: Progress) {
        // Almost always the oldest; twice under way after a resend.
        while let Some(at) = self.under_way.iter().position(|sent| sent.progress == durable) {
            let Some(sent) = self.under_way.remove(at) else { return };
            if let Err(error) = self.lanes[sent.lane as usize].ring.mark_acked(sent.place) {
                crate::log::warn("an acknowledgement could not be noted", &[("error", &error)]);
            }
        }
    }

    /// What is under way with this dictionary once more, in the order sent: the hub lacked it. The others are not: a hub that
    /// keeps a few dictionaries would ask for one after the other for ever.
    pub fn under_way_again(&mut self, now: Moment, dictionary: &str) -> Vec<Report> {
        self.again(now, 0, usize::MAX, Some(dictionary))
    }

    /// What has waited too long for its acknowledgement, once more: the hub could not store it then.
    pub fn overdue(&mut self, now: Moment) -> Vec<Report> {
        self.again(now, OVERDUE_MS, OVERDUE_AT_ONCE, None)
    }

    fn again(
        &mut self,
        now: Moment,
        older_than_ms: u64,
        count_max: usize,
        dictionary: Option<&str>,
    ) -> Vec<Report> {
        let mut reports = Vec::new();
        for at in 0..self.under_way.len() {
            let sent = self.under_way[at];
            if reports.len() >= count_max || now.mono_ms.saturating_sub(sent.at_mono_ms) < older_than_ms {
                continue;
            }
            let ring = &self.lanes[sent.lane as usize].ring;
            if let Ok(Some((place, header))) = ring.next(sent.place, &mut self.buffer)
                && place == sent.place
            {
                let report = self.decode(&header, sent.live, now);
                if report
                    .as_ref()
                    .is_some_and(|report| dictionary.is_some_and(|hash| report.dictionary != hash))
                {
                    continue;
                }
                // Also for one that cannot be decoded: it would else be decoded again at each look.
                self.under_way[at].at_mono_ms = now.mono_ms;
                reports.extend(report);
            }
        }
        reports
    }

    pub fn dictionary(&self, hash: &str) -> Option<Dictionary> {
        self.dictionaries.load(hash)
    }

    /// Reports dropped before the hub had them, per lane.
    pub fn dropped(&self) -> [u64; 2] {
        let [events, metrics] = &self.lanes;
        [events.ring.dropped(), metrics.ring.dropped() + self.failed_writes]
    }

    /// Reports not yet acknowledged, per lane.
    pub fn pending(&self) -> [u64; 2] {
        let [events, metrics] = &self.lanes;
        [events.ring.unacked(), metrics.ring.unacked()]
    }
}

#[cfg(test)]
mod tests;
