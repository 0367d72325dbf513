//! Deployments, host keys, saved credentials.

use watchtower_api_types as api;
use watchtower_api_types::{
    AgentPolicy, Deployment, DeploymentAction, DeploymentStatus, DeploymentStep, HostKeyState, StepStatus,
};
use watchtower_hub::deployments::Options;
use watchtower_hub::deployments::host_keys::Offered;
use watchtower_store::{CredentialRow, DeploymentRow, DeploymentStepRow, HostKeyRow};

/// `steps` where they were asked for.
pub fn deployment(row: DeploymentRow, steps: Option<Vec<DeploymentStepRow>>) -> Deployment {
    let options: Option<Options> = serde_json::from_str(&row.options).ok();
    Deployment {
        id: row.id,
        number: row.number,
        batch_id: row.batch_id,
        retry_of: row.retry_of,
        action: row.action.parse().unwrap_or(DeploymentAction::Install),
        server: row.server,
        server_id: row.server_id,
        target: row.target,
        policy: options.as_ref().map_or(AgentPolicy::Monitor, |options| options.policy),
        dry_run: options.is_some_and(|options| options.dry_run),
        status: row.status.parse().unwrap_or(DeploymentStatus::Failed),
        change: row.change,
        version: row.version,
        arch: row.arch,
        remarks: row.remarks.0,
        failure: row.failure.and_then(|text| serde_json::from_str(&text).ok()),
        created_by: row.created_by,
        created_at: row.created_at.into(),
        started_at: row.started_at.map(Into::into),
        finished_at: row.finished_at.map(Into::into),
        steps: steps.map(|steps| steps.into_iter().map(step).collect()),
    }
}

fn step(row: DeploymentStepRow) -> DeploymentStep {
    DeploymentStep {
        name: row.name,
        status: row.status.parse().unwrap_or(StepStatus::Failed),
        started_at: row.started_at.into(),
        ended_at: row.ended_at.map(Into::into),
        detail: row.detail,
        output: row.output,
    }
}

pub fn host_key(row: HostKeyRow) -> api::HostKey {
    api::HostKey {
        id: row.id,
        host: row.host,
        port: row.port as u16,
        algorithm: row.algorithm,
        fingerprint: row.fingerprint,
        state: row.state.parse().unwrap_or(HostKeyState::Revoked),
        added_by: row.added_by,
        first_seen_at: row.first_seen_at.into(),
        revoked_at: row.revoked_at.map(Into::into),
    }
}

pub fn offered(offered: Offered) -> api::OfferedHostKey {
    let since = offered.other.as_ref().map_or(offered.key.first_seen, |other| other.first_seen);
    api::OfferedHostKey {
        fingerprint: offered.key.fingerprint().to_string(),
        algorithm: offered.key.algorithm,
        host: offered.host,
        port: offered.port,
        known: offered.known,
        known_fingerprint: offered.other.map(|key| key.fingerprint().to_string()),
        known_since: since.map(Into::into),
    }
}

pub fn credential(row: CredentialRow) -> api::Credential {
    api::Credential {
        id: row.id,
        name: row.name,
        kind: row.kind.parse().unwrap_or(api::CredentialKind::Password),
        user: row.user_name,
        created_by: row.created_by,
        created_at: row.created_at.into(),
        last_used_at: row.last_used_at.map(Into::into),
    }
}
