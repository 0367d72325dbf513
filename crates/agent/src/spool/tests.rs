//! Hours without a hub, lost acknowledgements, restarts and restored hubs, in virtual time.

use std::collections::BTreeSet;

use super::*;
use watchtower_model::{EventKind, Labels, Severity, Timestamp};
use watchtower_protocol::{AgentEvent, Lane, SeriesEntry, Value};

const INTERVAL_MS: u64 = 10_000;
const QUOTAS: Quotas = Quotas { events_bytes: 64 * 1024, metrics_bytes: 512 * 1024 };

/// Agent, hub and the clock between them.
struct World {
    dir: tempfile::TempDir,
    spool: Spool,
    epoch: u64,
    seq: u64,
    now: Moment,
    hub: BTreeSet<Progress>,
    made: BTreeSet<Progress>,
}

fn dictionary() -> Dictionary {
    Dictionary { series: vec![SeriesEntry { name: "m".into(), labels: Labels::empty() }] }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path(), QUOTAS, "boot").unwrap();
        let now = Moment { wall: Timestamp(1_700_000_000_000), mono_ms: 1_000_000 };
        World { dir, spool, epoch: 1, seq: 0, now, hub: BTreeSet::new(), made: BTreeSet::new() }
    }

    fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall = self.now.wall.plus_ms(ms as i64);
    }

    /// One collection; `live` when connected.
    fn tick(&mut self, live: bool, event: bool) -> Progress {
        self.pass(INTERVAL_MS);
        self.seq += 1;
        let events = event.then(|| AgentEvent {
            kind: EventKind::new("unit.failed"),
            severity: Severity::Error,
            message: "x".into(),
            labels: Labels::empty(),
            t: self.now.wall,
        });
        let report = Report {
            epoch: self.epoch,
            seq: self.seq,
            lane: Lane::Live,
            t: self.now.wall,
            age_ms: 0,
            interval_ms: INTERVAL_MS as u32,
            dictionary: dictionary().hash(),
            samples: (0..20).map(|i| (0, Value((self.seq * 977 + i) as f64))).collect(),
            processes: None,
            facts: None,
            events: events.into_iter().collect(),
        };
        self.spool.keep(&report, &dictionary(), self.now, live);
        let progress = Progress { epoch: self.epoch, seq: self.seq };
        self.made.insert(progress);
        if live {
            self.hub.insert(progress);
        }
        progress
    }

    /// The hub takes what is offered, acknowledges each and returns the credit, `rounds` times.
    fn backfill(&mut self, rounds: usize) -> Vec<Report> {
        let mut taken = Vec::new();
        for _ in 0..rounds {
            let Some(report) = self.spool.next_backfill(self.now) else { break };
            let progress = Progress { epoch: report.epoch, seq: report.seq };
            self.hub.insert(progress);
            self.spool.ack(progress);
            self.spool.add_credits(1);
            taken.push(report);
        }
        taken
    }

    fn restart(&mut self) {
        self.spool = Spool::open(self.dir.path(), QUOTAS, "boot").unwrap();
        assert_eq!(self.spool.newest_epoch(), self.made.last().map_or(0, |progress| progress.epoch));
        self.epoch += 1;
        self.seq = 0;
    }
}

#[test]
fn hours_without_a_hub_are_filled_in_events_first_and_nothing_is_lost_uncounted() {
    let mut world = World::new();
    for tick in 0..6 * 360 {
        world.tick(false, tick % 100 == 0);
    }
    world.spool.connected(None, 8);
    let live = world.tick(true, false);
    world.spool.ack(live);
    let taken = world.backfill(usize::MAX);
    let events: Vec<bool> = taken.iter().map(|r| !r.events.is_empty()).collect();
    assert!(events.iter().take(20).all(|e| *e) && !events[30], "events were not sent first");
    let metrics: Vec<u64> = taken.iter().filter(|r| r.events.is_empty()).map(|r| r.seq).collect();
    assert!(metrics.windows(2).all(|w| w[0] < w[1]), "not oldest first");
    assert!(taken.iter().all(|r| r.lane == Lane::Backfill));
    let newest = taken.iter().find(|r| r.seq == 2160).unwrap();
    assert_eq!(newest.age_ms, INTERVAL_MS);
    let dropped: u64 = world.spool.dropped().iter().sum();
    assert!(dropped > 0, "the quota of this test is meant to be hit");
    assert_eq!(world.hub.len() as u64 + dropped, world.made.len() as u64);
    assert_eq!(world.spool.pending(), [0, 0]);
}

#[test]
fn credits_bound_what_is_under_way() {
    let mut world = World::new();
    for _ in 0..20 {
        world.tick(false, false);
    }
    world.spool.connected(None, 3);
    assert_eq!((0..9).filter_map(|_| world.spool.next_backfill(world.now)).count(), 3);
    world.spool.add_credits(2);
    assert_eq!((0..9).filter_map(|_| world.spool.next_backfill(world.now)).count(), 2);
}

#[test]
fn what_was_sent_but_not_acknowledged_is_sent_again() {
    let mut world = World::new();
    world.spool.connected(None, 8);
    let first = world.tick(true, false);
    world.tick(true, true);
    let third = world.tick(true, false);
    world.spool.ack(first);
    world.spool.connected(Some(first), 8);
    let again: Vec<u64> = world.backfill(9).iter().map(|r| r.seq).collect();
    assert_eq!(again, [2, 3]);
    world.spool.connected(Some(third), 8);
    assert!(world.backfill(9).is_empty());
}

#[test]
fn an_acknowledgement_releases_only_what_it_names() {
    let mut world = World::new();
    let old = world.tick(false, false);
    world.spool.connected(None, 8);
    let live = world.tick(true, false);
    // Sent after the live one, though its number is smaller: the hub may die before it has it.
    assert_eq!(world.spool.next_backfill(world.now).unwrap().seq, old.seq);
    world.spool.ack(live);
    assert_eq!(world.spool.pending(), [0, 1]);
    // Nor does a later one cover what the hub refused to store.
    let next = world.tick(true, false);
    world.spool.ack(next);
    assert_eq!(world.spool.pending(), [0, 1]);
    assert!(world.spool.overdue(world.now).is_empty());
    world.pass(OVERDUE_MS);
    let again = world.spool.overdue(world.now);
    assert_eq!(again.iter().map(|r| (r.seq, r.lane)).collect::<Vec<_>>(), [(old.seq, Lane::Backfill)]);
    assert!(world.spool.overdue(world.now).is_empty());
    world.spool.ack(old);
    assert_eq!(world.spool.pending(), [0, 0]);
}

#[test]
fn a_restored_hub_gets_the_last_quarter_of_an_hour_again() {
    let mut world = World::new();
    world.spool.connected(None, 8);
    let mut known = None;
    for tick in 0..200 {
        let progress = world.tick(true, false);
        world.spool.ack(progress);
        if tick == 150 {
            known = Some(progress);
        }
    }
    world.spool.connected(known, 64);
    assert_eq!(
        world.backfill(usize::MAX).iter().map(|r| r.seq).collect::<Vec<_>>(),
        (152..=200).collect::<Vec<_>>()
    );
    world.spool.connected(Some(Progress { epoch: 0, seq: 0 }), 64);
    assert_eq!(world.backfill(usize::MAX).len() as u64, RESEND_MS / INTERVAL_MS + 1);
    world.pass(RESEND_MS);
    world.spool.connected(Some(Progress { epoch: 0, seq: 0 }), 64);
    assert!(world.backfill(9).iter().all(|r| r.seq == 200));
}

#[test]
fn restarts_and_lost_connections_lose_nothing() {
    let mut world = World::new();
    // A small generator is enough: what matters is that every interleaving kind occurs.
    let mut random = 12345_u64;
    let mut connected = false;
    for _ in 0..3000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match (random >> 33) % 40 {
            0 => {
                world.restart();
                connected = false;
            }
            1..4 => connected = false,
            4..10 if !connected => {
                let durable = world.hub.iter().next_back().copied();
                world.spool.connected(durable, 4);
                connected = true;
            }
            10..20 if connected => {
                world.backfill(3);
            }
            n => {
                let progress = world.tick(connected, n % 9 == 0);
                // Every third acknowledgement is lost with the wind.
                if connected && n % 3 > 0 {
                    world.spool.ack(progress);
                }
            }
        }
    }
    world.spool.connected(None, 64);
    world.backfill(usize::MAX);
    assert_eq!(world.spool.dropped(), [0, 0]);
    let missing: Vec<_> = world.made.difference(&world.hub).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(world.spool.pending(), [0, 0]);
}

#[test]
fn after_another_boot_the_wall_clock_tells_the_age() {
    let mut world = World::new();
    world.tick(false, false);
    world.spool = Spool::open(world.dir.path(), QUOTAS, "another boot").unwrap();
    world.now.mono_ms = 5;
    world.now.wall = world.now.wall.plus_ms(77_000);
    world.spool.connected(None, 8);
    assert_eq!(world.spool.next_backfill(world.now).unwrap().age_ms, 77_000);
}

#[test]
fn a_missing_dictionary_resends_what_is_under_way() {
    let mut world = World::new();
    world.tick(false, false);
    world.spool.connected(None, 8);
    world.tick(true, false);
    world.spool.next_backfill(world.now).unwrap();
    let hash = dictionary().hash();
    let again: Vec<(u64, Lane)> =
        world.spool.under_way_again(world.now, &hash).iter().map(|r| (r.seq, r.lane)).collect();
    assert_eq!(again, [(2, Lane::Live), (1, Lane::Backfill)]);
    assert!(world.spool.under_way_again(world.now, "of no report").is_empty());
    assert_eq!(world.spool.dictionary(&hash).unwrap(), dictionary());
}

#[test]
fn what_cannot_be_decoded_is_looked_at_once_per_wait() {
    let mut world = World::new();
    world.spool.connected(None, 8);
    let whole = world.tick(true, false);
    let meta = Meta { progress: Progress { epoch: 1, seq: 9 }, collected: world.now, boot: world.spool.boot };
    let place =
        world.spool.lanes[SpoolLane::Metrics as usize].ring.append(&meta, b"of a newer version").unwrap();
    let at_mono_ms = world.now.mono_ms;
    let lane = SpoolLane::Metrics;
    world.spool.note_sent(Sent { lane, place, progress: meta.progress, live: true, at_mono_ms });
    world.pass(OVERDUE_MS);
    assert_eq!(world.spool.overdue(world.now).iter().map(|r| r.seq).collect::<Vec<_>>(), [whole.seq]);
    assert!(world.spool.under_way.iter().all(|sent| sent.at_mono_ms == world.now.mono_ms));
    // Another dictionary's reports keep their time: they were not sent.
    world.pass(OVERDUE_MS);
    world.spool.under_way_again(world.now, "of no report");
    assert_eq!(world.spool.overdue(world.now).len(), 1);
}
