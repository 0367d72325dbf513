//! What a new installation has: a team, a policy, a service, the last route, and a few good rules.

use std::collections::BTreeMap;

use watchtower_api_types::{
    PolicyInput, PolicyStep, RuleInput, RuleKind, ServiceInput, StepTarget, TargetKind, TeamInput,
};
use watchtower_model::{PolicyId, ServiceId, Severity, TeamId};
use watchtower_store::{DbError, Store, objects};

use crate::objects::{PolicyBody, RouteBody, RuleBody, ServiceBody, TeamBody};
use crate::random;

const META_SEEDED: &str = "defaults";
const BY: &str = "watchtower";

/// A default metric rule: name, severity, PromQL, minutes, summary.
type MetricDefault = (&'static str, Severity, &'static str, i64, &'static str);

/// Few, so that each is worth reading; visible, on, and paging only when a person chooses so.
const METRIC_RULES: &[MetricDefault] = &[
    (
        "Disk almost full",
        Severity::Error,
        "100 * (1 - node_filesystem_avail_bytes / (node_filesystem_size_bytes > 0)) > 90",
        5,
        "{{ $labels.instance }}: {{ $labels.mountpoint }} is {{ $value | printf \"%.0f\" }} % full",
    ),
    (
        "Disk full within a day",
        Severity::Warning,
        "predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0 and 100 * node_filesystem_avail_bytes / (node_filesystem_size_bytes > 0) < 40",
        60,
        "{{ $labels.instance }}: {{ $labels.mountpoint }} will be full within a day at this rate",
    ),
    (
        "Memory almost used up",
        Severity::Error,
        "100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 10",
        5,
        "{{ $labels.instance }}: only {{ $value | printf \"%.0f\" }} % of memory is available",
    ),
    (
        "CPU busy",
        Severity::Warning,
        "100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[2m]))) > 90",
        10,
        "{{ $labels.instance }}: CPU {{ $value | printf \"%.0f\" }} % busy",
    ),
];

/// A default event rule: name, severity, kind, the kind that ends it, seconds, paging.
type EventDefault = (&'static str, Severity, &'static str, &'static str, f64, bool);

const EVENT_RULES: &[EventDefault] = &[
    ("Server lost", Severity::Critical, "server.lost", "server.recovered", 60.0, false),
    // The one page in place of those about the servers behind it, which are then only seen.
    ("Hub cut off", Severity::Critical, "hub.cut_off", "hub.reconnected", 0.0, true),
    ("Service failed", Severity::Error, "unit.failed", "unit.recovered", 0.0, false),
];

/// Makes the defaults once. A person who removes one does not get it back.
pub(crate) async fn seed(store: &Store) -> Result<(), DbError> {
    if store.meta(META_SEEDED).await?.is_some() {
        return Ok(());
    }
    let now = store.clock().now();
    let (team, policy, service, route) = (random::id(now), random::id(now), random::id(now), random::id(now));
    let mut statements = vec![Store::set_meta_statement(META_SEEDED, "1")];
    statements.extend(objects::insert(
        team,
        &TeamBody(TeamInput { name: "Operations".into(), members: Vec::new(), role: None, servers: None }),
        BY,
        now,
    ));
    let steps = vec![PolicyStep {
        delay_seconds: 300.0,
        targets: vec![StepTarget { kind: TargetKind::Team, id: team }],
    }];
    statements.extend(objects::insert(
        policy,
        &PolicyBody(PolicyInput { name: "Default".into(), steps, repeat: 2 }),
        BY,
        now,
    ));
    let default = ServiceInput {
        name: "default".into(),
        description: "What no other route takes".into(),
        team_id: Some(TeamId(team)),
        policy_id: PolicyId(policy),
        ack_timeout_seconds: Some(1800.0),
        auto_resolve_seconds: None,
        hold_pages_for_seconds: None,
        group_window_seconds: None,
        runbook_url: None,
    };
    statements.extend(objects::insert(service, &ServiceBody(default), BY, now));
    let last = RouteBody {
        matchers: String::new(),
        service_id: ServiceId(service),
        position: i64::MAX,
        key: "default".into(),
    };
    statements.extend(objects::insert(route, &last, BY, now));
    for rule in METRIC_RULES.iter().map(metric_rule).chain(EVENT_RULES.iter().map(event_rule)) {
        statements.extend(objects::insert(
            random::id(now),
            &RuleBody { input: rule, builtin: true },
            BY,
            now,
        ));
    }
    store.commit(statements).await.map(drop)
}

fn metric_rule((name, severity, expr, minutes, summary): &MetricDefault) -> RuleInput {
    RuleInput {
        paging: false,
        severity: *severity,
        expr: Some((*expr).into()),
        for_seconds: (*minutes * 60) as f64,
        annotations: BTreeMap::from([("summary".to_string(), (*summary).to_string())]),
        ..RuleInput::new(*name, RuleKind::Metric)
    }
}

fn event_rule((name, severity, kind, ends, seconds, paging): &EventDefault) -> RuleInput {
    RuleInput {
        paging: *paging,
        severity: *severity,
        for_seconds: *seconds,
        event_kind: Some((*kind).into()),
        resolve_kind: Some((*ends).into()),
        ..RuleInput::new(*name, RuleKind::Event)
    }
}
