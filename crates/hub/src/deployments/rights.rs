//! Which deployments somebody who is restricted to some servers may ask for and see.

use watchtower_api_types::endpoints::Access;
use watchtower_model::Labels;
use watchtower_store::DeploymentRow;

use super::batch::options_of;
use crate::Hub;
use crate::access::{Object, Principal, authorize};

/// Whether a server of this name is among the principal's: by the labels of its record, or by those it would get.
pub fn covers(hub: &Hub, principal: &Principal, server: &str, labels: &Labels) -> bool {
    let labels = match hub.servers.find(server) {
        Some(server) => server.with(|state| state.selector_labels()),
        None => {
            let mut labels = labels.to_builder();
            labels.set("name", server).set("instance", server);
            labels.build()
        }
    };
    principal.servers.as_ref().is_none_or(|matchers| matchers.matches(&labels))
}

/// Whether the principal may see a deployment. That of a server which is gone is for those who see all.
pub fn sees(hub: &Hub, principal: &Principal, row: &DeploymentRow) -> bool {
    match row.server_id.map(|id| hub.servers.get(id)) {
        Some(Some(server)) => {
            let labels = server.with(|state| state.selector_labels());
            authorize(principal, Access::View, "deployment.get", Object::Server(&labels)).is_ok()
        }
        Some(None) => principal.servers.is_none(),
        None => options_of(row).is_ok_and(|options| covers(hub, principal, &row.server, &options.labels)),
    }
}
