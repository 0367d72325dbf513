//! A seeded random walk over all inputs, with the engine's promises checked after each step.

use std::collections::BTreeSet;

use watchtower_incident::{
    Actor, AlertSignal, Earlier, Effect, Incident, Input, MergedInto, Opening, PendingKind, PolicySnapshot,
    Reopened, Reopening, RunReport, RunState, ServiceSnapshot, Status, Step, Strategy, Target, advance,
    in_turn, merge, open,
};
use watchtower_model::{AlertId, Id, IncidentId, ServiceId, Severity, Timestamp, Urgency, UserId};

const SEEDS: u64 = 600;
const STEPS_PER_SEED: usize = 120;

/// xorshift64*: enough to wander, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn id(&mut self, sides: u64) -> Id {
        Id::from_bytes([self.roll(sides) as u8; 16])
    }

    fn maybe_ms(&mut self) -> Option<i64> {
        (self.roll(2) == 0).then(|| self.roll(7_200_000) as i64)
    }

    /// Of the alerts that this incident has by itself.
    fn signal(&mut self, number: i64) -> AlertSignal {
        AlertSignal {
            id: AlertId(Id::from_bytes([self.roll(4) as u8 + 4 * number as u8; 16])),
            severity: Severity::ALL[self.roll(4) as usize],
            urgency: Urgency::High,
            title: "disk".into(),
            suppressed_by: (self.roll(6) == 0).then(|| "a silence".into()),
        }
    }

    fn opening(&mut self, number: i64) -> Opening {
        let step = |dice: &mut Dice| Step {
            delay_ms: dice.roll(600_000) as i64 - 10_000,
            targets: (0..dice.roll(4)).map(|_| Target::User(UserId(dice.id(5)))).collect(),
            strategy: [Strategy::All, Strategy::RoundRobin][dice.roll(2) as usize],
        };
        Opening {
            id: IncidentId(Id::from_bytes([number as u8; 16])),
            number,
            service: ServiceSnapshot {
                id: ServiceId(Id::NIL),
                name: "db".into(),
                ack_timeout_ms: self.maybe_ms(),
                auto_resolve_ms: self.maybe_ms(),
                hold_pages_ms: self.maybe_ms(),
                group_window_ms: 60_000,
                resolve_delay_ms: [0, 0, 45_000][self.roll(3) as usize],
                reopen_window_ms: 0,
            },
            policy: PolicySnapshot {
                id: None,
                steps: (0..self.roll(4)).map(|_| step(self)).collect(),
                repeat: self.roll(3) as u32,
            },
            group_key: "g".into(),
            server_id: None,
            alert: self.signal(number),
            earlier: (self.roll(3) == 0).then(|| Earlier {
                number: 1,
                ended_at: Timestamp(1),
                lately: self.roll(4) as u32,
            }),
            repair_starting: self.roll(2) == 0,
        }
    }

    fn reopened(&mut self, incident: &Incident) -> Input {
        let Opening { service, policy, alert, repair_starting, .. } = self.opening(incident.number);
        let suppressed_by = alert.suppressed_by.clone();
        let by = match self.roll(2) {
            0 => Reopened::Person { by: Actor::System, suppressed_by },
            _ => Reopened::Alert { signal: alert, instead_of: Vec::new(), repair_starting },
        };
        Input::Reopened(Box::new(Reopening { service, policy, by }))
    }

    fn input(&mut self, incident: &Incident) -> Input {
        let by = Actor::User(UserId(self.id(5)));
        match self.roll(25) {
            0..=3 => Input::AlertTriggered(self.signal(incident.number)),
            4..=5 => {
                let any = self.roll(incident.alerts.len() as u64) as usize;
                let alert = *incident.alerts.keys().nth(any).expect("an incident has an alert");
                Input::AlertResolved { alert }
            }
            6..=7 => Input::Ack { by, via: "web".into(), snooze_ms: self.maybe_ms() },
            8 => Input::Unack { by },
            9 if self.roll(8) == 0 => Input::Resolve { by, note: String::new() },
            10 => Input::Escalate { by },
            11 => Input::StepEmpty {
                generation: incident.generation,
                step: self.roll(4) as usize,
                loop_no: incident.loop_no,
            },
            12..=13 => Input::Run(RunReport {
                run_id: None,
                state: [RunState::Started, RunState::Fixed, RunState::NotFixed, RunState::Lost]
                    [self.roll(4) as usize],
                detail: String::new(),
                output: "ö".repeat(self.roll(3_000) as usize),
            }),
            14 => Input::SuppressionEnded,
            24 if incident.is_resolved() && self.roll(2) == 0 => self.reopened(incident),
            15 if self.roll(3) == 0 => {
                Input::Suppressed { by: "a window".into(), alerts: incident.open_alerts().collect() }
            }
            _ => Input::Wake,
        }
    }
}

#[test]
fn promises_hold_along_random_walks() {
    let (mut pages, mut ends, mut merges, mut taken_in, mut reopened) = (0, 0, 0, 0, 0);
    for seed in 1..=SEEDS {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut now = Timestamp(1_000_000);
        let (incident, effects) = open(dice.opening(1), now);
        let (mut incident, effects) = drawn(incident, effects, now);
        let mut sent = BTreeSet::new();
        let mut keys = BTreeSet::new();
        check(seed, None, &incident, &effects, now, &mut sent, &mut keys);
        for _ in 0..STEPS_PER_SEED {
            now = match (dice.roll(3), incident.next_wake_at()) {
                (0, Some(wake)) => wake.max(now),
                _ => now.plus_ms(dice.roll(400_000) as i64),
            };
            if dice.roll(20) == 0 {
                let number = 2 + merges % 60;
                merges += 1;
                let before = incident.clone();
                let (after, taken) = take_in(seed, &mut dice, number, incident, now);
                let effects;
                (incident, effects) = drawn(after, taken, now);
                check(seed, Some(&before), &incident, &effects, now, &mut sent, &mut keys);
                continue;
            }
            let before = incident.clone();
            let input = dice.input(&incident);
            let reopens = matches!(input, Input::Reopened(_)) && before.merged_into.is_none();
            let (after, effects) = advance(incident, input, now);
            let (after, effects) = drawn(after, effects, now);
            if reopens && before.is_resolved() {
                check_reopened(seed, &before, &after);
                reopened += 1;
                check(seed, None, &after, &effects, now, &mut sent, &mut keys);
                incident = after;
                continue;
            }
            check(seed, Some(&before), &after, &effects, now, &mut sent, &mut keys);
            incident = after;
        }
        pages += sent.len();
        ends += usize::from(incident.is_resolved());
        taken_in += incident.merged.len();
    }
    assert!(
        pages > 1_000 && ends > 100 && taken_in > 500 && reopened > 100,
        "the walk went nowhere: {pages} pages, {ends} ends, {taken_in} merges, {reopened} reopened"
    );
}

/// As the hub does it, for somebody who was asked first each time: whom a page by turns asks.
fn drawn(mut incident: Incident, effects: Vec<Effect>, now: Timestamp) -> (Incident, Vec<Effect>) {
    let mut out = Vec::new();
    for effect in effects {
        let Effect::Page(mut page) = effect else {
            out.push(effect);
            continue;
        };
        if page.by_turns {
            let target = in_turn(&page.targets, None, |_| true).expect("a page has somebody to ask");
            let (step, loop_no) = (page.step, page.loop_no);
            let input = Input::Drawn { step, loop_no, target, text: "drawn".into() };
            let more;
            (incident, more) = advance(incident, input, now);
            out.extend(more);
            page.targets = vec![target];
        }
        out.push(Effect::Page(page));
    }
    (incident, out)
}

/// It begins as a new one would.
fn check_reopened(seed: u64, before: &Incident, after: &Incident) {
    let at = format!("seed {seed}: {after:?} after {before:?}");
    assert_eq!(after.status, Status::Triggered, "{at}");
    assert!(after.generation > before.generation && after.paged.is_superset(&before.paged), "{at}");
    assert!(after.resolved_at.is_none() && after.resolved_by.is_none() && after.acked_by.is_none(), "{at}");
    assert!(after.merged.iter().all(|merged| merged.paged.is_empty() && !merged.catch_all_paged), "{at}");
    assert!(before.closed_by_end.is_empty() || after.open_alerts().count() > 0, "nothing could end it: {at}");
    assert_eq!((after.reopened, after.triggered_at), (before.reopened + 1, before.triggered_at), "{at}");
}

/// Merges another incident, which went some way by itself, into this one; and back, where this one is over.
fn take_in(
    seed: u64,
    dice: &mut Dice,
    number: i64,
    target: Incident,
    now: Timestamp,
) -> (Incident, Vec<Effect>) {
    let (mut source, _) = open(dice.opening(number), now);
    for _ in 0..dice.roll(5) {
        let input = dice.input(&source);
        source = advance(source, input, now).0;
    }
    let by = Actor::User(UserId(dice.id(5)));
    let Ok(((ended, said), (after, effects))) = merge(source.clone(), target.clone(), &by, now) else {
        assert!(source.is_resolved() || target.is_resolved(), "seed {seed}: refused what is open");
        return (target, Vec::new());
    };
    let at = format!("seed {seed}: {source:?} into {target:?}: {ended:?}, {after:?}, {effects:?}");
    let into = MergedInto { id: after.id, number: after.number };
    assert!(ended.is_resolved() && ended.merged_into == Some(into) && ended.next_wake_at().is_none(), "{at}");
    assert!(ended.generation > source.generation, "its unsent pages stay valid: {at}");
    assert!(
        said.iter().all(|effect| matches!(effect, Effect::Timeline(_) | Effect::CancelPages { .. })),
        "it tells of an end: {at}"
    );
    assert!(
        source.open_alerts().all(|id| after.alerts[&id].open) && ended.open_alerts().count() == 0,
        "{at}"
    );
    assert!(after.merged.iter().any(|merged| merged.id == source.id && merged.paged == source.paged), "{at}");
    assert!(merge(after.clone(), ended.clone(), &by, now).is_err(), "in a circle: {at}");
    let asks = source.status == Status::Triggered && source.suppressed.is_none() && !source.unanswered;
    if asks && source.open_alerts().count() > 0 {
        let kinds = [PendingKind::Escalate, PendingKind::ReleaseHold];
        let asked = after.pending_actions.iter().any(|action| kinds.contains(&action.kind))
            || effects.iter().any(|effect| matches!(effect, Effect::PageCatchAll { .. }));
        let kept = match after.status {
            Status::Acknowledged => after.acked_severity >= Some(source.severity),
            _ => asked && after.suppressed.is_none(),
        };
        assert!(kept, "a page is lost: {at}");
    }
    (after, effects)
}

fn check(
    seed: u64,
    before: Option<&Incident>,
    after: &Incident,
    effects: &[Effect],
    now: Timestamp,
    sent: &mut BTreeSet<(u64, usize, u32, Vec<Target>)>,
    keys: &mut BTreeSet<String>,
) {
    let at = format!("seed {seed}, at {now:?}: {after:?} after {before:?}: {effects:?}");
    let held = after.unanswered || after.suppressed.is_some() || after.next_wake_at().is_some();
    assert!(after.status != Status::Triggered || held, "forgotten: {at}");
    assert!(!after.is_resolved() || after.next_wake_at().is_none(), "a timer after the end: {at}");
    for effect in effects {
        match effect {
            Effect::Page(p) => {
                assert!(after.status != Status::Acknowledged, "paged although acknowledged: {at}");
                assert!(after.suppressed.is_none(), "paged although suppressed: {at}");
                assert!(!p.targets.is_empty(), "paged nobody: {at}");
                assert!(p.targets.iter().all(|t| after.paged.contains(t)), "no notice for {p:?}: {at}");
                let key = (p.generation, p.step, p.loop_no, p.targets.clone());
                assert!(sent.insert(key), "one key for two pages: {at}");
            }
            Effect::Timeline(e) => assert!(keys.insert(e.key.clone()), "a key twice: {at}"),
            Effect::PageCatchAll { .. } => assert!(after.catch_all_paged, "{at}"),
            _ => {}
        }
    }
    let Some(before) = before else { return };
    assert!(after.generation >= before.generation, "the generation fell: {at}");
    if before.status == Status::Triggered && after.status != Status::Triggered {
        assert!(after.generation > before.generation, "unsent pages stay valid: {at}");
    }
    if before.is_resolved() {
        let mut same = after.clone();
        same.entries = before.entries;
        assert_eq!(&same, before, "changed after the end: {at}");
        assert!(effects.iter().all(|e| matches!(e, Effect::Timeline(_))), "acted after the end: {at}");
    } else if after.is_resolved() && !before.paged.is_empty() {
        assert!(effects.iter().any(|e| matches!(e, Effect::ResolveNotice { .. })), "no notice: {at}");
    }
}
