//! Alerts of other tools: each call is by the key of an integration, and says what began, who has it, or what is over.
//!
//! Invariant: a call that is answered as taken has changed its incident, or opened one that says why it could not.

mod calls;
mod hold;

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use watchtower_api_types::IntegrationKind;
use watchtower_incident::{Actor, Input};
pub use watchtower_intake::signals::{Action, Signal, alertmanager, opsgenie, pagerduty};
use watchtower_model::{Id, IntegrationId, Severity, Timestamp};
use watchtower_store::Stored;

pub use calls::{Named, change, create, told};
pub use hold::held;

use super::alerts::{AlertResolve, AlertTrigger, labels_seen, resolve, resolve_ended, trigger};
use super::apply::advance;
use crate::configure::{checked_mapping, source_of};
use crate::error::HubError;
use crate::objects::IntegrationBody;
use crate::quiet::{self, Rank};
use crate::{Hub, random};

/// Calls of one integration in a minute.
const CALLS_PER_MINUTE_MAX: u32 = 1_200;
const MINUTE_MS: i64 = 60_000;
/// Alerts that are ended in one go because nobody told of them again.
const ENDED_MAX: i64 = 200;

/// How many calls each integration made in the minute that is running.
#[derive(Debug, Default)]
pub struct CallLimits(Mutex<HashMap<Id, (i64, u32)>>);

impl CallLimits {
    pub(crate) fn admit(&self, integration: Id, now: Timestamp) -> Result<(), HubError> {
        let minute = now.0.div_euclid(MINUTE_MS);
        let mut calls = self.0.lock().expect("no code panics while it counts");
        let (of, count) = calls.entry(integration).or_default();
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        *count += 1;
        if *count > CALLS_PER_MINUTE_MAX {
            let after_seconds = (MINUTE_MS - now.0.rem_euclid(MINUTE_MS)) as u64 / 1000 + 1;
            return Err(HubError::RateLimited { after_seconds });
        }
        Ok(())
    }
}

/// Who calls.
pub struct Sender {
    integration: Stored<IntegrationBody>,
    /// Why what it says is not taken, if so.
    refused: Option<&'static str>,
}

impl Sender {
    pub fn id(&self) -> IntegrationId {
        IntegrationId(self.integration.id)
    }

    pub fn name(&self) -> &str {
        &self.integration.body.name
    }

    /// The alerts of a body, by the mapping of a generic webhook.
    pub fn read(&self, body: &[u8]) -> Result<Vec<Signal>, HubError> {
        let mapping = self.integration.body.mapping.as_ref();
        let mapping =
            mapping.ok_or_else(|| HubError::Internal("a generic webhook without mapping".into()))?;
        checked_mapping(mapping)?.read(body).map_err(|error| HubError::invalid("body", error))
    }

    /// Whether what it says is told to people instead of taken.
    pub fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

/// The integration of this kind that a key belongs to, or belonged to.
///
/// # Errors
/// `Unauthenticated` when it is nobody's, `RateLimited` when its minute is full.
pub fn sender(hub: &Hub, kinds: &[IntegrationKind], key: &str) -> Result<Sender, HubError> {
    let hash = random::hash_secret(key);
    let objects = hub.objects();
    let has = |one: &&Stored<IntegrationBody>| {
        kinds.contains(&one.body.kind)
            && (one.body.key_hash.as_ref() == Some(&hash) || one.body.old_key_hashes.contains(&hash))
    };
    let integration = objects.integrations.iter().find(has).cloned().ok_or(HubError::Unauthenticated)?;
    hub.calls.admit(integration.id, hub.now())?;
    let refused = if integration.body.key_hash.as_ref() != Some(&hash) {
        Some("with a key that was replaced")
    } else if !integration.body.enabled {
        Some("although it is switched off")
    } else {
        None
    };
    Ok(Sender { integration, refused })
}

/// Takes what a sender says, in its order; but what keeps others quiet is taken before them. Returns the alerts' keys.
pub async fn take(hub: &Hub, sender: &Sender, signals: Vec<Signal>) -> Result<Vec<String>, HubError> {
    if let Some(why) = sender.refused {
        return tell_refused(hub, sender, why, signals.first()).await;
    }
    let mut ranked = ranked(hub, sender, signals);
    // Stable: those of one rank stay in their order.
    ranked.sort_by_key(|(rank, _, _)| *rank);
    let mut keys = vec![String::new(); ranked.len()];
    for (_, place, signal) in ranked {
        keys[place] = take_one(hub, sender, signal).await?;
    }
    Ok(keys)
}

/// Each with its place in the call.
fn ranked(hub: &Hub, sender: &Sender, signals: Vec<Signal>) -> Vec<(Rank, usize, Signal)> {
    let keys: HashSet<&String> = signals.iter().filter_map(|signal| signal.key.as_ref()).collect();
    // What is said twice of one alert is taken as it was said.
    let ordered = keys.len() < signals.len() || hub.objects().inhibits.is_empty();
    let rank = |signal: &Signal| {
        if ordered || signal.action != Action::Trigger {
            return Rank::Neither;
        }
        let alert = alert(hub, sender, String::new(), String::new(), signal.clone());
        quiet::rank(hub, &labels_seen(hub, &alert), alert.server_id)
    };
    let places = signals.into_iter().enumerate();
    places.map(|(place, signal)| (rank(&signal), place, signal)).collect()
}

async fn take_one(hub: &Hub, sender: &Sender, mut signal: Signal) -> Result<String, HubError> {
    let source = source_of(sender.integration.id);
    let key = signal.key.clone().unwrap_or_else(|| random::id(hub.now()).to_string());
    match signal.action {
        Action::Trigger => {
            if let hold::Counted::Opens(also) = hold::count(hub, sender, &source, &key, &mut signal).await? {
                trigger(hub, alert(hub, sender, source, key.clone(), signal), also).await?;
            }
        }
        Action::Resolve => {
            let also = hold::end(sender, &source, &key);
            resolve(hub, AlertResolve { source, dedup_key: key.clone() }, also).await?;
        }
        Action::Acknowledge => {
            let open = hub.store.open_alert(&source, &key).await?;
            if let Some(incident) = open.and_then(|alert| alert.incident_id) {
                let by = Actor::Api(sender.name().to_string());
                let ack = Input::Ack { by, via: "integration".into(), snooze_ms: None };
                advance(hub, incident, ack, Vec::new()).await?;
            }
        }
    }
    Ok(key)
}

fn alert(hub: &Hub, sender: &Sender, source: String, dedup_key: String, signal: Signal) -> AlertTrigger {
    // Exporters are named with their port, servers without.
    let named = ["instance", "source", "host"].iter().filter_map(|label| signal.labels.get(label));
    let server = named
        .filter_map(|name| hub.servers.find(name).or_else(|| hub.servers.find(name.rsplit_once(':')?.0)));
    let server_id = server.map(|server| server.id).next();
    AlertTrigger {
        source,
        dedup_key,
        severity: signal.severity,
        summary: signal.summary,
        description: signal.description,
        labels: signal.labels,
        value: None,
        rule_id: None,
        server_id,
        paging: true,
        test: false,
        service: sender.integration.body.service_id,
        ends_at: signal.ends_at,
    }
}

/// Somebody meant to be heard: a person decides what is to be done about it.
async fn tell_refused(
    hub: &Hub,
    sender: &Sender,
    why: &str,
    said: Option<&Signal>,
) -> Result<Vec<String>, HubError> {
    let name = sender.name();
    let alert = AlertTrigger {
        source: source_of(sender.integration.id),
        dedup_key: "watchtower/refused".into(),
        severity: Severity::Error,
        summary: format!("integration {name} was called {why}"),
        description: said.map_or_else(String::new, |signal| {
            format!("What it says is not taken. The latest was: {}", signal.summary)
        }),
        labels: said.map(|signal| signal.labels.clone()).unwrap_or_default(),
        value: None,
        rule_id: None,
        server_id: None,
        paging: true,
        test: false,
        service: sender.integration.body.service_id,
        ends_at: None,
    };
    trigger(hub, alert, Vec::new()).await?;
    Ok(said.and_then(|signal| signal.key.clone()).into_iter().collect())
}

/// Ends the alerts that nobody told of again in time.
pub async fn end_due(hub: &Hub) -> Result<(), HubError> {
    for alert in hub.store.ended_alerts(hub.now(), ENDED_MAX).await? {
        resolve_ended(hub, &alert).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_integration_has_a_minute_of_its_own() {
        let limits = CallLimits::default();
        let id = |n: u8| Id::from_bytes([n; 16]);
        let now = Timestamp(90_000);
        for _ in 0..CALLS_PER_MINUTE_MAX {
            limits.admit(id(1), now).unwrap();
        }
        assert!(matches!(limits.admit(id(1), now), Err(HubError::RateLimited { after_seconds: 31 })));
        limits.admit(id(2), now).unwrap();
        limits.admit(id(1), now.plus_ms(30_000)).unwrap();
    }
}
