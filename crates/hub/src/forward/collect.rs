//! Samples become requests in the queues of those receivers that want them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Waiting, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use watchtower_model::{Labels, Timestamp};
use watchtower_tsdb::{SeriesRef, Tsdb};

use super::{Point, Route, encode};

/// A request is closed at this many samples, this many bytes before compression, or this old.
const SAMPLES: u32 = 5_000;
const BYTES: usize = 768 * 1024;
const AGE: Duration = Duration::from_secs(1);
/// Labels of a series are looked up again this often: a server's own may have been edited.
const LABELS_HOLD: Duration = Duration::from_secs(60);
/// Series whose labels are held at most.
const HELD_MAX: usize = 300_000;

/// What the collecting thread is told.
pub(super) enum News {
    Points(Vec<Point>),
    /// The hub stops: everything into the queues, then the answer.
    Flush(SyncSender<()>),
}

pub(super) struct Collector {
    tsdb: Arc<Tsdb>,
    routes: Vec<Filling>,
    looked_up: Instant,
}

/// A receiver's requests that are being filled.
struct Filling {
    route: Arc<Route>,
    /// In the order of time.
    main: Open,
    /// What is older than another sample of its series: some receivers refuse a whole request for one of these.
    late: Open,
    known: HashMap<SeriesRef, Known>,
    generation: u64,
}

struct Open {
    request: Vec<u8>,
    samples: u32,
    since: Instant,
}

struct Known {
    /// As they stand in requests; nothing where the receiver does not want the series.
    labels: Option<Box<[u8]>>,
    generation: u64,
    newest: Timestamp,
}

impl Collector {
    pub(super) fn new(tsdb: Arc<Tsdb>, routes: impl Iterator<Item = Arc<Route>>) -> Collector {
        let open = || Open { request: Vec::new(), samples: 0, since: Instant::now() };
        let filling =
            |route| Filling { route, main: open(), late: open(), known: HashMap::new(), generation: 0 };
        Collector { tsdb, routes: routes.map(filling).collect(), looked_up: Instant::now() }
    }

    /// Until nobody is left who could offer samples.
    pub(super) fn run(mut self, waiting: &Waiting<News>) {
        loop {
            match waiting.recv_timeout(AGE) {
                Ok(News::Points(points)) => {
                    self.routes.iter_mut().for_each(|filling| filling.take(&self.tsdb, &points));
                }
                Ok(News::Flush(done)) => {
                    self.routes.iter_mut().for_each(|filling| filling.close(Duration::ZERO));
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let refresh = self.looked_up.elapsed() >= LABELS_HOLD;
            if refresh {
                self.looked_up = Instant::now();
            }
            for filling in &mut self.routes {
                filling.close(AGE);
                filling.generation += u64::from(refresh);
            }
        }
    }
}

impl Filling {
    fn take(&mut self, tsdb: &Tsdb, points: &[Point]) {
        self.look_up(tsdb, points);
        for (series, t, v) in points {
            let Some(known) = self.known.get_mut(series) else { continue };
            let Some(labels) = &known.labels else { continue };
            let open = if *t > known.newest { &mut self.main } else { &mut self.late };
            known.newest = known.newest.max(*t);
            open.add(labels, *t, *v);
            if open.samples >= SAMPLES || open.request.len() >= BYTES {
                open.close(&self.route);
            }
        }
    }

    fn look_up(&mut self, tsdb: &Tsdb, points: &[Point]) {
        if self.known.len() > HELD_MAX {
            self.known.clear();
        }
        let current =
            |series: &SeriesRef| self.known.get(series).is_some_and(|k| k.generation == self.generation);
        let mut new: Vec<SeriesRef> =
            points.iter().map(|(series, ..)| *series).filter(|series| !current(series)).collect();
        new.sort_unstable();
        new.dedup();
        for (series, labels) in new.iter().zip(tsdb.labels_of(&new)) {
            let wanted = labels.filter(|labels| self.wants(labels));
            let labels = wanted.map(|labels| {
                let all = self.route.receiver.external_labels.merged(&labels);
                encode::labels(&all).into_boxed_slice()
            });
            let newest = self.known.get(series).map_or(Timestamp::MIN, |known| known.newest);
            self.known.insert(*series, Known { labels, generation: self.generation, newest });
        }
    }

    fn wants(&self, labels: &Labels) -> bool {
        let matches = &self.route.receiver.matches;
        matches.is_empty() || matches.iter().any(|m| m.matches(labels))
    }

    /// Closes what is at least so old.
    fn close(&mut self, age: Duration) {
        for open in [&mut self.main, &mut self.late] {
            if open.samples > 0 && open.since.elapsed() >= age {
                open.close(&self.route);
            }
        }
    }
}

impl Open {
    fn add(&mut self, labels: &[u8], t: Timestamp, v: f64) {
        if self.samples == 0 {
            self.since = Instant::now();
        }
        encode::series(&mut self.request, labels, t, v);
        self.samples += 1;
    }

    fn close(&mut self, route: &Route) {
        route.queue.push(&encode::compress(&self.request), self.samples);
        self.request.clear();
        self.samples = 0;
    }
}
