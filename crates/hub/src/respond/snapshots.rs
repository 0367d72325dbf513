//! Services and policies in the engine's form, as an incident keeps them.

use watchtower_api_types::{self as api, StepStrategy, TargetKind};
use watchtower_incident::{PolicySnapshot, ServiceSnapshot, Step, Strategy, Target};
use watchtower_model::{ChannelId, PolicyId, ScheduleId, ServiceId, TeamId, UserId};
use watchtower_store::Stored;

use super::gather;
use crate::Hub;
use crate::objects::ServiceBody;

/// The engine's form of a service.
pub(super) fn service_snapshot(service: &Stored<ServiceBody>) -> ServiceSnapshot {
    let ms = |seconds: Option<f64>| seconds.map(|seconds| (seconds * 1000.0) as i64);
    ServiceSnapshot {
        id: ServiceId(service.id),
        name: service.body.0.name.clone(),
        ack_timeout_ms: ms(service.body.0.ack_timeout_seconds),
        auto_resolve_ms: ms(service.body.0.auto_resolve_seconds),
        hold_pages_ms: ms(service.body.0.hold_pages_for_seconds),
        group_window_ms: ms(service.body.0.group_window_seconds).unwrap_or(gather::WINDOW_MS_DEFAULT),
        resolve_delay_ms: ms(service.body.0.resolve_delay_seconds).unwrap_or(0),
        reopen_window_ms: ms(service.body.0.reopen_window_seconds).unwrap_or(0),
    }
}

pub(super) fn policy_for(hub: &Hub, service: ServiceId) -> PolicySnapshot {
    let objects = hub.objects();
    let policy = objects.service(service).and_then(|service| objects.policy(service.body.0.policy_id));
    policy
        .map(|policy| PolicySnapshot { id: Some(PolicyId(policy.id)), ..snapshot(&policy.body.0) })
        .unwrap_or_default()
}

/// The engine's form of a policy.
pub(crate) fn snapshot(policy: &api::PolicyInput) -> PolicySnapshot {
    let target = |target: &api::StepTarget| match target.kind {
        TargetKind::User => Target::User(UserId(target.id)),
        TargetKind::Team => Target::Team(TeamId(target.id)),
        TargetKind::Schedule => Target::Schedule(ScheduleId(target.id)),
        TargetKind::Channel => Target::Channel(ChannelId(target.id)),
    };
    let steps = policy.steps.iter().map(|step| Step {
        delay_ms: (step.delay_seconds * 1000.0) as i64,
        targets: step.targets.iter().map(target).collect(),
        strategy: match step.strategy {
            StepStrategy::All => Strategy::All,
            StepStrategy::RoundRobin => Strategy::RoundRobin,
        },
    });
    PolicySnapshot { id: None, steps: steps.collect(), repeat: policy.repeat }
}

/// Whether a policy exists, for inputs that name one.
pub(crate) fn known_policy(hub: &Hub, id: PolicyId) -> bool {
    hub.objects().policy(id).is_some()
}
