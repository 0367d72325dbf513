//! Alerts that open only at so many triggers within a time: each is counted in the database, and what is held is shown.
//!
//! Invariant: nothing is dropped in silence. What is held is listed with its count, and told by an event when that begins; what cannot
//! be counted opens at once.

use watchtower_api_types as api;
use watchtower_model::limits::TEXT_BYTES_MAX;
use watchtower_model::{Event, EventKind, Labels, Timestamp, format_duration_ms, truncate};
use watchtower_store::{DbError, HeldRow, Json, Statement, Store};

use super::{Sender, Signal};
use crate::configure::source_of;
use crate::error::HubError;
use crate::ingest::store_statements;
use crate::{Hub, random};

/// Alerts of one integration that are held at one time: one more opens at once.
const HELD_MAX: i64 = 1_000;
/// Times that a count is tried again when another hub was faster.
const TRIES: usize = 8;

pub(super) enum Counted {
    /// It is not to be opened yet.
    Held,
    /// It opens; what is written with it.
    Opens(Vec<Statement>),
}

/// Counts a trigger of an alert that has a key. The one that makes the number full says so in its description.
pub(super) async fn count(
    hub: &Hub,
    sender: &Sender,
    source: &str,
    key: &str,
    signal: &mut Signal,
) -> Result<Counted, HubError> {
    let Some(after) = &sender.integration.body.open_after else { return Ok(Counted::Opens(Vec::new())) };
    if signal.key.is_none() || hub.store.open_alert(source, key).await?.is_some() {
        return Ok(Counted::Opens(Vec::new()));
    }
    for _ in 0..TRIES {
        let now = hub.now();
        let row = next(hub.store.held(source, key).await?, source, key, after, signal, now);
        if row.times.0.len() >= after.triggers as usize {
            let lasts = format_duration_ms(within_ms(after));
            let text = format!("{}\ntriggered {} times within {lasts}", signal.description, after.triggers);
            signal.description = truncate(text.trim_start(), TEXT_BYTES_MAX).to_string();
            return Ok(Counted::Opens(vec![Store::delete_held(source, key)]));
        }
        let mut statements = vec![Store::save_held(&row)];
        if row.times.0.len() == 1 {
            if hub.store.held_count(source, now).await? >= HELD_MAX {
                return Ok(Counted::Opens(Vec::new()));
            }
            statements.extend(store_statements(&event(sender, &row, after), None, now));
        }
        match hub.store.commit(statements).await {
            Ok(_) => {
                hub.wake_events();
                return Ok(Counted::Held);
            }
            Err(DbError::Stale | DbError::Unique(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Counted::Opens(Vec::new()))
}

/// The end of an alert: what was counted of it counts no more.
pub(super) fn end(sender: &Sender, source: &str, key: &str) -> Vec<Statement> {
    let counts = sender.integration.body.open_after.is_some();
    counts.then(|| Store::delete_held(source, key)).into_iter().collect()
}

fn within_ms(after: &api::OpenAfter) -> i64 {
    (after.within_seconds * 1000.0) as i64
}

/// With one more trigger, without those that are too long ago.
fn next(
    before: Option<HeldRow>,
    source: &str,
    key: &str,
    after: &api::OpenAfter,
    signal: &Signal,
    now: Timestamp,
) -> HeldRow {
    let within = within_ms(after);
    let (mut times, revision) = before.map_or((Vec::new(), 0), |row| (row.times.0, row.revision));
    times.retain(|at| now.0 - at < within);
    times.push(now.0);
    HeldRow {
        source: source.into(),
        dedup_key: key.into(),
        first_at: Timestamp(times[0]),
        times: Json(times),
        severity: signal.severity,
        summary: signal.summary.clone(),
        labels: Json(signal.labels.clone()),
        last_at: now,
        until_at: now.plus_ms(within),
        revision: revision + 1,
    }
}

fn event(sender: &Sender, row: &HeldRow, after: &api::OpenAfter) -> Event {
    let (name, lasts) = (sender.name(), format_duration_ms(within_ms(after)));
    let own = Labels::from_pairs([("integration", name)]);
    let labels = row.labels.0.merged(&own);
    Event {
        id: random::id(row.last_at).into(),
        kind: EventKind::new("alert.held"),
        source: row.source.clone(),
        server_id: None,
        severity: row.severity,
        message: format!("held until it comes {} times within {lasts}: {}", after.triggers, row.summary),
        // One more than there may be could not be read again.
        labels: if labels.check().is_ok() { labels } else { own },
        at: row.last_at,
    }
}

/// What is held of an integration's alerts, the newest first.
pub async fn held(hub: &Hub, id_or_name: &str, limit: i64) -> Result<Vec<api::HeldAlert>, HubError> {
    let integration = crate::configure::find::<crate::configure::Integrations>(hub, id_or_name)?;
    let Some(after) = &integration.body.open_after else { return Ok(Vec::new()) };
    let now = hub.now();
    let rows = hub.store.held_of(&source_of(integration.id), now, limit).await?;
    let counts = |row: &HeldRow| row.times.0.iter().filter(|at| now.0 - **at < within_ms(after)).count();
    Ok(rows
        .into_iter()
        .map(|row| api::HeldAlert {
            count: counts(&row) as u32,
            needed: after.triggers,
            key: row.dedup_key,
            title: row.summary,
            severity: row.severity,
            labels: row.labels.0,
            first_at: row.first_at.into(),
            last_at: row.last_at.into(),
            until_at: row.until_at.into(),
        })
        .collect())
}
