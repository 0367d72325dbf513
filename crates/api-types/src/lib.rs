//! HTTP request and response shapes, and the one table of endpoints.
//!
//! From here come the OpenAPI document, the dashboard's TypeScript client, the CLI's requests and the router's access
//! checks. HTTP and CLI JSON are the same object: `*_at` is RFC 3339 with milliseconds, `*_seconds` and `*_bytes` are
//! numbers, lists are `{"items": [...], "next": cursor}`. Inputs refuse unknown fields.

pub mod endpoints;

mod access;
mod agent;
mod analytics;
mod automation;
mod channel;
mod config;
mod deployment;
mod derive;
mod error;
mod event;
mod heartbeat;
mod incident;
mod integration;
mod key;
mod live;
mod openapi;
mod overview;
mod policy;
mod quiet;
mod rule;
mod run;
mod schedule;
mod script;
mod server;
mod ssh;
mod time;

pub use access::{
    AuditEntry, Login, Me, NotifyRulesInput, PasswordChange, Role, Session, Setup, SetupStatus, Token,
    TokenCreated, TokenInput, TokenScope, User, UserInput, UserPatch,
};
pub use agent::{AgentBinaries, AgentBinary, AgentProgram};
pub use analytics::{IncidentAnalytics, IncidentFigures, PersonFigures};
pub use automation::{
    Attempt, AttemptState, Automation, AutomationInput, AutomationMode, AutomationTrigger, CronPreview,
    CronPreviewInput, Firing, FiringState, FiringTime, Gate, Overlap,
};
pub use channel::{
    BrowserInput, Channel, ChannelConfig, ChannelInput, ChannelPreview, ChannelPreviewInput,
    ChannelTemplates, ChannelTest, ChannelWords, PushKey, TemplateFailure,
};
pub use config::{
    ConfigAction, ConfigApplied, ConfigChange, ConfigChanges, ConfigCheck, ConfigDone, ConfigProblem,
    ConfigVersion, ConfigVersions,
};
pub use deployment::{
    AgentPolicy, Deployment, DeploymentAction, DeploymentFailure, DeploymentInput, DeploymentRetry,
    DeploymentStatus, DeploymentStep, DeploymentTarget, HostKeyRule, ParsedTargets, SshAccess, StepStatus,
    TargetFormat, TargetsInput,
};
pub use error::Problem;
pub use event::{Event, EventInput};
pub use heartbeat::{Heartbeat, HeartbeatInput, HeartbeatState, Ping, PingKind};
pub use incident::{
    Alert, AlertState, ChartHint, Delivery, Incident, IncidentInput, IncidentState, IncidentStats,
    MergeInput, NoteInput, PendingAction, ResolveInput, TimelineEntry,
};
pub use integration::{
    HeldAlert, Integration, IntegrationInput, IntegrationKind, MappedSignal, OpenAfter, SignalMapping,
    SignalPreview, SignalPreviewInput,
};
pub use key::{HubKey, HubKeys, KeyKind, KeyRetirement, KeyState, KeySwitch};
pub use live::{LiveMessage, LiveRequest, LiveTopic, VitalsUpdate};
pub use openapi::document;
pub use overview::{Activity, HubStatus, MetricsMerge, Overview, ServerCounts};
pub use policy::{
    PagePlan, PlannedMessage, Policy, PolicyInput, PolicyStep, Route, RouteInput, Service, ServiceInput,
    StepStrategy, StepTarget, TargetKind, Team, TeamInput,
};
pub use quiet::{
    Inhibition, InhibitionInput, MaintenanceWindow, MaintenanceWindowInput, QuietState, QuietTime, Silence,
    SilenceInput,
};
pub use rule::{
    ImportProblem, ImportedRule, NoData, Rule, RuleBacktest, RuleBacktestInput, RuleBacktestServer,
    RuleImport, RuleImportInput, RuleInput, RuleInstance, RuleKind, RulePreview, RulePreviewInput,
    RulePreviewSeries, RuleState, TextSpan,
};
pub use run::{
    AgentUpdateInput, EarlierTry, ExecInput, Execution, ExecutionState, FoldedOutput, Halt, HaltInput,
    Output, OutputPart, Rollout, Run, RunInput, RunPlan, RunStarted, RunState,
};
pub use schedule::{
    CalendarLink, OnCall, OnCallPerson, OverrideInput, OverrideKind, RotationUnit, Schedule, ScheduleGap,
    ScheduleInput, ScheduleLayer, ScheduleOverride, ScheduleRestriction, Shift, ShiftRange, ShiftSwap,
    SwapInput, SwapTake, SwapTaken, Weekday,
};
pub use script::{ApprovalInput, Parameter, ParameterKind, Script, ScriptApproval, ScriptInput};
pub use server::{
    Collected, Enrolment, Facts, Panel, PanelSeries, Panels, Process, Processes, Server, ServerInput,
    ServerPatch, ServerStatus, Vitals,
};
pub use ssh::{
    Credential, CredentialInput, CredentialKind, HostKey, HostKeyInput, HostKeyMatch, HostKeyQuery,
    HostKeyState, OfferedHostKey,
};
pub use time::Time;

/// A page of a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Pass as `cursor` to get the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
