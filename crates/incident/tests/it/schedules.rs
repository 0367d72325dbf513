//! Schedules as targets: people of the moment are told, and hear of the end.

use watchtower_incident::{
    Actor, AlertSignal, Effect, Input, Opening, PolicySnapshot, ServiceSnapshot, Step, Strategy, Target,
    TimelineKind, advance, open,
};
use watchtower_model::{
    AlertId, Id, IncidentId, ScheduleId, ServiceId, Severity, Timestamp, Urgency, UserId,
};

#[test]
fn who_was_on_call_is_in_the_timeline_and_gets_the_notice() {
    let schedule = Target::Schedule(ScheduleId(Id::NIL));
    let ann = Target::User(UserId(Id::from_digest(&[1; 16])));
    let service = ServiceSnapshot {
        id: ServiceId(Id::NIL),
        name: "db".into(),
        ack_timeout_ms: None,
        auto_resolve_ms: None,
        hold_pages_ms: None,
        group_window_ms: 0,
        resolve_delay_ms: 0,
        reopen_window_ms: 0,
    };
    let alert = AlertSignal {
        id: AlertId(Id::NIL),
        severity: Severity::Error,
        urgency: Urgency::High,
        title: "slow".into(),
        suppressed_by: None,
    };
    let opening = Opening {
        id: IncidentId(Id::NIL),
        number: 1,
        service,
        policy: PolicySnapshot {
            steps: vec![Step { delay_ms: 60_000, targets: vec![schedule], strategy: Strategy::All }],
            ..PolicySnapshot::default()
        },
        group_key: "g".into(),
        server_id: None,
        alert,
        earlier: None,
        repair_starting: false,
    };
    let now = Timestamp(1_000);
    let (incident, _) = open(opening, now);
    let on_call = Input::OnCall { people: vec![ann], text: "ann, on call for db until 08:00".into() };
    let (incident, effects) = advance(incident, on_call, now);
    assert!(matches!(&effects[..], [Effect::Timeline(entry)]
        if entry.kind == TimelineKind::OnCall && entry.text == "ann, on call for db until 08:00"));
    // It is stored in between.
    let incident = serde_json::from_str(&serde_json::to_string(&incident).unwrap()).unwrap();
    let (_, effects) = advance(incident, Input::Resolve { by: Actor::System, note: String::new() }, now);
    let told = effects.iter().find_map(|effect| match effect {
        Effect::ResolveNotice(notice) => Some(notice.targets.clone()),
        _ => None,
    });
    assert_eq!(told, Some(vec![ann, schedule]));
}
