//! One step of one incident: read, advance, write all that follows, or nothing.

use std::collections::VecDeque;

use watchtower_incident::{
    self as engine, Effect, Incident, Input, Notice, Page, PageReason, Status, Target,
};
use watchtower_model::{ChannelId, IncidentId, Timestamp};
use watchtower_store::{DbError, IncidentRow, NewTimelineEntry, OutboxRow, Statement, Store};

use super::targets::Contact;
use super::{PageStep, on_call, successor, targets};
use crate::error::HubError;
use crate::jobs::send::Letter;
use crate::{Hub, WAKE_CHANGES, WAKE_INCIDENTS, WAKE_OUTBOX, random};

/// Times a step is tried when another hub was faster.
pub(super) const TRIES: usize = 8;
/// Incidents woken in one go.
const WAKES: i64 = 100;

/// Moves an incident by one input. `also` is written in the same transaction.
pub async fn advance(
    hub: &Hub,
    id: IncidentId,
    input: Input,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let _one_at_a_time = hub.responding.lock().await;
    advance_locked(hub, id, input, also).await
}

pub(super) async fn advance_locked(
    hub: &Hub,
    id: IncidentId,
    input: Input,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    advance_all(hub, Find::Standing(id), &[input], also).await
}

/// Moves an open incident by alerts that join it; `also` stores them as its own. A conflict where it ended, or went on in another one,
/// since it was looked for.
pub(super) async fn join_locked(
    hub: &Hub,
    id: IncidentId,
    signals: Vec<engine::AlertSignal>,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let inputs: Vec<Input> = signals.into_iter().map(Input::AlertTriggered).collect();
    advance_all(hub, Find::Open(id), &inputs, also).await
}

/// Which incident inputs are for.
#[derive(Clone, Copy)]
pub(super) enum Find {
    /// This one, or what it was merged into, if they follow it there.
    Standing(IncidentId),
    /// This one while it is open.
    Open(IncidentId),
    /// This one while it is over.
    Ended(IncidentId),
}

/// Moves an incident by several inputs at one time.
pub(super) async fn advance_all(
    hub: &Hub,
    find: Find,
    inputs: &[Input],
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    for _ in 0..TRIES {
        let row = find.row(hub, inputs).await?;
        let state = read_state(&row)?;
        let now = hub.now();
        let mut step = Step::new(hub, row.processes.clone(), row.test, now);
        let state = step.take(state, inputs.to_vec());
        let mut statements = vec![Store::update_incident(&step.row(&state, Some(&row)))];
        statements.extend(step.statements);
        statements.extend(also.clone());
        match hub.store.commit(statements).await {
            Err(DbError::Stale) => {}
            Err(DbError::Unique(_)) => {
                let why = "the same trouble was opened elsewhere at the same moment: look again";
                return Err(HubError::Conflict(why.into()));
            }
            Err(error) => return Err(error.into()),
            Ok(_) => {
                if state.is_resolved() {
                    // Its alerts are over with it.
                    hub.inhibitors.changed();
                }
                wake(hub);
                return Ok(state);
            }
        }
    }
    Err(HubError::Conflict("the incident is changed by somebody else all the time".into()))
}

impl Find {
    async fn row(self, hub: &Hub, inputs: &[Input]) -> Result<IncidentRow, HubError> {
        let (Find::Standing(id) | Find::Open(id) | Find::Ended(id)) = self;
        let row = hub.store.incident(id).await?.ok_or_else(|| HubError::not_found("incident", id))?;
        match self {
            Find::Open(_) if row.resolved_at.is_some() => {
                Err(HubError::Conflict("the incident that it was to join is over by now".into()))
            }
            Find::Ended(_) if row.resolved_at.is_none() => {
                Err(HubError::Conflict(format!("INC-{} is open", row.number)))
            }
            Find::Standing(_) if inputs.iter().all(Input::follows_a_merge) => {
                Ok(successor(hub, &row).await?.unwrap_or(row))
            }
            _ => Ok(row),
        }
    }
}

/// Opens an incident with its first alert, which others join at once. `also` is written in the same transaction.
pub(super) async fn open_locked(
    hub: &Hub,
    opening: engine::Opening,
    joining: Vec<engine::AlertSignal>,
    test: bool,
    processes: Option<String>,
    also: Vec<Statement>,
) -> Result<Incident, HubError> {
    let now = hub.now();
    let (state, effects) = engine::open(opening, now);
    let mut step = Step::new(hub, processes, test, now);
    let state = step.run(state, effects);
    let state = step.take(state, joining.into_iter().map(Input::AlertTriggered).collect());
    let mut statements = vec![Store::insert_incident(&step.row(&state, None))];
    statements.extend(step.statements);
    statements.extend(also);
    hub.store.commit(statements).await?;
    wake(hub);
    Ok(state)
}

/// Runs the timers that are due. Returns how many there were.
pub async fn advance_due(hub: &Hub) -> Result<usize, HubError> {
    let due = hub.store.due_incidents(hub.now(), WAKES).await?;
    for row in &due {
        // One that cannot be read must not keep the others from paging.
        if let Err(error) = advance(hub, row.id, Input::Wake, Vec::new()).await {
            tracing::error!(incident = row.number, "its timer: {error}");
        }
    }
    Ok(due.len())
}

pub(super) fn wake(hub: &Hub) {
    hub.bus.wake(WAKE_OUTBOX);
    hub.bus.wake(WAKE_INCIDENTS);
    hub.bus.wake(WAKE_CHANGES);
}

pub fn read_state(row: &IncidentRow) -> Result<Incident, HubError> {
    serde_json::from_str(&row.body).map_err(|e| HubError::Internal(format!("incident {}: {e}", row.number)))
}

/// The effects of one step as statements.
pub(super) struct Step<'h> {
    hub: &'h Hub,
    now: Timestamp,
    processes: Option<String>,
    test: bool,
    repair: Option<String>,
    pub statements: Vec<Statement>,
}

impl<'h> Step<'h> {
    pub fn new(hub: &'h Hub, processes: Option<String>, test: bool, now: Timestamp) -> Self {
        Step { hub, now, processes, test, repair: None, statements: Vec::new() }
    }

    /// Moves the incident by each input in turn.
    fn take(&mut self, state: Incident, inputs: Vec<Input>) -> Incident {
        inputs.into_iter().fold(state, |state, input| {
            let (state, effects) = engine::advance(state, input, self.now);
            self.run(state, effects)
        })
    }

    /// Turns effects into statements; a page that reaches nobody goes back into the engine at once.
    pub fn run(&mut self, mut state: Incident, effects: Vec<Effect>) -> Incident {
        let mut queue: VecDeque<Effect> = effects.into();
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Timeline(entry) => self.timeline(&state, entry),
                Effect::Page(page) => {
                    let more;
                    (state, more) = self.on_call(state, &page);
                    queue.extend(more);
                    if !self.page(&state, &page) {
                        let input = Input::StepEmpty {
                            generation: page.generation,
                            step: page.step,
                            loop_no: page.loop_no,
                        };
                        let (next, more) = engine::advance(state, input, self.now);
                        state = next;
                        queue.extend(more);
                    }
                }
                Effect::PageCatchAll { generation, loop_no, reason, output } => {
                    self.page_catch_all(&state, generation, loop_no, reason, output);
                }
                Effect::CancelPages { generation } => {
                    self.statements.push(Store::cancel_pages(state.id, generation as i64));
                }
                Effect::AckNotice(notice) => self.ack_notice(&state, &notice),
                Effect::ResolveNotice(notice) => self.resolve_notice(&state, &notice),
                Effect::ResolveAlerts { alerts } => {
                    self.statements
                        .extend(alerts.into_iter().map(|alert| Store::resolve_alert(alert, self.now)));
                }
                Effect::ReopenAlerts { alerts } => {
                    self.statements.extend(alerts.into_iter().map(Store::reopen_alert));
                }
            }
        }
        self.statements.push(Store::insert_change("incident", state.id, self.now));
        state
    }

    fn timeline(&mut self, state: &Incident, entry: engine::Entry) {
        let run = entry.data.get("run_id").and_then(|v| v.as_str()).and_then(|text| text.parse().ok());
        if entry.kind == engine::TimelineKind::Run
            && let Some(repair) = entry.data.get("state").and_then(|v| v.as_str())
        {
            self.repair = Some(if repair == "started" { "running".into() } else { repair.into() });
        }
        let detail = ["output", "note", "text"]
            .iter()
            .find_map(|key| entry.data.get(*key).and_then(|v| v.as_str()))
            .filter(|text| !text.is_empty())
            .map(String::from);
        self.statements.push(Store::insert_timeline(&NewTimelineEntry {
            incident_id: state.id,
            at: entry.at,
            kind: entry.kind.as_str().into(),
            actor: targets::actor_name(self.hub, &entry.actor),
            text: entry.text,
            detail,
            run_id: run,
            idem: format!("{}/{}", state.id, entry.key),
        }));
    }

    /// Says who is on call by the schedules of a page, and keeps them for the notice that it is over.
    fn on_call(&self, state: Incident, page: &Page) -> (Incident, Vec<Effect>) {
        let schedules = page.targets.iter().filter_map(|target| match target {
            Target::Schedule(id) => Some(*id),
            _ => None,
        });
        schedules.fold((state, Vec::new()), |(state, mut effects), id| {
            let people = on_call::users(self.hub, id, self.now).into_iter().map(Target::User).collect();
            let text = on_call::roll_call(self.hub, id, self.now);
            let (state, more) = engine::advance(state, Input::OnCall { people, text }, self.now);
            effects.extend(more);
            (state, effects)
        })
    }

    /// `false` when nobody could be reached.
    fn page(&mut self, state: &Incident, page: &Page) -> bool {
        // What the people of the step before had asked to be told later is not sent once the next ones are told.
        let step = PageStep::of(state.id, page).to_string();
        self.statements.push(Store::cancel_delayed_pages(state.id, &step, self.now));
        let mut reached = false;
        for target in &page.targets {
            for contact in targets::contacts_of(self.hub, target, self.now, state.urgency) {
                let Contact { knock, user } = contact;
                let mut key = format!("{step}{}/{}", targets::target_key(target), knock.channel);
                if knock.delay_ms > 0 {
                    key.push_str(&format!("/{}", knock.delay_ms / 1_000));
                }
                let letter = Letter { reason: page.reason.text().into(), output: page.output.clone(), user };
                let due = self.now.plus_ms(knock.delay_ms);
                self.send(state.id, ("page", page.generation), knock.channel, (key, due), &letter);
                reached = true;
            }
        }
        reached
    }

    fn page_catch_all(
        &mut self,
        state: &Incident,
        generation: u64,
        loop_no: u32,
        reason: PageReason,
        output: Option<String>,
    ) {
        for channel in targets::catch_all(self.hub) {
            let key = format!("{}/{generation}/{loop_no}/catch-all/{channel}", state.id);
            let letter = Letter { reason: reason.text().into(), output: output.clone(), user: None };
            self.send(state.id, ("page", generation), channel, (key, self.now), &letter);
        }
    }

    /// Only what rings until somebody has it hears that somebody does.
    fn ack_notice(&mut self, state: &Incident, notice: &Notice) {
        let objects = self.hub.objects();
        for channel in self.channels_paged(&notice.targets, notice.catch_all) {
            if objects.channel(channel).is_some_and(|stored| stored.body.rings) {
                self.notice(state, notice, ("ack", "acknowledged"), channel);
            }
        }
    }

    fn channels_paged(&self, paged: &[Target], catch_all: bool) -> Vec<ChannelId> {
        // A schedule's people of the time of the page are among them.
        let told = paged.iter().filter(|target| !matches!(target, Target::Schedule(_)));
        let mut channels: Vec<_> =
            told.flat_map(|target| targets::channels_of(self.hub, target, self.now)).collect();
        if catch_all {
            channels.extend(targets::catch_all(self.hub));
        }
        channels.sort_unstable();
        channels.dedup();
        channels
    }

    fn resolve_notice(&mut self, state: &Incident, notice: &Notice) {
        for channel in self.channels_paged(&notice.targets, notice.catch_all) {
            self.notice(state, notice, ("resolve", "resolved"), channel);
        }
    }

    fn notice(&mut self, state: &Incident, notice: &Notice, (kind, word): (&str, &str), channel: ChannelId) {
        // The generations of two incidents are counted apart.
        let of = if notice.incident == state.id { String::new() } else { format!("{}/", state.id) };
        let key = format!("{}/{of}{}/{word}/{channel}", notice.incident, state.generation);
        let about = notice.incident;
        self.send(about, (kind, state.generation), channel, (key, self.now), &Letter::default());
    }

    fn send(
        &mut self,
        about: IncidentId,
        (kind, generation): (&str, u64),
        channel: ChannelId,
        (idem_key, due): (String, Timestamp),
        letter: &Letter,
    ) {
        self.statements.push(Store::insert_outbox(&OutboxRow {
            id: random::id(self.now),
            idem_key,
            incident_id: about,
            generation: generation as i64,
            kind: kind.into(),
            channel_id: channel,
            body: serde_json::to_string(letter).unwrap_or_default(),
            state: "pending".into(),
            attempts: 0,
            created_at: self.now,
            next_at: Some(due),
            lease_until: None,
            delivered_at: None,
            last_error: None,
            handle: None,
        }));
    }

    pub fn row(&self, state: &Incident, before: Option<&IncidentRow>) -> IncidentRow {
        IncidentRow {
            id: state.id,
            number: state.number,
            title: state.headline(),
            state: state.status.as_str().into(),
            severity: state.severity,
            service_id: state.service.id,
            server_id: state.server_id,
            test: self.test,
            group_key: state.group_key.clone(),
            generation: state.generation as i64,
            revision: before.map_or(0, |row| row.revision),
            next_wake_at: state.next_wake_at(),
            triggered_at: state.triggered_at,
            acknowledged_at: state.acked_at.filter(|_| state.status == Status::Acknowledged),
            first_acknowledged_at: state.first_acked_at,
            resolved_at: state.resolved_at,
            repair: self.repair.clone().or_else(|| before.and_then(|row| row.repair.clone())),
            merged_into: before.and_then(|row| row.merged_into).or(state.merged_into.map(|into| into.id)),
            body: serde_json::to_string(state).unwrap_or_default(),
            processes: self.processes.clone(),
        }
    }
}
