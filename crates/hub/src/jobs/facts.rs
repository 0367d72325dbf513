//! Everything the gates of an automation look at, gathered in one go.

use watchtower_automation::{Facts, PastAttempt, Population};
use watchtower_model::{Id, ServerId, Timestamp};
use watchtower_store::{AlertRow, AttemptRow, DbError, Stored};

use super::{causes, standing};
use crate::error::HubError;
use crate::objects::AutomationBody;
use crate::{Hub, quiet};

const DAY_MS: i64 = 86_400_000;
/// Attempts of a day that are looked at: many more than the gates allow.
const ATTEMPTS_MAX: i64 = 500;
/// A clock further off than this makes samples and time windows unsafe to act on.
const CLOCK_OFFSET_MS_MAX: i64 = 60_000;
/// The server's label that names what it is part of.
const SERVICE_LABEL: &str = "service";

pub(super) async fn gather(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    alert: &AlertRow,
    server_id: ServerId,
    asking: Option<Id>,
) -> Result<Facts, HubError> {
    let now = hub.now();
    let server = hub.servers.get(server_id).ok_or_else(|| HubError::not_found("server", server_id))?;
    let state = server.get();
    let group = group_of(hub, server_id);
    let firing = firing_servers(hub, alert).await?;
    // The attempt that asks does not stand in its own way.
    let mut earlier =
        hub.store.attempts_since(automation.id.into(), now.plus_ms(-DAY_MS), ATTEMPTS_MAX).await?;
    earlier.retain(|row| Some(row.id) != asking);
    let mut open = hub.store.open_attempts().await?;
    open.retain(|row| Some(row.id) != asking);
    let busy = |ids: &dyn Fn(ServerId) -> bool| open.iter().filter(|row| ids(row.server_id)).count() as u32;
    Ok(Facts {
        rule: Population { firing: firing.len() as u32, total: hub.servers.len() as u32 },
        group: group.as_ref().map(|members| Population {
            firing: members.iter().filter(|id| firing.contains(id)).count() as u32,
            total: members.len() as u32,
        }),
        attempts: past_attempts(&earlier, alert, server_id),
        recent_starts: earlier.iter().filter(|row| row.run_id.is_some()).map(|row| row.created_at).collect(),
        runs_on_server: busy(&|id| id == server_id) + running_on(hub, server_id).await?,
        runs_on_group: group.as_ref().map_or(0, |members| busy(&|id| members.contains(&id))),
        verifying_on_server: open.iter().any(|row| row.server_id == server_id && row.state == "verifying"),
        agent_connected: state.agent_id.is_some_and(|agent| hub.links.get(agent).is_some()),
        data_age_ms: state.last_live.map(|at| at.elapsed().as_millis() as i64),
        interval_ms: i64::from(state.base_interval_ms),
        trigger_is_no_data: false,
        clock_ok: state.clock_offset_ms.abs() <= CLOCK_OFFSET_MS_MAX,
        halted: halted(hub, state.facts.as_ref().and_then(|facts| facts.refuses.as_deref())),
        suppressed_by: quiet::reasons(hub, alert).await?.into_iter().next().map(|reason| reason.words),
        identity_refusal: standing::refusal_on(hub, automation, &server).await?,
        causes: causes::of(hub, alert, server_id, automation.id.into()).await?,
        breaker: automation.body.breaker,
        hub_may_be_cut_off: hub.cut_off.load(std::sync::atomic::Ordering::Relaxed),
    })
}

/// Why no command would be taken, if so. `refuses`: what the server says of itself.
fn halted(hub: &Hub, refuses: Option<&str>) -> Option<String> {
    match refuses {
        _ if hub.halt.is_on() => Some("the hub's halt switch is on".into()),
        Some("halted") => Some("the server's own halt switch is on".into()),
        Some(reason) => Some(format!("the server refuses commands: {reason}")),
        None => None,
    }
}

/// Servers with the same `service` label; absent without that label.
fn group_of(hub: &Hub, server: ServerId) -> Option<Vec<ServerId>> {
    let label =
        |id: ServerId| hub.servers.get(id)?.with(|state| state.labels.get(SERVICE_LABEL).map(String::from));
    let own = label(server)?;
    Some(
        hub.servers
            .all()
            .iter()
            .map(|s| s.id)
            .filter(|id| label(*id).as_deref() == Some(own.as_str()))
            .collect(),
    )
}

/// Servers on which the alert's rule fires now, the alert's own included.
async fn firing_servers(hub: &Hub, alert: &AlertRow) -> Result<Vec<ServerId>, DbError> {
    let open = hub.store.open_alerts().await?;
    let mut ids: Vec<ServerId> = open
        .iter()
        .filter(|other| other.source == alert.source)
        .filter_map(|other| other.server_id)
        .collect();
    ids.extend(alert.server_id);
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn past_attempts(earlier: &[AttemptRow], alert: &AlertRow, server: ServerId) -> Vec<PastAttempt> {
    let counts =
        |row: &&AttemptRow| row.server_id == server && !matches!(row.state.as_str(), "blocked" | "observed");
    let outcome = |row: &AttemptRow| row.finished_at.map(|_: Timestamp| row.state == "fixed");
    earlier
        .iter()
        .filter(counts)
        .map(|row| PastAttempt {
            started_at: row.created_at,
            fixed: outcome(row),
            same_incident: row.incident_id.is_some() && row.incident_id == alert.incident_id,
        })
        .collect()
}

async fn running_on(hub: &Hub, server: ServerId) -> Result<u32, DbError> {
    let agent = hub.servers.get(server).and_then(|server| server.with(|state| state.agent_id));
    match agent {
        Some(agent) => Ok(hub.store.open_executions_of(agent).await?.len() as u32),
        None => Ok(0),
    }
}
