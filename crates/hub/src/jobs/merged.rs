//! What was merged speaks through what it goes on in: its notices tell what became of that one, and nobody hears of one end twice.

use watchtower_notify::ChannelConfig;
use watchtower_store::{IncidentRow, OutboxRow};

use super::notice::{Heard, heard};
use crate::Hub;
use crate::error::HubError;
use crate::respond::{read_state, successor};

/// The incident whose state a message tells, where that is another one.
pub async fn told_of(hub: &Hub, kind: &str, incident: &IncidentRow) -> Result<Option<IncidentRow>, HubError> {
    if kind == "page" { Ok(None) } else { successor(hub, incident).await }
}

/// The number by which the readers of a channel hear of this end anyway. What follows each incident by itself (programs, and what rings
/// or is changed until somebody has it) hears of each that it heard of.
pub async fn heard_as(hub: &Hub, row: &OutboxRow, config: &ChannelConfig) -> Result<Option<i64>, HubError> {
    if config.rings() || !config.bundles() {
        return Ok(None);
    }
    let Some(incident) = hub.store.incident(row.incident_id).await? else { return Ok(None) };
    let Some(target) = successor(hub, &incident).await? else { return Ok(None) };
    let merged = read_state(&target)?.merged.into_iter().map(|one| (one.id, one.number));
    // Each leaves the word to those before it, and the first to the target.
    let before = std::iter::once((target.id, target.number)).chain(merged);
    for (id, number) in before.take_while(|(id, _)| *id != incident.id) {
        if heard(&hub.store.outbox_of(id).await?, row.channel_id) != Heard::Never {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// What a message of this kind says of merges.
pub fn lines(
    kind: &str,
    incident: &IncidentRow,
    standing: Option<&IncidentRow>,
) -> Result<Vec<String>, HubError> {
    if let Some(into) = standing {
        return Ok(vec![format!("it was merged into #{}: {}", into.number, into.title)]);
    }
    let merged = if kind == "resolve" { read_state(incident)?.merged } else { Vec::new() };
    let numbers: Vec<String> = merged.iter().map(|one| format!("#{}", one.number)).collect();
    let with = (!numbers.is_empty()).then(|| format!("merged into it: {}", numbers.join(", ")));
    Ok(with.into_iter().collect())
}
