//! What senders say of one alert after another, as Opsgenie's clients do: each call is kept with what became of it.
//!
//! Invariant: nothing is taken in silence. What cannot be done is in the status of its request, and in the timeline where there is one.

use watchtower_incident::{Actor, Input, SNOOZE_MS_MAX};
use watchtower_intake::signals::opsgenie::{Change, Update, amended};
use watchtower_model::limits::TEXT_BYTES_MAX;
use watchtower_model::{AlertId, Id, truncate};
use watchtower_store::{AlertFilter, AlertRow, SenderRequestRow, Store};

use super::{Action, Sender, Signal, take};
use crate::configure::source_of;
use crate::error::HubError;
use crate::respond::apply::advance;
use crate::{Hub, random};

/// Alerts of one incident among which a sender's own is looked for.
const ALERTS_MAX: i64 = 100;

/// How a sender names one of its alerts.
pub enum Named {
    /// As the hub told it: open, or over.
    Id(String),
    /// By the number of its incident: the newest of the sender's own there.
    Number(String),
    /// By its own key: open.
    Key(String),
}

/// What became of a call, in words: done, or why not.
type Outcome = Result<String, String>;

/// The alert of this sender that is named so.
pub async fn told(hub: &Hub, sender: &Sender, named: &Named) -> Result<Option<AlertRow>, HubError> {
    let source = source_of(sender.integration.id);
    match named {
        Named::Key(key) => Ok(hub.store.open_alert(&source, key).await?),
        Named::Id(id) => {
            let Ok(id) = id.parse().map(AlertId) else { return Ok(None) };
            Ok(hub.store.alert(id).await?.filter(|alert| alert.source == source))
        }
        Named::Number(number) => {
            let Ok(number) = number.parse::<i64>() else { return Ok(None) };
            let Some(incident) = hub.store.find_incident(&number.to_string()).await? else { return Ok(None) };
            let filter =
                AlertFilter { incident: Some(incident.id), limit: ALERTS_MAX, ..AlertFilter::default() };
            Ok(hub.store.alerts(&filter).await?.into_iter().find(|alert| alert.source == source))
        }
    }
}

/// Takes an alert. Returns the request's id.
pub async fn create(hub: &Hub, sender: &Sender, signal: Signal) -> Result<Id, HubError> {
    let keys = take(hub, sender, vec![signal]).await?;
    let outcome = sender.refused.map_or(Ok("Created alert".into()), |why| Err(not_taken(why)));
    let alert = match keys.into_iter().next().filter(|_| outcome.is_ok()) {
        Some(key) => told(hub, sender, &Named::Key(key)).await?,
        None => None,
    };
    record(hub, sender, "Create", alert.as_ref(), outcome).await
}

/// Takes what is said of one alert. Returns the request's id.
pub async fn change(hub: &Hub, sender: &Sender, named: &Named, change: Change) -> Result<Id, HubError> {
    let (alert, action) = (told(hub, sender, named).await?, change.action);
    let outcome = match (sender.refused, &alert) {
        (Some(why), _) => {
            // A key that was replaced is told of, whatever is said with it.
            take(hub, sender, Vec::new()).await?;
            Err(not_taken(why))
        }
        (None, Some(alert)) => apply(hub, sender, alert, change).await?,
        (None, None) => Err("Alert does not exist".into()),
    };
    record(hub, sender, action, alert.as_ref(), outcome).await
}

fn not_taken(why: &str) -> String {
    format!("The integration was called {why}")
}

async fn record(
    hub: &Hub,
    sender: &Sender,
    action: &str,
    alert: Option<&AlertRow>,
    outcome: Outcome,
) -> Result<Id, HubError> {
    let now = hub.now();
    let row = SenderRequestRow {
        id: random::id(now),
        integration_id: sender.id(),
        alert_id: alert.map(|alert| alert.id),
        dedup_key: alert.map_or_else(String::new, |alert| alert.dedup_key.clone()),
        action: action.into(),
        success: outcome.is_ok(),
        status: outcome.unwrap_or_else(|why| why),
        at: now,
    };
    hub.store.commit(vec![Store::insert_sender_request(&row)]).await?;
    Ok(row.id)
}

async fn apply(hub: &Hub, sender: &Sender, alert: &AlertRow, change: Change) -> Result<Outcome, HubError> {
    let Some(incident) = alert.incident_id else { return Ok(Err("Alert has no incident".into())) };
    let name = sender.name();
    let by = Actor::Api(change.user.map_or_else(|| name.to_string(), |user| format!("{user} by {name}")));
    let say = |text: String| Input::Note { by: by.clone(), text };
    if let Some(note) = change.note {
        advance(hub, incident, say(note), Vec::new()).await?;
    }
    if alert.state == "resolved" {
        let only_noted = change.update == Update::Note;
        return Ok(if only_noted { Ok("Added note".into()) } else { Err("Alert is already closed".into()) });
    }
    let input = match &change.update {
        Update::Close | Update::Message(_) | Update::Priority(_) => {
            take(hub, sender, vec![said_again(alert, &change.update)]).await?;
            return Ok(Ok(done(change.action)));
        }
        Update::Note => return Ok(Ok(done(change.action))),
        Update::Acknowledge => Input::Ack { by: by.clone(), via: "integration".into(), snooze_ms: None },
        Update::Unacknowledge => Input::Unack { by: by.clone() },
        Update::Escalate => Input::Escalate { by: by.clone() },
        Update::Snooze(until) => {
            let ms = until.since(hub.now());
            if ms <= 0 {
                return Ok(Err("End time of a snooze must be in the future".into()));
            }
            Input::Ack { by: by.clone(), via: "integration".into(), snooze_ms: Some(ms.min(SNOOZE_MS_MAX)) }
        }
        Update::Foreign(what) => {
            let text = format!("was asked to {what}, which is not done here: people change it by hand");
            advance(hub, incident, say(text), Vec::new()).await?;
            return Ok(Err(format!("Not done here, and noted in the timeline: {what}")));
        }
        amending => return amend(hub, alert, amending, change.action, say).await,
    };
    advance(hub, incident, input, Vec::new()).await?;
    Ok(Ok(done(change.action)))
}

fn done(action: &str) -> String {
    format!("{action} is done")
}

/// What a sender would say to begin or end it, with what is new in it.
fn said_again(alert: &AlertRow, update: &Update) -> Signal {
    let action = if *update == Update::Close { Action::Resolve } else { Action::Trigger };
    Signal {
        action,
        key: Some(alert.dedup_key.clone()),
        severity: if let Update::Priority(severity) = update { *severity } else { alert.severity },
        summary: if let Update::Message(message) = update { message.clone() } else { alert.summary.clone() },
        description: alert.description.clone(),
        labels: alert.labels.0.clone(),
        ends_at: None,
    }
}

/// Changes what the alert says of itself, with a line about it, in one commit.
async fn amend(
    hub: &Hub,
    alert: &AlertRow,
    update: &Update,
    action: &str,
    say: impl Fn(String) -> Input,
) -> Result<Outcome, HubError> {
    let Some(incident) = alert.incident_id else { return Ok(Err("Alert has no incident".into())) };
    let text = match update {
        Update::Description(text) => text.clone(),
        Update::Tag(tags) => format!("tags added: {}", tags.join(", ")),
        Update::Untag(tags) => format!("tags removed: {}", tags.join(", ")),
        Update::SetDetails(details) => {
            let pairs: Vec<String> = details.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("details set: {}", pairs.join(", "))
        }
        Update::RemoveDetails(names) => format!("details removed: {}", names.join(", ")),
        _ => return Err(HubError::Internal(format!("{action} does not change what an alert says"))),
    };
    let description = if let Update::Description(text) = update { text } else { &alert.description };
    let labels = amended(&alert.labels.0, update).unwrap_or_else(|| alert.labels.0.clone());
    let now = hub.now();
    let also = vec![
        Store::amend_alert(alert.id, description, &labels),
        Store::insert_change("alert", alert.id, now),
    ];
    advance(hub, incident, say(truncate(&text, TEXT_BYTES_MAX).to_string()), also).await?;
    // Others may be quiet for its labels.
    hub.inhibitors.changed();
    Ok(Ok(done(action)))
}
