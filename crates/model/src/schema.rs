//! How the nouns look in the OpenAPI document.

use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    AgentId, AlertId, AutomationId, BatchId, ChannelId, CredentialId, DeploymentId, EventId, ExecutionId,
    HeartbeatId, HostKeyId, IncidentId, InhibitionId, IntegrationId, Labels, MaintenanceWindowId, OverrideId,
    PolicyId, RouteId, RuleId, RunId, ScheduleId, ScriptId, ServerId, ServiceId, Severity, SilenceId, TeamId,
    TokenId, Urgency, UserId,
};

macro_rules! id_schemas {
    ($($name:ident),+ $(,)?) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("uuid".into()))).into()
            }
        }
        impl ToSchema for $name {}
    )+};
}

id_schemas!(
    AgentId,
    AlertId,
    AutomationId,
    BatchId,
    ChannelId,
    IntegrationId,
    SilenceId,
    MaintenanceWindowId,
    InhibitionId,
    CredentialId,
    DeploymentId,
    EventId,
    ExecutionId,
    HeartbeatId,
    HostKeyId,
    IncidentId,
    OverrideId,
    PolicyId,
    ScheduleId,
    RouteId,
    RuleId,
    RunId,
    ScriptId,
    ServerId,
    ServiceId,
    TeamId,
    TokenId,
    UserId,
);

impl PartialSchema for Labels {
    fn schema() -> RefOr<Schema> {
        let value = ObjectBuilder::new().schema_type(Type::String);
        let map = AdditionalProperties::RefOr(RefOr::T(Schema::Object(value.build())));
        ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(map)).into()
    }
}

impl ToSchema for Labels {}

impl PartialSchema for Severity {
    fn schema() -> RefOr<Schema> {
        let names = Severity::ALL.map(Severity::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
    }
}

impl ToSchema for Severity {}

impl PartialSchema for Urgency {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["low", "high"])).into()
    }
}

impl ToSchema for Urgency {}
