//! Open incidents are told when what covers their alerts begins and ends.
//!
//! Invariant: it may be done twice, by any hub, at any time: an incident that knows is not told again, and one with an alert that is
//! not covered goes on paging whatever was read before.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use watchtower_incident::Input;
use watchtower_model::{Id, IncidentId, Timestamp};
use watchtower_store::AlertRow;

use super::{Look, Spell};
use crate::error::HubError;
use crate::{Hub, respond};

/// Incidents are looked at this often although nothing began or ended: an alert that was not covered may have ended.
const LOOK_MS: i64 = 60_000;

/// What was in force when incidents were told last.
#[derive(Default)]
pub(crate) struct Settled(Mutex<Option<(Timestamp, BTreeSet<InForce>)>>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct InForce {
    id: Id,
    version: i64,
    spell: Spell,
}

/// Called twice a second: looks only at what is in memory, unless something began, ended or changed.
pub(crate) async fn tick(hub: &Hub) -> Result<(), HubError> {
    let now = hub.now();
    let in_force = in_force(hub, &Look::now(hub).await?);
    {
        let settled = hub.settled.0.lock().expect("no code panics while it holds what is in force");
        if settled.as_ref().is_some_and(|(at, before)| *before == in_force && now.since(*at) < LOOK_MS) {
            return Ok(());
        }
    }
    settle(hub).await?;
    *hub.settled.0.lock().expect("no code panics while it holds what is in force") = Some((now, in_force));
    Ok(())
}

fn in_force(hub: &Hub, look: &Look) -> BTreeSet<InForce> {
    let now = look.now;
    let covers = look.objects.covers.iter().filter_map(|cover| {
        Some(InForce { id: cover.id, version: cover.version, spell: cover.spell_at(now)? })
    });
    let servers = hub.servers.unordered().into_iter().filter_map(|server| {
        let to = server.with(|state| state.maintenance_until).filter(|until| *until > now)?;
        Some(InForce { id: server.id.0, version: 0, spell: Spell { from: Timestamp(0), to } })
    });
    let inhibitors = look.inhibits().flat_map(|(one, sources)| {
        let always = Spell { from: Timestamp(0), to: Timestamp(i64::MAX) };
        let of = InForce { id: one.id, version: one.version, spell: always };
        let alerts = sources.iter().map(move |source| InForce {
            id: source.alert.0,
            version: source.incident.unwrap_or(0),
            spell: always,
        });
        std::iter::once(of).chain(alerts)
    });
    covers.chain(servers).chain(inhibitors).collect()
}

/// Tells each open incident what is so now.
pub(crate) async fn settle(hub: &Hub) -> Result<(), HubError> {
    let mut alerts: HashMap<IncidentId, Vec<AlertRow>> = HashMap::new();
    for alert in hub.store.open_alerts().await? {
        if let Some(incident) = alert.incident_id {
            alerts.entry(incident).or_default().push(alert);
        }
    }
    let look = Look::now(hub).await?;
    for row in hub.store.open_incidents().await? {
        let Some(open) = alerts.get(&row.id) else { continue };
        let told = match input(&look, respond::read_state(&row)?.suppressed.as_deref(), open) {
            Some(input) => respond::advance(hub, row.id, input, Vec::new()).await.map(drop),
            None => Ok(()),
        };
        // One that cannot be written must not keep the others from paging.
        if let Err(error) = told {
            tracing::error!(incident = row.number, "telling it what covers its alerts: {error}");
        }
    }
    Ok(())
}

fn input(look: &Look, suppressed: Option<&str>, open: &[AlertRow]) -> Option<Input> {
    let mut words: Vec<String> = Vec::new();
    for alert in open {
        let reasons = look.reasons(alert);
        if reasons.is_empty() {
            return suppressed.map(|_| Input::SuppressionEnded);
        }
        words.extend(reasons.into_iter().map(|reason| reason.words));
    }
    if words.iter().any(|words| Some(words.as_str()) == suppressed) {
        return None;
    }
    let by = words.into_iter().next()?;
    Some(Input::Suppressed { by, alerts: open.iter().map(|alert| alert.id).collect() })
}
