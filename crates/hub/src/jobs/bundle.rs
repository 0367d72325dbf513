//! Pages to one channel as one message, or ends: the worst of them in full, the others by name.
//!
//! Each stays a message of its own in the outbox: claimed, re-checked just before the call, and recorded by itself. No end is named
//! whose page did not reach the channel.

use std::cmp::Reverse;

use watchtower_model::ChannelId;
use watchtower_notify::{self as notify, ChannelConfig, Link, Message};
use watchtower_store::{IncidentRow, OutboxRow, Store};

use super::compose::compose;
use super::merged;
use super::notice::{Heard, heard, outdated};
use super::pace::{Sort, Told};
use super::send::{
    DELIVERY, channel_name, config_of, may_send, open_config, record, send, tell, unusable, word,
};
use super::words;
use crate::Hub;
use crate::error::HubError;

/// Other incidents that a message names.
const NAMED_MAX: usize = 10;

/// Whether messages of this sort to a channel may be put together.
pub fn bundles(hub: &Hub, channel: ChannelId, sort: Sort) -> bool {
    let objects = hub.objects();
    let stored = objects.channel(channel);
    let config = stored.and_then(|stored| open_config(hub, channel, &stored.body).ok());
    config.is_some_and(|config| may_bundle(&config, sort))
}

/// What rings for an incident stops by the end of just that incident.
fn may_bundle(config: &ChannelConfig, sort: Sort) -> bool {
    config.bundles() && (sort == Sort::Page || !config.rings())
}

/// Whether a claimed message was put off, to be told with others.
pub async fn put_off(hub: &Hub, row: &OutboxRow, config: &ChannelConfig) -> Result<bool, HubError> {
    let Some(sort) = Sort::of(&row.kind).filter(|sort| may_bundle(config, *sort)) else { return Ok(false) };
    let Some(incident) = hub.store.incident(row.incident_id).await? else { return Ok(false) };
    let window_ms = hub.config.timing.pace_ms;
    let Some(until) = hub.pace.wait_until(row.channel_id, sort, told(hub, &incident), window_ms) else {
        return Ok(false);
    };
    let kind = if sort == Sort::Page { "page_waits" } else { "notice_waits" };
    let text = format!("{} to {} waits to be told together with others", word(row), channel_name(hub, row));
    let statements = vec![
        Store::outbox_put_off(row.id, row.attempts, until),
        // What somebody answered meanwhile is not put off; it was not sent either.
        Store::outbox_not_sent(row.id, row.attempts),
    ];
    tell(hub, row, DELIVERY, statements, (kind, text, String::new())).await?;
    Ok(true)
}

fn told(hub: &Hub, incident: &IncidentRow) -> Told {
    Told { at: hub.now(), incident: incident.id, service: incident.service_id, severity: incident.severity }
}

/// Whether others may be told with it: an end whose page did not arrive has that to say, or nothing; one that was merged may be told by
/// another's.
async fn joins(hub: &Hub, row: &OutboxRow) -> Result<bool, HubError> {
    if Sort::of(&row.kind) != Some(Sort::End) {
        return Ok(true);
    }
    if outdated(hub, row).await? {
        return Ok(false);
    }
    let config = config_of(hub, row).await?;
    if let Ok(config) = config
        && merged::heard_as(hub, row, &config).await?.is_some()
    {
        return Ok(false);
    }
    let before = hub.store.outbox_of(row.incident_id).await?;
    Ok(heard(&before, row.channel_id) == Heard::Page)
}

/// Sends the claimed messages of one sort to one channel.
pub async fn send_together(hub: &Hub, rows: Vec<OutboxRow>) -> Result<(), HubError> {
    if let [row] = rows.as_slice() {
        return send(hub, row).await;
    }
    let mut pages = Vec::new();
    for row in rows {
        let incident =
            if joins(hub, &row).await? { hub.store.incident(row.incident_id).await? } else { None };
        match incident {
            Some(incident) => pages.push((row, incident)),
            // It says itself why it is sent alone, or not at all.
            None => send(hub, &row).await?,
        }
    }
    pages.sort_by_key(|(row, incident)| (Reverse(incident.severity), row.created_at, row.id));
    while let Some((first, incident)) = pages.first() {
        if pages.len() == 1 {
            return send(hub, first).await;
        }
        let prepared = match config_of(hub, first).await? {
            Ok(config) => {
                compose(hub, first).await.map(|composed| (config, composed)).map_err(|e| unusable(&e))
            }
            Err(error) => Err(error),
        };
        let told = told(hub, incident);
        let lead = first.id;
        // What somebody answered while this was prepared is neither sent nor named.
        pages = current(hub, pages).await?;
        if pages.first().is_none_or(|(row, _)| row.id != lead) {
            continue;
        }
        let mut failures = Vec::new();
        let outcome = match prepared {
            Ok((config, (mut message, facts))) => {
                failures = words::put_of(hub, &pages[0].0, &config, &mut message, &facts);
                name_others(hub, &mut message, &pages[1..]);
                if let Some(sort) = Sort::of(&pages[0].0.kind) {
                    hub.pace.count(pages[0].0.channel_id, sort, told);
                }
                notify::deliver(&hub.egress, &config, &message, &pages[0].0.idem_key).await
            }
            Err(error) => Err(error),
        };
        // The same for all: by that it is known for one message.
        let at = hub.now();
        for (row, _) in &pages {
            record(hub, row, outcome.clone(), at).await?;
        }
        if outcome.is_ok() {
            words::tell_failures(hub, &pages[0].0, &failures).await;
        }
        return Ok(());
    }
    Ok(())
}

/// Those that may still be sent.
async fn current(
    hub: &Hub,
    pages: Vec<(OutboxRow, IncidentRow)>,
) -> Result<Vec<(OutboxRow, IncidentRow)>, HubError> {
    let mut out = Vec::new();
    for page in pages {
        if may_send(hub, &page.0).await? {
            out.push(page);
        }
    }
    Ok(out)
}

fn name_others(hub: &Hub, message: &mut Message, others: &[(OutboxRow, IncidentRow)]) {
    let count = others.len();
    if count == 0 {
        return;
    }
    let plural = if count == 1 { "" } else { "s" };
    for title in [Some(&mut message.title), message.words.title.as_mut()].into_iter().flatten() {
        title.push_str(&format!(" and {count} more incident{plural}"));
    }
    let mut lines: Vec<String> = others
        .iter()
        .take(NAMED_MAX)
        .map(|(_, incident)| format!("also #{}, {}: {}", incident.number, incident.severity, incident.title))
        .collect();
    if count > NAMED_MAX {
        lines.push(format!("and {} more", count - NAMED_MAX));
    }
    message.say_second(lines);
    // A button that takes one of them would look like one that takes all.
    (message.acknowledge_url, message.acknowledge_token, message.digits_url) = (None, None, None);
    let all = Link { label: "All incidents".into(), url: format!("{}/incidents", hub.config.public_url) };
    message.links.insert(0, all);
}
