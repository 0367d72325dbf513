//! One deployment from its turn to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use watchtower_api_types::{DeploymentAction, DeploymentFailure, DeploymentStatus, StepStatus};
use watchtower_deploy::{Bastions, Change, Code, Failure, Outcome, deploy};
use watchtower_model::{BatchId, truncate};
use watchtower_store::{DeploymentEnd, DeploymentRow, Store};

use super::DEPLOYMENT_MAX;
use super::access::Access;
use super::port::{Binaries, Port};
use super::recorder::Recorder;
use super::request::Options;
use crate::{Hub, WAKE_CHANGES, fleet, live};

const TEXT_BYTES_MAX: usize = 4 * 1024;
const REMARKS_MAX: usize = 100;
/// The end of a deployment is written again after this, until the store takes it.
const END_AGAIN: Duration = Duration::from_secs(1);
/// How often its steps are tried with it.
const STEPS_TRIES: u32 = 5;

/// What the deployments of a batch share.
pub(super) struct Batch {
    pub id: BatchId,
    pub access: Access,
    pub bastions: Bastions,
    pub binaries: Binaries,
}

enum Ended {
    Done(Outcome),
    Failed(DeploymentFailure),
    Cancelled,
}

/// Waits for its turn, works, and writes down how it ended.
pub(super) async fn run(
    hub: Hub,
    batch: Arc<Batch>,
    row: DeploymentRow,
    options: Options,
    mut cancelled: watch::Receiver<bool>,
) {
    let recorder = Recorder::new(hub.clone(), row.id, batch.id, batch.access.clone());
    let ended = tokio::select! {
        biased;
        _ = cancelled.wait_for(|cancelled| *cancelled) => Ended::Cancelled,
        () = hub.stopped() => return,
        ended = in_turn(&hub, &batch, &row, &options, &recorder) => ended,
    };
    if options.remove_server && matches!(&ended, Ended::Done(done) if is_gone(&done.change)) {
        remove_server(&hub, &row).await;
    }
    finish(&hub, &row, &batch, &recorder, ended).await;
}

fn is_gone(change: &Change) -> bool {
    matches!(change, Change::Uninstalled | Change::NothingThere)
}

async fn in_turn(
    hub: &Hub,
    batch: &Batch,
    row: &DeploymentRow,
    options: &Options,
    recorder: &Recorder,
) -> Ended {
    let _slot = hub.deployments.slots.acquire().await;
    let now = hub.now();
    let started = vec![Store::start_deployment(row.id, now), Store::insert_change("deployment", row.id, now)];
    if let Err(error) = hub.store.commit(started).await {
        tracing::warn!(deployment = row.number, "writing its start: {error}");
    }
    hub.bus.wake(WAKE_CHANGES);
    live::publish_deployments(hub, batch.id);
    let job = match options.job(row.id, &row.server, &batch.access) {
        Ok(job) => job,
        Err(error) => {
            return Ended::Failed(failure("", Code::Hub.as_str(), &error.to_string(), "mend it and retry"));
        }
    };
    let port = Port {
        hub,
        binaries: &batch.binaries,
        deployment: row.id,
        labels: &options.labels,
        by: &row.created_by,
    };
    let take = |notice| recorder.take(notice);
    tokio::select! {
        outcome = deploy(&job, &port, &take, &batch.bastions) => match outcome {
            Ok(outcome) => Ended::Done(outcome),
            Err(failed) => Ended::Failed(told(&batch.access, &failed)),
        },
        () = recorder.keep_saving() => unreachable!("saving goes on for ever"),
        () = tokio::time::sleep(DEPLOYMENT_MAX) => Ended::Failed(failure(
            &recorder.last_step(),
            Code::Timeout.as_str(),
            &format!("it did not end within {} minutes", DEPLOYMENT_MAX.as_secs() / 60),
            "look at the host's load and its console, and retry",
        )),
    }
}

pub(super) fn failure(step: &str, code: &str, cause: &str, fix: &str) -> DeploymentFailure {
    DeploymentFailure {
        step: step.into(),
        code: code.into(),
        cause: cause.into(),
        fix: fix.into(),
        detail: String::new(),
    }
}

/// A failure as it is stored: without secrets, within bounds.
fn told(access: &Access, failed: &Failure) -> DeploymentFailure {
    let text = |text: &str| truncate(&access.mask(text), TEXT_BYTES_MAX).to_string();
    DeploymentFailure {
        step: failed.step.as_str().into(),
        code: failed.code.as_str().into(),
        cause: text(&failed.cause),
        fix: text(&failed.fix),
        detail: text(&failed.detail),
    }
}

fn end_of(access: &Access, ended: &Ended) -> DeploymentEnd {
    let json = |failure: &DeploymentFailure| serde_json::to_string(failure).ok();
    match ended {
        Ended::Cancelled => {
            DeploymentEnd { status: DeploymentStatus::Cancelled.as_str(), ..DeploymentEnd::default() }
        }
        Ended::Failed(failure) => DeploymentEnd {
            status: DeploymentStatus::Failed.as_str(),
            failure: json(failure),
            ..DeploymentEnd::default()
        },
        Ended::Done(outcome) => {
            let (status, failure, plan) = match &outcome.change {
                // The host works as before, yet what was asked for did not happen.
                Change::RolledBack { because, .. } => {
                    (DeploymentStatus::Failed, json(&told(access, because)), Vec::new())
                }
                Change::Planned(plan) => (DeploymentStatus::Succeeded, None, plan.clone()),
                _ => (DeploymentStatus::Succeeded, None, Vec::new()),
            };
            let remarks = plan.iter().chain(&outcome.remarks).take(REMARKS_MAX);
            DeploymentEnd {
                status: status.as_str(),
                change: Some(outcome.change.as_str().into()),
                version: Some(outcome.version.clone()).filter(|version| !version.is_empty()),
                arch: Some(outcome.arch.clone()).filter(|arch| !arch.is_empty()),
                remarks: remarks.map(|line| truncate(&access.mask(line), TEXT_BYTES_MAX).into()).collect(),
                failure,
            }
        }
    }
}

/// Written until the store takes it: a deployment must not stay `running` because the database was away.
async fn finish(hub: &Hub, row: &DeploymentRow, batch: &Batch, recorder: &Recorder, ended: Ended) {
    let end = end_of(&batch.access, &ended);
    let left = if matches!(ended, Ended::Cancelled) { StepStatus::Cancelled } else { StepStatus::Failed };
    let mut failures = 0;
    while hub.running() {
        let now = hub.now();
        // Steps that the store does not take must not keep the end from being written.
        let mut statements = match failures {
            0..STEPS_TRIES => recorder.ended(left),
            _ => vec![Store::stop_deployment_steps(row.id, left.as_str(), now)],
        };
        statements.push(Store::end_deployment(row.id, &end, now));
        statements.push(Store::insert_change("deployment", row.id, now));
        match hub.store.commit(statements).await {
            Ok(_) => break,
            Err(error) => tracing::error!(deployment = row.number, "writing its end: {error}"),
        }
        failures += 1;
        tokio::time::sleep(END_AGAIN).await;
    }
    let what = match &ended {
        Ended::Failed(failure) => format!("failed with {}", failure.code),
        Ended::Done(outcome) => outcome.change.as_str().into(),
        Ended::Cancelled => "cancelled".into(),
    };
    let (object, detail) = (row.number.to_string(), format!("{} of {}: {what}", row.action, row.server));
    let audited = hub.store.append_audit(hub.now(), &row.created_by, "deployment.end", &object, &detail);
    if let Err(error) = audited.await {
        tracing::error!(deployment = row.number, "its audit entry: {error}");
    }
    hub.bus.wake(WAKE_CHANGES);
    live::publish_deployments(hub, batch.id);
}

async fn remove_server(hub: &Hub, row: &DeploymentRow) {
    debug_assert_eq!(row.action, DeploymentAction::Uninstall.as_str());
    let Some(server) = hub.servers.find(&row.server) else { return };
    if let Err(error) = fleet::remove(hub, &server).await {
        tracing::error!(deployment = row.number, "removing the server's record: {error}");
    }
}
