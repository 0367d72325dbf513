//! What the dashboard is told as it happens, over the bus.

use serde_json::json;
use watchtower_api_types::Vitals;
use watchtower_model::{BatchId, RunId, ServerId, Timestamp};

use crate::Hub;

/// Topic prefixes on the bus.
pub const VITALS: &str = "vitals/";
pub const RUN: &str = "run/";
pub const DEPLOYMENTS: &str = "deployments/";

/// New vitals of a server: also says that a report has come.
pub fn publish_vitals(hub: &Hub, server: ServerId, t: Timestamp, vitals: &Vitals) {
    let topic = format!("{VITALS}{server}");
    // Each report comes here, and mostly nobody looks.
    if hub.bus.may_be_heard(&topic) {
        publish(hub, &topic, &json!({ "server_id": server, "at": t.to_rfc3339(), "vitals": vitals }));
    }
}

/// New output or a new state in a run.
pub fn publish_run(hub: &Hub, run: RunId) {
    publish(hub, &format!("{RUN}{run}"), &json!({ "run_id": run }));
}

/// New steps, output or states in a batch of deployments.
pub fn publish_deployments(hub: &Hub, batch: BatchId) {
    publish(hub, &format!("{DEPLOYMENTS}{batch}"), &json!({ "batch_id": batch }));
}

fn publish(hub: &Hub, topic: &str, payload: &serde_json::Value) {
    if let Err(error) = hub.bus.publish(topic, payload.to_string().as_bytes()) {
        tracing::warn!(topic, "publishing: {error}");
    }
}
