//! Firings of a schedule: what is due, what was missed, and what the gates say.

use watchtower_automation::cron::Schedule;
use watchtower_automation::{
    Action, Breaker, FiringAction, FiringFacts, GateName, MISSED_COUNTED_MAX, Mode, Overlap, Rate,
    decide_firing, due,
};
use watchtower_model::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-03-04T12:00:00Z")
}

fn schedule(expression: &str) -> Schedule {
    Schedule::new(expression, "UTC", at("2026-01-01T00:00:00Z")).unwrap()
}

#[test]
fn a_firing_is_due_once_its_time_has_come() {
    let hourly = schedule("@hourly");
    assert_eq!(due(&hourly, at("2026-03-04T13:00:00Z"), 0, now()), None);
    let found = due(&hourly, now(), 0, now()).unwrap();
    assert_eq!((found.at, found.passed, found.missed), (now(), 0, None));
    assert_eq!(found.next, Some(at("2026-03-04T13:00:00Z")));
    // A look each few seconds may be that late.
    assert_eq!(due(&hourly, now(), 0, at("2026-03-04T12:01:00Z")).unwrap().missed, None);
}

#[test]
fn what_was_missed_is_said_and_made_up_for_within_the_grace_time_alone() {
    let hourly = schedule("@hourly");
    let late = at("2026-03-04T12:20:00Z");
    let stored = at("2026-03-04T09:00:00Z");
    let skipped = due(&hourly, stored, 0, late).unwrap();
    assert_eq!((skipped.at, skipped.passed), (now(), 3));
    assert_eq!(skipped.missed.as_deref(), Some("no hub ran: 20m late, at most 1m is made up for"));
    let young = due(&hourly, stored, 30 * 60_000, late).unwrap();
    assert_eq!((young.at, young.passed, young.missed), (now(), 3, None));
    let old = due(&hourly, stored, 10 * 60_000, late).unwrap();
    assert!(old.missed.is_some());
    assert_eq!(old.next, Some(at("2026-03-04T13:00:00Z")));
}

#[test]
fn a_long_sleep_is_passed_over_quickly() {
    let minutely = schedule("* * * * *");
    let found = due(&minutely, at("2024-01-01T00:00:00Z"), 0, now().plus_ms(90_000)).unwrap();
    assert_eq!((found.at, found.passed), (at("2026-03-04T12:01:00Z"), MISSED_COUNTED_MAX));
    let yearly = schedule("@yearly");
    let found = due(&yearly, at("2023-01-01T00:00:00Z"), 0, now()).unwrap();
    assert_eq!((found.at, found.passed), (at("2026-01-01T00:00:00Z"), 3));
}

fn facts() -> FiringFacts {
    FiringFacts {
        halted: None,
        hub_may_be_cut_off: false,
        identity_refusal: None,
        matching: 3,
        ready: 2,
        under_way: 0,
        waiting: 0,
        recent_starts: Vec::new(),
        breaker: Breaker::default(),
    }
}

fn ask(mode: Mode, overlap: Overlap, facts: &FiringFacts) -> (FiringAction, Vec<GateName>, String) {
    let (action, decision) = decide_firing(mode, overlap, Rate::default(), facts, now());
    let refused = decision.gates.iter().filter(|gate| !gate.passed).map(|gate| gate.name).collect();
    (action, refused, decision.refusal().unwrap_or_default())
}

#[test]
fn with_all_gates_open_the_mode_decides() {
    for (mode, action) in
        [(Mode::Auto, Action::Run), (Mode::Approve, Action::AwaitApproval), (Mode::Observe, Action::Observe)]
    {
        assert_eq!(ask(mode, Overlap::Skip, &facts()), (FiringAction::Do(action), vec![], String::new()));
    }
}

#[test]
fn every_gate_refuses_by_itself() {
    let refuse = FiringAction::Do(Action::Refuse);
    let halted = FiringFacts { halted: Some("halted by ada".into()), ..facts() };
    let cut_off = FiringFacts { hub_may_be_cut_off: true, ..facts() };
    let gone = FiringFacts { identity_refusal: Some("ada may not act here any more".into()), ..facts() };
    let nobody = FiringFacts { matching: 0, ready: 0, ..facts() };
    let away = FiringFacts { ready: 0, ..facts() };
    let busy = FiringFacts { under_way: 1, ..facts() };
    let often = FiringFacts { recent_starts: vec![now(); 10], ..facts() };
    let open = FiringFacts { breaker: Breaker { failures_in_row: 3, opened_at: Some(now()) }, ..facts() };
    for (facts, gate, text) in [
        (halted, GateName::Halt, "halted by ada"),
        (cut_off, GateName::HubConnected, "cut off"),
        (gone, GateName::Identity, "ada may not"),
        (nobody, GateName::Targets, "no server matches"),
        (away, GateName::Targets, "none of 3 servers"),
        (busy, GateName::Overlap, "is not over"),
        (often, GateName::Rate, "10 of 10 starts"),
        (open, GateName::Breaker, "the breaker is open"),
    ] {
        let (action, gates, reason) = ask(Mode::Auto, Overlap::Skip, &facts);
        assert_eq!((action, gates), (refuse.clone(), vec![gate]), "{reason}");
        assert!(reason.contains(text), "{reason}");
    }
}

#[test]
fn overlapping_runs_are_skipped_queued_once_or_allowed() {
    let busy = FiringFacts { under_way: 1, ..facts() };
    let taken = FiringFacts { waiting: 1, ..busy.clone() };
    assert_eq!(ask(Mode::Auto, Overlap::Allow, &busy).0, FiringAction::Do(Action::Run));
    assert_eq!(ask(Mode::Auto, Overlap::Queue, &busy).0, FiringAction::Wait);
    assert_eq!(ask(Mode::Auto, Overlap::Queue, &taken).1, [GateName::Overlap]);
    assert_eq!(ask(Mode::Observe, Overlap::Queue, &busy).0, FiringAction::Do(Action::Observe));
    // What another gate refuses does not wait.
    let halted = FiringFacts { halted: Some("why".into()), ..busy };
    assert_eq!(ask(Mode::Auto, Overlap::Queue, &halted).0, FiringAction::Do(Action::Refuse));
}

#[test]
fn a_half_open_breaker_asks_a_person() {
    let breaker = Breaker { failures_in_row: 3, opened_at: Some(now().plus_ms(-2 * 3_600_000)) };
    let facts = FiringFacts { breaker, ..facts() };
    assert_eq!(ask(Mode::Auto, Overlap::Skip, &facts).0, FiringAction::Do(Action::AwaitApproval));
}
