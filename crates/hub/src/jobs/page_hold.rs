//! Messages to people are held: after a restore, what the backup wanted to send may long be over.
//!
//! Nothing is lost meanwhile: incidents advance and their messages wait; what an acknowledgement or an end makes void is not sent.

use watchtower_model::Severity;

use crate::error::HubError;
use crate::ingest::{Raise, raise};
use crate::{Hub, WAKE_OUTBOX};

/// What a hub that starts from a backup does until a person has looked: nobody is paged, nothing begins on servers.
pub async fn begin_after_restore(hub: &Hub) -> Result<(), HubError> {
    const REASON: &str = "started with --restored: look at the open incidents first";
    hub.page_hold.turn_on(&hub.store, "watchtower", REASON).await?;
    hub.halt.turn_on(&hub.store, "watchtower", REASON).await
}

/// Lets them out.
pub async fn end(hub: &Hub, by: &str) -> Result<(), HubError> {
    hub.page_hold.turn_off(&hub.store).await?;
    hub.bus.wake(WAKE_OUTBOX);
    let text = format!("{by} released the messages that were held");
    raise(hub, Raise::hub("hub.released", None, Severity::Info, text)).await.map(drop)
}
