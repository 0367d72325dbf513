//! Asks the automations about an alert.
//!
//! Invariant: each automation that an alert concerns is asked, once. The question is stored with the alert and forgotten when all have
//! answered; [`take_up`] asks again what a crash left.

use watchtower_automation::{self as engine, Action};
use watchtower_incident::RunState;
use watchtower_matchers::Matchers;
use watchtower_model::{AutomationId, ServerId};
use watchtower_store::{AlertRow, AttemptRow, Statement, Store, Stored};

use super::facts;
use super::repair::{AttemptBody, carry_out, definition, fill, mode, plan, store_new, tell_incident};
use crate::error::HubError;
use crate::objects::AutomationBody;
use crate::{Hub, random};

/// A question that is older was left by a crash, or its asking failed.
const LEFT_AFTER_MS: i64 = 20_000;
/// Questions taken up at once.
const TAKEN_UP_MAX: i64 = 100;

/// Automations whose trigger an alert meets.
fn matching(hub: &Hub, alert: &AlertRow) -> Vec<Stored<AutomationBody>> {
    let objects = hub.objects();
    let server = alert
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.selector_labels()));
    let labels = server.unwrap_or_default().merged(&alert.labels.0);
    let matches = |automation: &&Stored<AutomationBody>| {
        let trigger = &automation.body.trigger;
        let by_rule = trigger.rule_id.is_none_or(|id| alert.rule_id == Some(id));
        let by_labels = trigger
            .matchers
            .as_ref()
            .is_none_or(|text| text.parse::<Matchers>().is_ok_and(|matchers| matchers.matches(&labels)));
        automation.body.enabled
            && by_rule
            && by_labels
            && (trigger.rule_id.is_some() || trigger.matchers.is_some())
    };
    objects.automations.iter().filter(matches).cloned().collect()
}

/// Whether an automation would act on this alert by itself, so that its service may hold the first page.
pub fn would_start(hub: &Hub, alert: &AlertRow) -> bool {
    alert.server_id.is_some()
        && matching(hub, alert).iter().any(|automation| mode(hub, &automation.body) == engine::Mode::Auto)
}

/// What to store with an alert that automations are to be asked about.
pub fn question(hub: &Hub, alert: &AlertRow) -> Option<Statement> {
    let concerned = alert.server_id.is_some() && !matching(hub, alert).is_empty();
    concerned.then(|| Store::insert_consideration(alert.id, hub.now()))
}

/// Asks every automation that this alert concerns.
pub async fn consider(hub: &Hub, alert: &AlertRow) -> Result<(), HubError> {
    let Some(server) = alert.server_id else { return Ok(()) };
    let matching = matching(hub, alert);
    if matching.is_empty() {
        return Ok(());
    }
    let answered = hub.store.automations_asked_about(alert.id).await?;
    for automation in matching.iter().filter(|automation| !answered.contains(&automation.id.into())) {
        ask(hub, automation, alert, server).await?;
    }
    hub.store.commit(vec![Store::delete_consideration(alert.id)]).await?;
    Ok(())
}

/// Asks again what was left unasked, where the trouble still is.
pub async fn take_up(hub: &Hub) -> Result<(), HubError> {
    for left in hub.store.considerations_before(hub.now().plus_ms(-LEFT_AFTER_MS), TAKEN_UP_MAX).await? {
        let alert = left.alert_id;
        if let Some(firing) = hub.store.alert(alert).await?.filter(|alert| alert.state != "resolved") {
            tracing::warn!(%alert, "automations were not asked about this alert: asking them now");
            if let Err(error) = consider(hub, &firing).await {
                tracing::error!(%alert, "considering automations: {error}");
                continue;
            }
        }
        hub.store.commit(vec![Store::delete_consideration(alert)]).await?;
    }
    Ok(())
}

async fn ask(
    hub: &Hub,
    automation: &Stored<AutomationBody>,
    alert: &AlertRow,
    server: ServerId,
) -> Result<(), HubError> {
    let facts = facts::gather(hub, automation, alert, server, None).await?;
    let now = hub.now();
    let decision = engine::decide(&definition(hub, automation), &facts, now);
    let mut row = AttemptRow {
        id: random::id(now),
        automation_id: AutomationId(automation.id),
        server_id: server,
        alert_id: alert.id,
        incident_id: alert.incident_id,
        state: String::new(),
        body: String::new(),
        revision: 0,
        run_id: None,
        wake_at: None,
        created_at: now,
        finished_at: Some(now),
    };
    let mut body = AttemptBody {
        engine: None,
        gates: decision.gates.clone(),
        rule_id: alert.rule_id,
        causes: facts.causes.clone(),
        reason: String::new(),
    };
    match decision.action {
        Action::Observe => {
            row.state = "observed".into();
            body.reason = "every gate passed: it would have run".into();
            store_new(hub, &row, &body).await
        }
        Action::Refuse => {
            row.state = "blocked".into();
            body.reason = decision.refusal().unwrap_or_default();
            store_new(hub, &row, &body).await?;
            let detail = format!("{} was not started: {}", automation.body.name, body.reason);
            let state = if decision.is_widespread() { RunState::HeldBack } else { RunState::Refused };
            tell_incident(hub, alert.incident_id, None, state, detail, String::new()).await
        }
        Action::Run | Action::AwaitApproval => {
            let needs_approval = decision.action == Action::AwaitApproval;
            let plan = plan(hub, automation, alert.rule_id, facts.interval_ms, needs_approval);
            let number = 1 + facts.attempts.iter().filter(|attempt| attempt.same_incident).count() as u32;
            let (attempt, effects) =
                engine::begin(row.automation_id, server, alert.incident_id, number, plan, now);
            row.finished_at = None;
            fill(&mut row, &mut body, &attempt);
            store_new(hub, &row, &body).await?;
            carry_out(hub, row.id, effects).await
        }
    }
}
