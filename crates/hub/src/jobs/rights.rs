//! Whether the one who started a run may still do so: asked again whenever the turn of some of its servers comes.

use watchtower_api_types::endpoints::{self, Access};
use watchtower_store::{ExecutionRow, RunRow};

use super::standing;
use crate::Hub;
use crate::access::{Object, authorize};
use crate::error::HubError;

/// Why these may not be started by the run's authority any more, if so.
pub(super) async fn refusal(
    hub: &Hub,
    run: &RunRow,
    due: &[ExecutionRow],
) -> Result<Option<String>, HubError> {
    let principal = match standing::principal(hub, &run.authority, &run.started_by).await? {
        Ok(principal) => principal,
        Err(reason) => return Ok(Some(reason)),
    };
    let action = if run.script_id.is_some() { "run.create" } else { "run.exec" };
    let access = endpoints::find(action).map_or(Access::Admin, |endpoint| endpoint.access);
    for execution in due {
        // Of a server that was removed the labels are gone with it, and so is its agent.
        let Some(server) = hub.servers.get(execution.server_id) else { continue };
        let (name, labels) = server.with(|state| (state.name.clone(), state.selector_labels()));
        if let Err(denied) = authorize(&principal, access, action, Object::Server(&labels)) {
            return Ok(Some(format!("{} may not run this on {name} any more: {denied}", run.started_by)));
        }
    }
    Ok(None)
}
