//! Maintenance windows tell when they begin and end: an event for each time, once, whichever hubs are there.
//!
//! Invariant: an event is named by window, time and edge, and stored once under that name. So it may be told twice, by any hub, at any
//! moment: what was missed is told later, with the time at which it was.

use std::collections::BTreeSet;
use std::sync::Mutex;

use watchtower_model::{ChannelId, Event, EventKind, Id, Labels, Severity, Timestamp};
use watchtower_store::{Statement, Stored};

use super::cover::minutes;
use super::{Cover, CoverKind, Spell, Times};
use crate::error::HubError;
use crate::ingest::store_statements;
use crate::jobs::news;
use crate::objects::MaintenanceBody;
use crate::{Hub, WAKE_NEWS, random};

/// What happened while no hub was there is told at most this much later.
const LATE_MS: i64 = 86_400_000;
/// What was told is looked at again for so long: a window that another hub wrote is known here a moment later.
const AGAIN_MS: i64 = 60_000;

/// Until when this hub has told all, and what of the last minute.
#[derive(Default)]
pub(crate) struct WindowsTold(Mutex<Option<(Timestamp, BTreeSet<Edge>)>>);

/// One beginning, or one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    window: Id,
    spell: Spell,
    ended: bool,
    at: Timestamp,
}

/// Tells what began and ended until now.
pub async fn tell_windows(hub: &Hub, now: Timestamp) -> Result<(), HubError> {
    let (objects, late) = (hub.objects(), now.plus_ms(-LATE_MS));
    let told = hub.windows_told.0.lock().expect("no code panics while it holds what was told").clone();
    let (through, told) = told.unwrap_or((late, BTreeSet::new()));
    let since = through.min(now).plus_ms(-AGAIN_MS).max(late);
    let windows = objects.covers.iter().filter(|cover| cover.kind == CoverKind::MaintenanceWindow);
    let edges: Vec<(Edge, &Cover)> = windows
        .flat_map(|cover| edges(cover, since, now).into_iter().map(move |edge| (edge, cover)))
        .collect();
    let new: Vec<_> = edges.iter().filter(|(edge, _)| !told.contains(edge)).collect();
    if !new.is_empty() {
        let told = new.iter().flat_map(|(edge, cover)| statements(hub, edge, &About::of(cover), now));
        hub.store.commit(told.collect()).await?;
        wake(hub);
    }
    let edges = edges.into_iter().map(|(edge, _)| edge).collect();
    *hub.windows_told.0.lock().expect("no code panics while it holds what was told") = Some((now, edges));
    Ok(())
}

/// What a change of a window, or its removal, ends before its time. Part of the change's own commit.
pub(crate) fn cut_short(
    hub: &Hub,
    old: &Stored<MaintenanceBody>,
    new: Option<&MaintenanceBody>,
    now: Timestamp,
) -> Vec<Statement> {
    let spell_of = |body: &MaintenanceBody| {
        if body.0.enabled { Times::of(&body.0, now).at(now) } else { None }
    };
    let Some(spell) = spell_of(&old.body) else { return Vec::new() };
    if new.and_then(spell_of).is_some_and(|kept| kept.from == spell.from) {
        return Vec::new();
    }
    let ended = Spell { to: now, ..spell };
    // Its beginning may be a moment ago, and untold.
    [false, true]
        .map(|over| Edge {
            window: old.id,
            spell: ended,
            ended: over,
            at: if over { now } else { spell.from },
        })
        .into_iter()
        .flat_map(|edge| {
            let body = &old.body.0;
            let about = About { name: &body.name, comment: &body.comment, notify: &body.notify };
            statements(hub, &edge, &about, now)
        })
        .collect()
}

/// What is said of a window, and to whom beside the events.
struct About<'a> {
    name: &'a str,
    comment: &'a str,
    notify: &'a [ChannelId],
}

impl About<'_> {
    fn of(cover: &Cover) -> About<'_> {
        About { name: &cover.name, comment: &cover.comment, notify: &cover.notify }
    }
}

fn statements(hub: &Hub, edge: &Edge, about: &About<'_>, now: Timestamp) -> Vec<Statement> {
    let (event, origin) = event(edge, about.name, about.comment);
    let mut statements = store_statements(&event, Some(&origin), now);
    statements.extend(news::tell(hub, &origin, about.notify, &event.message, &[]));
    statements
}

/// Whoever acts on events, and whoever tells channels.
pub(crate) fn wake(hub: &Hub) {
    hub.wake_events();
    hub.bus.wake(WAKE_NEWS);
}

/// Behind `since`, up to now. A window has no past before it was written as it is: only what was under way then, or came later.
fn edges(cover: &Cover, since: Timestamp, now: Timestamp) -> Vec<Edge> {
    let edge = |spell: Spell, ended, at| Edge { window: cover.id, spell, ended, at };
    let spells = cover.times.between(since.max(cover.changed_at), now).into_iter();
    let both = spells.flat_map(|spell| {
        let began = edge(spell, false, spell.from.max(cover.changed_at));
        [Some(began), (spell.to <= now).then(|| edge(spell, true, spell.to))]
    });
    both.flatten().filter(|edge| edge.at > since).collect()
}

fn event(edge: &Edge, name: &str, comment: &str) -> (Event, String) {
    let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
    let (word, message) = if edge.ended {
        ("ended", format!("the maintenance window {name:?} ended{comment}"))
    } else {
        let until = minutes(edge.spell.to);
        ("started", format!("the maintenance window {name:?} began, until {until}{comment}"))
    };
    let event = Event {
        id: random::id(edge.at).into(),
        kind: EventKind::new(format!("maintenance.{word}")),
        source: "hub".into(),
        server_id: None,
        severity: Severity::Info,
        message,
        labels: Labels::from_pairs([("window", name)]),
        at: edge.at,
    };
    (event, format!("maintenance/{}/{}/{word}", edge.window, edge.spell.from.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn window(changed_at: i64, cron: Option<&str>, once: Option<(i64, i64)>) -> Cover {
        let (from, to) = once.unzip();
        let input = serde_json::json!({"name": "night", "matchers": "team=\"db\"", "cron": cron,
            "timezone": cron.map(|_| "UTC"), "duration_seconds": cron.map(|_| 1800.0),
            "starts_at": from.map(|at| Timestamp(at).to_rfc3339()), "ends_at": to.map(|at| Timestamp(at).to_rfc3339())});
        let body = MaintenanceBody(serde_json::from_value(input).unwrap());
        let at = Timestamp(changed_at);
        let stored = Stored {
            id: Id::NIL,
            version: 1,
            changed_by: String::new(),
            created_at: at,
            updated_at: at,
            body,
        };
        Cover::of_window(&stored, at).unwrap()
    }

    fn told(cover: &Cover, now: i64) -> Vec<(bool, i64)> {
        let since = Timestamp(now - LATE_MS);
        edges(cover, since, Timestamp(now)).into_iter().map(|edge| (edge.ended, edge.at.0)).collect()
    }

    #[test]
    fn what_was_missed_is_told_within_a_day_and_nothing_before_the_window_was_written() {
        let cover = window(100 * HOUR, Some("0 * * * *"), None);
        assert_eq!(told(&cover, 101 * HOUR - 1), [(false, 100 * HOUR), (true, 100 * HOUR + HOUR / 2)]);
        assert_eq!(told(&cover, 101 * HOUR).len(), 3);
        let late = told(&cover, 200 * HOUR);
        assert_eq!((late.len(), late[0]), (48, (true, 176 * HOUR + HOUR / 2)), "{late:?}");
    }

    #[test]
    fn one_that_is_written_while_it_is_under_way_begins_then() {
        let cover = window(10 * HOUR, None, Some((8 * HOUR, 12 * HOUR)));
        assert_eq!(told(&cover, 11 * HOUR), [(false, 10 * HOUR)]);
        assert_eq!(told(&cover, 13 * HOUR), [(false, 10 * HOUR), (true, 12 * HOUR)]);
        assert_eq!(told(&window(12 * HOUR, None, Some((8 * HOUR, 12 * HOUR))), 13 * HOUR), []);
    }
}
