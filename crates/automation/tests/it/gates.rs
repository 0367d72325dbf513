//! From facts where everything passes, one fact at a time is spoiled, and exactly its gate must refuse.

use std::collections::BTreeMap;

use watchtower_automation::{
    Action, Automation, Breaker, BreakerState, CAME_BACK_MS, Facts, GateName, Mode, OPEN_MS, PastAttempt,
    Population, Rate, ScriptVersion, blast_limit, came_back, decide,
};
use watchtower_model::{AutomationId, Id, ScriptId, Timestamp};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const MINUTE: i64 = 60_000;

fn id(n: u8) -> AutomationId {
    AutomationId(Id::from_bytes([n; 16]))
}

fn definition(mode: Mode) -> Automation {
    Automation {
        id: id(0),
        name: "restart db".into(),
        enabled: true,
        mode,
        script_id: ScriptId(Id::NIL),
        script_version: ScriptVersion::Pinned(3),
        params: BTreeMap::new(),
        cooldown_ms: 15 * MINUTE,
        attempts_per_incident: 2,
        attempts_per_day: 5,
        rate: Rate::default(),
        verify_within_ms: None,
        delay_ms: 0,
    }
}

fn facts() -> Facts {
    Facts {
        rule: Population { firing: 1, total: 20 },
        group: None,
        attempts: Vec::new(),
        recent_starts: Vec::new(),
        runs_on_server: 0,
        runs_on_group: 0,
        verifying_on_server: false,
        agent_connected: true,
        data_age_ms: Some(10_000),
        interval_ms: 10_000,
        trigger_is_no_data: false,
        clock_ok: true,
        halted: None,
        suppressed_by: None,
        identity_refusal: None,
        causes: Vec::new(),
        breaker: Breaker::default(),
        hub_may_be_cut_off: false,
    }
}

fn attempt(minutes_ago: i64, same_incident: bool) -> PastAttempt {
    PastAttempt { started_at: NOW - minutes_ago * MINUTE, fixed: Some(false), same_incident }
}

#[test]
fn the_mode_decides_when_all_gates_pass() {
    for (mode, action) in
        [(Mode::Auto, Action::Run), (Mode::Approve, Action::AwaitApproval), (Mode::Observe, Action::Observe)]
    {
        let decision = decide(&definition(mode), &facts(), NOW);
        assert_eq!(decision.action, action);
        assert_eq!(decision.refusal(), None);
        assert_eq!(decision.gates.len(), 18);
        assert!(decision.gates.iter().all(|g| g.passed && !g.reason.is_empty()));
    }
}

#[test]
fn each_gate_refuses_alone_and_says_why() {
    type Spoil = fn(&mut Facts);
    let spoiled: Vec<(GateName, Spoil)> = vec![
        (GateName::Halt, |f| f.halted = Some("a halt switch is on".into())),
        (GateName::HubConnected, |f| f.hub_may_be_cut_off = true),
        (GateName::Identity, |f| f.identity_refusal = Some("the team lost the right".into())),
        (GateName::Suppressed, |f| f.suppressed_by = Some("window upgrade".into())),
        (GateName::Depth, |f| f.causes = vec![id(9), definition(Mode::Auto).id]),
        (GateName::Agent, |f| f.agent_connected = false),
        (GateName::FreshData, |f| f.data_age_ms = Some(30_001)),
        (GateName::FreshData, |f| f.data_age_ms = None),
        (GateName::Clock, |f| f.clock_ok = false),
        (GateName::Cooldown, |f| f.attempts = vec![attempt(14, false), attempt(60, false)]),
        (GateName::AttemptsPerIncident, |f| f.attempts = vec![attempt(16, true), attempt(60, true)]),
        (GateName::AttemptsPerDay, |f| f.attempts = (1..=5).map(|n| attempt(60 * n, false)).collect()),
        (GateName::Rate, |f| f.recent_starts = vec![NOW - 4 * MINUTE; 10]),
        (GateName::ServerBusy, |f| f.runs_on_server = 1),
        (GateName::ServerBusy, |f| f.verifying_on_server = true),
        (GateName::GroupBusy, |f| f.runs_on_group = 1),
        (GateName::BlastRadius, |f| f.rule = Population { firing: 5, total: 20 }),
        (GateName::GroupBlastRadius, |f| f.group = Some(Population { firing: 2, total: 5 })),
        (GateName::Breaker, |f| f.breaker.opened_at = Some(NOW - OPEN_MS + 1)),
    ];
    for (name, spoil) in spoiled {
        let mut facts = facts();
        spoil(&mut facts);
        let decision = decide(&definition(Mode::Auto), &facts, NOW);
        let refused: Vec<_> = decision.gates.iter().filter(|g| !g.passed).collect();
        assert_eq!(refused.len(), 1, "{name:?}: {refused:?}");
        assert_eq!((refused[0].name, decision.action), (name, Action::Refuse), "{refused:?}");
        assert_eq!(decision.refusal().as_ref(), Some(&refused[0].reason));
    }
    let disabled = Automation { enabled: false, ..definition(Mode::Auto) };
    assert_eq!(decide(&disabled, &facts(), NOW).action, Action::Refuse);
}

#[test]
fn limits_pass_up_to_their_edge() {
    let mut f = facts();
    f.attempts = vec![attempt(15, true)];
    f.attempts.extend((1..=3).map(|n| attempt(60 * n, false)));
    f.attempts.push(attempt(24 * 60, false));
    f.recent_starts = vec![NOW - MINUTE; 9];
    f.recent_starts.push(NOW - 5 * MINUTE);
    f.data_age_ms = Some(30_000);
    f.causes = vec![definition(Mode::Auto).id];
    f.rule = Population { firing: 4, total: 20 };
    f.group = Some(Population { firing: 1, total: 2 });
    assert_eq!(decide(&definition(Mode::Auto), &f, NOW).refusal(), None);
    f.data_age_ms = None;
    f.trigger_is_no_data = true;
    // A chain of others is no loop, however long.
    f.causes = (20..25).map(id).collect();
    assert_eq!(decide(&definition(Mode::Auto), &f, NOW).action, Action::Run);
}

#[test]
fn blast_limits() {
    for (total, limit) in [(1, 1), (5, 1), (6, 3), (15, 3), (19, 3), (20, 4), (100, 20), (10_000, 2_000)] {
        assert_eq!(blast_limit(total), limit, "of {total}");
    }
}

#[test]
fn three_failures_in_a_row_open_the_breaker_for_an_hour() {
    let two = Breaker::default().failed(NOW).failed(NOW);
    assert_eq!(two.state(NOW), BreakerState::Closed);
    assert_eq!(two.succeeded().failed(NOW).failed(NOW).state(NOW), BreakerState::Closed);
    let open = two.failed(NOW);
    assert_eq!(open.state(NOW), BreakerState::Open { until: NOW + OPEN_MS });
    let later = NOW + OPEN_MS;
    assert_eq!(open.state(later), BreakerState::HalfOpen);
    let facts = Facts { breaker: open, ..facts() };
    let decision = decide(&definition(Mode::Auto), &Facts { data_age_ms: Some(0), ..facts }, later);
    assert_eq!(decision.action, Action::AwaitApproval, "half-open asks a person even in auto");
    assert_eq!(open.failed(later).state(later + 1), BreakerState::Open { until: later + OPEN_MS });
    assert_eq!(open.succeeded().state(later), BreakerState::Closed);
    assert!(came_back(NOW, NOW + CAME_BACK_MS - 1) && !came_back(NOW, NOW + CAME_BACK_MS));
}

#[test]
fn definitions_are_checked_and_fill_their_defaults() {
    let text = r#"{"id":"00000000-0000-0000-0000-000000000000","name":"restart db","enabled":true,"mode":"auto",
        "script_id":"00000000-0000-0000-0000-000000000000","script_version":{"policy":"pinned","version":3}}"#;
    let def: Automation = serde_json::from_str(text).unwrap();
    assert_eq!(def, definition(Mode::Auto));
    assert_eq!(def.check(), Ok(()));
    let bad = [
        ("name", Automation { name: "a/b".into(), ..def.clone() }),
        ("cooldown", Automation { cooldown_ms: -1, ..def.clone() }),
        ("attempts_per_day", Automation { attempts_per_day: 0, ..def.clone() }),
        ("rate", Automation { rate: Rate { count: 0, per_ms: 1_000 }, ..def.clone() }),
        ("verify_within", Automation { verify_within_ms: Some(0), ..def.clone() }),
        ("delay", Automation { delay_ms: 3_600_001, ..def.clone() }),
        ("params", Automation { params: [("p".to_string(), "x".repeat(2_000))].into(), ..def }),
    ];
    for (field, def) in bad {
        let text = def.check().unwrap_err().to_string();
        assert!(text.starts_with(field), "{text}");
    }
}
