//! The nouns of Watchtower: what every other crate talks about.
//!
//! Invariant: no IO, no clock, no randomness, no regex. Values are checked when they are made, so that a
//! value of one of these types can be stored, signed and shown without a second look.

pub mod limits;

mod event;
mod id;
mod labels;
mod manifest;
mod metadata;
mod notify_rule;
mod sample;
mod severity;
mod text;
mod time;

#[cfg(feature = "schema")]
mod schema;

pub use event::{Event, EventKind};
pub use id::{
    AgentId, AlertId, AutomationId, BatchId, ChannelId, CredentialId, DeploymentId, EventId, ExecutionId,
    HeartbeatId, HostKeyId, Id, IncidentId, InhibitionId, IntegrationId, MaintenanceWindowId, OverrideId,
    ParseIdError, PolicyId, RouteId, RuleId, RunId, ScheduleId, ScriptId, ServerId, ServiceId, SilenceId,
    TeamId, TokenId, UserId,
};
pub use labels::{LabelError, Labels, LabelsBuilder, METRIC_NAME, is_label_name, is_metric_name};
pub use manifest::{APPROVAL_NAMESPACE, MANIFEST_FORMAT, Manifest, ParameterKind, ParameterRule};
pub use metadata::{MetricMetadata, MetricType};
pub use notify_rule::NotifyRule;
pub use sample::{STALE_NAN_BITS, Sample, format_value, is_stale, parse_value, stale_nan};
pub use severity::{ParseSeverityError, Severity, Urgency};
pub use text::{TextError, check_line, check_name, truncate};
pub use time::{ParseTimeError, Timestamp, format_duration_ms, parse_duration_ms};
