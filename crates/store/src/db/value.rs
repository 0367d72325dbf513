//! The only types that are bound and read: what both databases agree on.

use serde::Serialize;
use watchtower_model::{
    AgentId, AlertId, AutomationId, BatchId, ChannelId, CredentialId, DeploymentId, EventId, ExecutionId,
    HeartbeatId, HostKeyId, Id, IncidentId, IntegrationId, PolicyId, RouteId, RuleId, RunId, ScriptId,
    ServerId, ServiceId, Severity, TeamId, Timestamp, TokenId, UserId,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
}

impl Val {
    /// Any serializable value, as JSON text.
    pub fn json<T: Serialize>(value: &T) -> Val {
        Val::Text(
            serde_json::to_string(value).expect("stored shapes hold no maps with keys other than strings"),
        )
    }
}

macro_rules! into_val {
    ($($from:ty => |$v:ident| $make:expr),+ $(,)?) => {$(
        impl From<$from> for Val {
            fn from($v: $from) -> Val {
                $make
            }
        }
    )+};
}

into_val! {
    i64 => |v| Val::Int(v),
    i32 => |v| Val::Int(v.into()),
    u32 => |v| Val::Int(v.into()),
    u64 => |v| Val::Int(i64::try_from(v).unwrap_or(i64::MAX)),
    f64 => |v| Val::Float(v),
    bool => |v| Val::Bool(v),
    String => |v| Val::Text(v),
    &String => |v| Val::Text(v.clone()),
    &str => |v| Val::Text(v.to_string()),
    Vec<u8> => |v| Val::Bytes(v),
    &[u8] => |v| Val::Bytes(v.to_vec()),
    Timestamp => |v| Val::Int(v.0),
    Severity => |v| Val::Text(v.as_str().to_string()),
    Id => |v| Val::Text(v.to_string()),
}

macro_rules! ids_into_val {
    ($($name:ident),+ $(,)?) => {$(
        impl From<$name> for Val {
            fn from(v: $name) -> Val {
                Val::Text(v.to_string())
            }
        }
    )+};
}

ids_into_val!(
    AgentId,
    AlertId,
    AutomationId,
    BatchId,
    ChannelId,
    CredentialId,
    DeploymentId,
    EventId,
    ExecutionId,
    HeartbeatId,
    HostKeyId,
    IncidentId,
    IntegrationId,
    PolicyId,
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

impl<T> From<Option<T>> for Val
where
    Val: From<T>,
{
    fn from(v: Option<T>) -> Val {
        v.map_or(Val::Null, Val::from)
    }
}
