//! The effects of one step of an incident as statements: timeline, messages, alerts, and the row itself.

use std::collections::VecDeque;

use watchtower_incident::{
    self as engine, Effect, Incident, Input, Notice, Page, PageReason, Status, Strategy, Target,
};
use watchtower_model::{ChannelId, IncidentId, Timestamp};
use watchtower_store::{IncidentRow, NewTimelineEntry, OutboxRow, Statement, Store, TO_COMPLETION};

use super::rounds::{Rounds, describe_asked};
use super::targets::Contact;
use super::{PageStep, on_call, targets};
use crate::jobs::send::Letter;
use crate::{Hub, random};

/// The effects of one step as statements.
pub(super) struct Step<'h> {
    hub: &'h Hub,
    now: Timestamp,
    processes: Option<String>,
    test: bool,
    repair: Option<String>,
    pub rounds: Rounds,
    pub statements: Vec<Statement>,
}

impl<'h> Step<'h> {
    pub fn new(hub: &'h Hub, processes: Option<String>, test: bool, now: Timestamp) -> Self {
        Step { hub, now, processes, test, repair: None, rounds: Rounds::default(), statements: Vec::new() }
    }

    /// Moves the incident by each input in turn.
    pub fn take(&mut self, state: Incident, inputs: Vec<Input>) -> Incident {
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
                Effect::Page(mut page) => {
                    let mut more;
                    (state, more) = self.draw(state, &mut page);
                    queue.extend(more);
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

    /// Leaves of a page by turns the one whose turn it is, and says so.
    fn draw(&mut self, state: Incident, page: &mut Page) -> (Incident, Vec<Effect>) {
        if !page.by_turns {
            return (state, Vec::new());
        }
        let Some((target, statement)) = self.rounds.draw(&state.policy, page) else {
            return (state, Vec::new());
        };
        self.statements.extend(statement);
        page.targets = vec![target];
        let round = state.policy.steps.get(page.step).map(|step| step.targets.as_slice()).unwrap_or_default();
        let all = describe_asked(self.hub, Strategy::RoundRobin, round);
        let text = format!("step {} asks {}, {all}", page.step + 1, targets::describe(self.hub, &target));
        let (step, loop_no) = (page.step, page.loop_no);
        engine::advance(state, Input::Drawn { step, loop_no, target, text }, self.now)
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
        // What the people of the step before had asked to be told later is not sent once the next ones are told, unless they want it all
        // the same.
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
                if knock.to_completion {
                    key.push_str(TO_COMPLETION);
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
