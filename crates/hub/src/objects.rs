//! Configuration as it is stored and cached: the bodies of the store's objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use watchtower_api_types as api;
use watchtower_model::{
    AutomationId, Id, IntegrationId, PolicyId, RouteId, RuleId, ScheduleId, ScriptId, ServiceId, TeamId,
    Timestamp,
};
use watchtower_store::{DbError, Object, Store, Stored};

use crate::configure::{Noun, Routes};
use crate::quiet::{Cover, Inhibition};

macro_rules! objects {
    ($($name:ident = $kind:literal, |$o:ident| $label:expr;)+) => {$(
        impl Object for $name {
            const KIND: &'static str = $kind;
            fn name(&self) -> String {
                let $o = self;
                $label
            }
        }
    )+};
}

/// A rule as a person wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleBody {
    #[serde(flatten)]
    pub input: api::RuleInput,
    pub builtin: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TeamBody(pub api::TeamInput);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceBody(pub api::ServiceInput);

/// Routes have no name of their own; the position orders them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteBody {
    pub matchers: String,
    pub service_id: ServiceId,
    pub position: i64,
    /// Unique, since objects are.
    pub key: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyBody(pub api::PolicyInput);

/// Who is on call when, and who was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduleBody {
    pub name: String,
    pub description: String,
    /// At least one, in order of time; each is in force until the next one is.
    pub definitions: Vec<ScheduleDefinition>,
    /// In the order in which they apply.
    pub overrides: Vec<api::ScheduleOverride>,
    /// Shifts that are offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swaps: Vec<api::ShiftSwap>,
    /// Hash of the secret in the link for calendars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar_hash: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleDefinition {
    pub since: Timestamp,
    pub timezone: String,
    pub layers: Vec<RotatingLayer>,
}

/// A layer as a person wrote it, and whose turn the first one is: edits of the people move it, so that nobody's turn is cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatingLayer {
    pub layer: api::ScheduleLayer,
    pub first: u32,
}

impl ScheduleBody {
    /// What is in force now.
    pub fn current(&self) -> Option<&ScheduleDefinition> {
        self.definitions.last()
    }
}

/// The configuration is sealed as a whole: it is little but secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelBody {
    pub name: String,
    pub enabled: bool,
    pub catch_all: bool,
    /// It goes on ringing until it hears that somebody has it.
    #[serde(default)]
    pub rings: bool,
    /// Its own words: no secret.
    #[serde(default, skip_serializing_if = "is_default")]
    pub templates: api::ChannelTemplates,
    pub sealed: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Another tool that tells of its alerts here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IntegrationBody {
    pub name: String,
    pub kind: api::IntegrationKind,
    pub service_id: Option<ServiceId>,
    pub enabled: bool,
    /// Hash of the key that it calls with; none before the first is made.
    pub key_hash: Option<String>,
    /// Hashes of keys that were replaced: a call with one is told to people rather than lost.
    #[serde(default)]
    pub old_key_hashes: Vec<String>,
    /// Of the kind `generic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<api::SignalMapping>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_after: Option<api::OpenAfter>,
}

/// A job that says that it ran.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeartbeatBody {
    pub name: String,
    pub slug: Option<String>,
    /// A UUID: the last part of the address of its pings.
    pub key: String,
    pub integration_id: Option<IntegrationId>,
    /// Counts where there is no `cron`.
    pub period_ms: i64,
    pub cron: Option<String>,
    pub timezone: Option<String>,
    pub grace_ms: i64,
    pub finish_ms: i64,
    pub service_id: Option<ServiceId>,
    pub enabled: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SilenceBody {
    pub matchers: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub comment: String,
    pub created_by: String,
    /// Those that its maker is restricted to; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<String>,
    /// Unique, since objects are.
    pub key: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MaintenanceBody(pub api::MaintenanceWindowInput);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InhibitionBody {
    #[serde(flatten)]
    pub input: api::InhibitionInput,
    pub created_by: String,
    /// Those that its maker is restricted to; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScriptBody {
    pub name: String,
    pub description: String,
    pub body: String,
    pub sha256: String,
    pub interpreter: Vec<String>,
    pub parameters: Vec<api::Parameter>,
    pub timeout_ms: i64,
    pub user: Option<String>,
    #[serde(default)]
    pub needs_approval: bool,
    /// To run it twice is as good as once: what became `lost` or was never taken is tried again.
    #[serde(default)]
    pub idempotent: bool,
    /// Of just this text and these parameters; agents whose policy names the approver take it for a listed hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ScriptApproval>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScriptApproval {
    /// Exactly as it was signed.
    pub manifest: String,
    pub signature: String,
    /// Fingerprint of the approver's key.
    pub key: String,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutomationBody {
    pub name: String,
    pub enabled: bool,
    pub trigger: api::AutomationTrigger,
    pub script_id: ScriptId,
    /// Those that its script does not call secret.
    pub parameters: BTreeMap<String, String>,
    /// The others, sealed for `automation:<id>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    pub mode: api::AutomationMode,
    pub cooldown_ms: i64,
    pub attempts_per_incident: u32,
    pub verify_within_ms: Option<i64>,
    pub breaker: watchtower_automation::Breaker,
    pub created_by: String,
    /// With a cron trigger: the servers, and how its runs go over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<api::Rollout>,
    /// By whose right it acts: the team it was given, else who saved it last.
    #[serde(default)]
    pub authority: String,
    /// Who saved it last.
    #[serde(default)]
    pub person: String,
}

objects! {
    RuleBody = "rule", |o| o.input.name.clone();
    TeamBody = "team", |o| o.0.name.clone();
    ServiceBody = "service", |o| o.0.name.clone();
    RouteBody = "route", |o| o.key.clone();
    PolicyBody = "policy", |o| o.0.name.clone();
    ScheduleBody = "schedule", |o| o.name.clone();
    ChannelBody = "channel", |o| o.name.clone();
    IntegrationBody = "integration", |o| o.name.clone();
    SilenceBody = "silence", |o| o.key.clone();
    MaintenanceBody = "maintenance", |o| o.0.name.clone();
    InhibitionBody = "inhibition", |o| o.input.name.clone();
    HeartbeatBody = "heartbeat", |o| o.name.clone();
    ScriptBody = "script", |o| o.name.clone();
    AutomationBody = "automation", |o| o.name.clone();
}

/// All configuration at one moment. Replaced as a whole after each change.
#[derive(Default, Clone)]
pub struct Objects {
    pub rules: Vec<Stored<RuleBody>>,
    pub teams: Vec<Stored<TeamBody>>,
    pub services: Vec<Stored<ServiceBody>>,
    /// In order of position.
    pub routes: Vec<Stored<RouteBody>>,
    pub policies: Vec<Stored<PolicyBody>>,
    pub schedules: Vec<Stored<ScheduleBody>>,
    pub channels: Vec<Stored<ChannelBody>>,
    pub integrations: Vec<Stored<IntegrationBody>>,
    /// Newest first.
    pub silences: Vec<Stored<SilenceBody>>,
    pub maintenance: Vec<Stored<MaintenanceBody>>,
    /// What of the two may still cover an alert.
    pub covers: Vec<Cover>,
    pub inhibitions: Vec<Stored<InhibitionBody>>,
    /// Those that are switched on.
    pub inhibits: Vec<Inhibition>,
    pub heartbeats: Vec<Stored<HeartbeatBody>>,
    pub scripts: Vec<Stored<ScriptBody>>,
    pub automations: Vec<Stored<AutomationBody>>,
}

impl Objects {
    pub async fn load(store: &Store) -> Result<Arc<Objects>, DbError> {
        let mut routes = store.objects::<RouteBody>().await?;
        Routes::arrange(&mut routes);
        let mut silences = store.objects::<SilenceBody>().await?;
        silences.sort_by_key(|silence| std::cmp::Reverse(silence.id));
        let maintenance = store.objects::<MaintenanceBody>().await?;
        let now = store.clock().now();
        let windows = maintenance.iter().filter_map(|window| Cover::of_window(window, now));
        let covers =
            silences.iter().filter_map(|silence| Cover::of_silence(silence, now)).chain(windows).collect();
        let inhibitions = store.objects::<InhibitionBody>().await?;
        Ok(Arc::new(Objects {
            rules: store.objects().await?,
            teams: store.objects().await?,
            services: store.objects().await?,
            routes,
            policies: store.objects().await?,
            schedules: store.objects().await?,
            channels: store.objects().await?,
            integrations: store.objects().await?,
            silences,
            maintenance,
            covers,
            inhibits: inhibitions.iter().filter_map(Inhibition::of).collect(),
            inhibitions,
            heartbeats: store.objects().await?,
            scripts: store.objects().await?,
            automations: store.objects().await?,
        }))
    }

    pub fn rule(&self, id: RuleId) -> Option<&Stored<RuleBody>> {
        by_id(&self.rules, id.0)
    }

    pub fn team(&self, id: TeamId) -> Option<&Stored<TeamBody>> {
        by_id(&self.teams, id.0)
    }

    pub fn service(&self, id: ServiceId) -> Option<&Stored<ServiceBody>> {
        by_id(&self.services, id.0)
    }

    pub fn route(&self, id: RouteId) -> Option<&Stored<RouteBody>> {
        by_id(&self.routes, id.0)
    }

    pub fn policy(&self, id: PolicyId) -> Option<&Stored<PolicyBody>> {
        by_id(&self.policies, id.0)
    }

    pub fn schedule(&self, id: ScheduleId) -> Option<&Stored<ScheduleBody>> {
        by_id(&self.schedules, id.0)
    }

    pub fn channel(&self, id: watchtower_model::ChannelId) -> Option<&Stored<ChannelBody>> {
        by_id(&self.channels, id.0)
    }

    pub fn script(&self, id: ScriptId) -> Option<&Stored<ScriptBody>> {
        by_id(&self.scripts, id.0)
    }

    pub fn automation(&self, id: AutomationId) -> Option<&Stored<AutomationBody>> {
        by_id(&self.automations, id.0)
    }
}

fn by_id<T>(list: &[Stored<T>], id: Id) -> Option<&Stored<T>> {
    list.iter().find(|stored| stored.id == id)
}

/// By id where the text is one, else by name.
pub fn find<'a, T: Object>(list: &'a [Stored<T>], id_or_name: &str) -> Option<&'a Stored<T>> {
    match id_or_name.parse::<Id>() {
        Ok(id) => by_id(list, id),
        Err(_) => list.iter().find(|stored| stored.body.name() == id_or_name),
    }
}
