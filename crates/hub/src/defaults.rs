//! What a new installation has: a team, a policy, a service, the last route, and a few good rules.

use std::collections::BTreeMap;

use watchtower_api_types::{
    PolicyInput, PolicyStep, RuleInput, RuleKind, ServiceInput, StepStrategy, StepTarget, TargetKind,
    TeamInput,
};
use watchtower_model::{PolicyId, ServiceId, Severity, TeamId, Timestamp};
use watchtower_store::{DbError, Statement, Store, objects};

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

/// A default event rule: name, severity, kind, the kind that ends it, seconds, paging, the version of the defaults it came with.
type EventDefault = (&'static str, Severity, &'static str, &'static str, f64, bool, u32);

const EVENT_RULES: &[EventDefault] = &[
    ("Server lost", Severity::Critical, "server.lost", "server.recovered", 60.0, false, 1),
    // The one page in place of those about the servers behind it, which are then only seen.
    ("Hub cut off", Severity::Critical, "hub.cut_off", "hub.reconnected", 0.0, true, 1),
    ("Service failed", Severity::Error, "unit.failed", "unit.recovered", 0.0, false, 1),
    ("Hub disk filling", Severity::Critical, "hub.disk_filling", "hub.disk_ok", 0.0, true, 2),
    ("Hub overdue", Severity::Critical, "hub.overdue", "hub.on_time", 0.0, true, 3),
];
/// Of the defaults here.
const VERSION: u32 = 3;

/// Makes the defaults once. A person who removes one does not get it back.
pub(crate) async fn seed(store: &Store) -> Result<(), DbError> {
    let now = store.clock().now();
    let seeded = store.meta(META_SEEDED).await?.map(|text| text.parse::<u32>().unwrap_or(1));
    match seeded {
        Some(VERSION..) => return Ok(()),
        Some(before) => return store.commit(newer_rules(before, now)).await.map(drop),
        None => {}
    }
    let (team, policy, service, route) = (random::id(now), random::id(now), random::id(now), random::id(now));
    let mut statements = vec![Store::set_meta_statement(META_SEEDED, &VERSION.to_string())];
    statements.extend(objects::insert(
        team,
        &TeamBody(TeamInput { name: "Operations".into(), members: Vec::new(), role: None, servers: None }),
        BY,
        now,
    ));
    let steps = vec![PolicyStep {
        delay_seconds: 300.0,
        targets: vec![StepTarget { kind: TargetKind::Team, id: team }],
        strategy: StepStrategy::All,
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
        resolve_delay_seconds: None,
        reopen_window_seconds: None,
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
    statements.extend(METRIC_RULES.iter().flat_map(|rule| rule_statements(metric_rule(rule), now)));
    statements.extend(EVENT_RULES.iter().flat_map(|rule| rule_statements(event_rule(rule), now)));
    store.commit(statements).await.map(drop)
}

/// What an installation lacks whose defaults are of an older version.
fn newer_rules(before: u32, now: Timestamp) -> Vec<Statement> {
    let newer = EVENT_RULES.iter().filter(|rule| rule.6 > before);
    let rules = newer.flat_map(|rule| rule_statements(event_rule(rule), now));
    std::iter::once(Store::set_meta_statement(META_SEEDED, &VERSION.to_string())).chain(rules).collect()
}

fn rule_statements(input: RuleInput, now: Timestamp) -> Vec<Statement> {
    objects::insert(random::id(now), &RuleBody { input, builtin: true }, BY, now).into_iter().collect()
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

fn event_rule((name, severity, kind, ends, seconds, paging, _): &EventDefault) -> RuleInput {
    RuleInput {
        paging: *paging,
        severity: *severity,
        for_seconds: *seconds,
        event_kind: Some((*kind).into()),
        resolve_kind: Some((*ends).into()),
        ..RuleInput::new(*name, RuleKind::Event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{check_event_rule, check_metric_rule};

    #[test]
    fn every_default_is_a_rule() {
        for rule in METRIC_RULES.iter().map(metric_rule) {
            assert!(check_metric_rule(&rule).is_ok(), "{}: {:?}", rule.name, check_metric_rule(&rule).err());
        }
        for rule in EVENT_RULES.iter().map(event_rule) {
            assert!(check_event_rule(&rule).is_ok(), "{}: {:?}", rule.name, check_event_rule(&rule).err());
        }
    }

    #[test]
    fn an_older_installation_gets_what_is_newer() {
        let now = Timestamp(0);
        let one = rule_statements(event_rule(&EVENT_RULES[0]), now).len();
        assert_eq!([1, 2, VERSION].map(|before| newer_rules(before, now).len()), [1 + 2 * one, 1 + one, 1]);
        assert!(EVENT_RULES.iter().all(|rule| rule.6 <= VERSION));
    }
}
