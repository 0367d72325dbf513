//! Beside a newer hub: what that one added is no hindrance; when it has changed what this one relies on, this one ends.

use watchtower_store::Schema;

use crate::Hub;
use crate::error::HubError;

pub(crate) async fn run(hub: Hub) -> Result<(), HubError> {
    if let Schema::TooNew(version) = hub.store.schema().await? {
        hub.outdated.send_replace(Some(version));
    }
    Ok(())
}
