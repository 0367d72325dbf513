//! Many incidents at one time: from the fourth page in a minute to one channel on, those that say nothing new or worse wait for each
//! other and go out as one message; and so do notices that it is over.
//!
//! Invariant: a message waits once, by at most a minute. The first page of a service, the next step of an incident that was told, and
//! what is worse than all that was told never wait. Only how messages are told depends on this memory, never whether.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use watchtower_model::{ChannelId, IncidentId, ServiceId, Severity, Timestamp};
use watchtower_store::{OutboxRow, WAITS_FOR_OTHERS};

/// Messages of one sort to one channel that go out each by itself.
pub const ALONE_MAX: usize = 3;
/// In a time of so long.
pub const WINDOW_MS: i64 = 60_000;

/// What is told together: pages with pages, ends with ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    Page,
    End,
}

impl Sort {
    /// Of a kind of the outbox's rows; absent: what is told by itself.
    pub fn of(kind: &str) -> Option<Sort> {
        match kind {
            "page" => Some(Sort::Page),
            "resolve" => Some(Sort::End),
            _ => None,
        }
    }
}

/// What was told, or is to be.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub at: Timestamp,
    pub incident: IncidentId,
    pub service: ServiceId,
    pub severity: Severity,
}

/// What each channel was told in the last minute.
#[derive(Default)]
pub struct Pace(Mutex<HashMap<(ChannelId, Sort), VecDeque<Told>>>);

impl Pace {
    /// Until when a message waits; absent: it goes out now, and counts. `window_ms`: [`WINDOW_MS`], but for tests.
    pub fn wait_until(&self, channel: ChannelId, sort: Sort, new: Told, window_ms: i64) -> Option<Timestamp> {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = channels.entry((channel, sort)).or_default();
        told.retain(|one| new.at.since(one.at) < window_ms);
        let joins = told.len() >= ALONE_MAX && (sort == Sort::End || is_more(told, new));
        let first = told.front().map(|one| one.at).filter(|_| joins);
        if first.is_none() {
            told.push_back(new);
        }
        first.map(|at| at.plus_ms(window_ms))
    }

    /// One message, whatever of it.
    pub fn count(&self, channel: ChannelId, sort: Sort, told: Told) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.entry((channel, sort)).or_default().push_back(told);
    }
}

/// Whether a page is only more of what was told.
fn is_more(told: &VecDeque<Told>, page: Told) -> bool {
    told.iter().all(|one| one.incident != page.incident)
        && told.iter().any(|one| one.service == page.service)
        && told.iter().any(|one| one.severity >= page.severity)
}

/// Claimed messages as they are sent: those of one sort to one channel together if they have waited for that, or are more than go
/// out alone. `bundles`: whether people read the channel, and not a program.
pub fn groups(rows: Vec<OutboxRow>, bundles: impl Fn(ChannelId, Sort) -> bool) -> Vec<Vec<OutboxRow>> {
    let mut alike: HashMap<(ChannelId, Sort), Vec<OutboxRow>> = HashMap::new();
    let mut out = Vec::new();
    for row in rows {
        match Sort::of(&row.kind) {
            Some(sort) => alike.entry((row.channel_id, sort)).or_default().push(row),
            None => out.push(vec![row]),
        }
    }
    for ((channel, sort), alike) in alike {
        if alike.len() < 2 || !bundles(channel, sort) {
            out.extend(alike.into_iter().map(|row| vec![row]));
            continue;
        }
        let many = alike.len() > ALONE_MAX;
        let (together, alone): (Vec<_>, Vec<_>) =
            alike.into_iter().partition(|row| many || row.last_error.as_deref() == Some(WAITS_FOR_OTHERS));
        out.extend(alone.into_iter().map(|row| vec![row]));
        out.extend(Some(together).filter(|rows| !rows.is_empty()));
    }
    out
}

#[cfg(test)]
mod tests {
    use watchtower_model::Id;

    use super::*;

    const CHANNEL: ChannelId = ChannelId(Id::from_bytes([9; 16]));

    fn page(seconds: i64, incident: u8, service: u8, severity: Severity) -> Told {
        Told {
            at: Timestamp(seconds * 1_000),
            incident: IncidentId(Id::from_bytes([incident; 16])),
            service: ServiceId(Id::from_bytes([service; 16])),
            severity,
        }
    }

    fn waits(pace: &Pace, page: Told) -> Option<i64> {
        pace.wait_until(CHANNEL, Sort::Page, page, WINDOW_MS).map(|at| at.0 / 1_000)
    }

    #[test]
    fn the_fourth_in_a_minute_waits_unless_it_says_something_new_or_worse() {
        let pace = Pace::default();
        for incident in 1..=3 {
            assert_eq!(waits(&pace, page(i64::from(incident) * 10, incident, 1, Severity::Error)), None);
        }
        assert_eq!(waits(&pace, page(31, 4, 1, Severity::Error)), Some(70));
        assert_eq!(
            waits(&pace, page(32, 5, 1, Severity::Warning)),
            Some(70),
            "all of them to the same moment"
        );
        assert_eq!(waits(&pace, page(33, 6, 2, Severity::Warning)), None, "the first of its service");
        assert_eq!(waits(&pace, page(34, 7, 1, Severity::Critical)), None, "it is worse");
        assert_eq!(waits(&pace, page(35, 2, 1, Severity::Error)), None, "its next step");
        assert_eq!(
            pace.wait_until(ChannelId(Id::NIL), Sort::Page, page(36, 8, 1, Severity::Error), WINDOW_MS),
            None,
            "elsewhere"
        );
        let end = |seconds, incident| {
            let new = page(seconds, incident, incident, Severity::Critical);
            pace.wait_until(CHANNEL, Sort::End, new, WINDOW_MS).map(|at| at.0 / 1_000)
        };
        assert_eq!(
            [1, 2, 3, 4].map(|incident| end(40, incident)),
            [None, None, None, Some(100)],
            "by themselves"
        );
        assert_eq!(waits(&pace, page(100, 9, 1, Severity::Error)), None, "the minute is over");
    }

    fn row(channel: u8, kind: &str, error: Option<&str>) -> OutboxRow {
        OutboxRow {
            id: Id::NIL,
            idem_key: String::new(),
            incident_id: IncidentId(Id::NIL),
            generation: 0,
            kind: kind.into(),
            channel_id: ChannelId(Id::from_bytes([channel; 16])),
            body: String::new(),
            state: "sending".into(),
            attempts: 1,
            created_at: Timestamp(0),
            next_at: None,
            lease_until: None,
            delivered_at: None,
            handle: None,
            last_error: error.map(Into::into),
        }
    }

    #[test]
    fn pages_that_waited_or_are_many_are_sent_together() {
        let sizes = |rows: Vec<OutboxRow>| {
            let mut sizes: Vec<_> =
                groups(rows, |id, _| id.0 != Id::from_bytes([7; 16])).iter().map(Vec::len).collect();
            sizes.sort_unstable();
            sizes
        };
        let new = || row(1, "page", None);
        let waited = || row(1, "page", Some(WAITS_FOR_OTHERS));
        assert_eq!(sizes(vec![new(), new(), new()]), [1, 1, 1]);
        assert_eq!(sizes(vec![new(), new(), new(), new()]), [4]);
        assert_eq!(sizes(vec![waited(), waited(), new()]), [1, 2]);
        assert_eq!(sizes(vec![row(1, "resolve", None), waited()]), [1, 1]);
        assert_eq!(
            sizes((0..4).map(|_| row(1, "resolve", None)).chain([waited(), waited()]).collect()),
            [2, 4]
        );
        assert_eq!(sizes((0..5).map(|_| row(1, "ack", None)).collect()), [1; 5], "each says who has it");
        assert_eq!(sizes((0..5).map(|_| row(7, "page", None)).collect()), [1; 5], "a program reads them");
        assert_eq!(sizes(vec![new(), new(), row(2, "page", None), row(2, "page", None)]), [1; 4]);
    }
}
