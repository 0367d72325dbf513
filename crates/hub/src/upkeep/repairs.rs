//! Takes up repairs that a crash kept from being considered.

use crate::Hub;
use crate::error::HubError;
use crate::jobs::consider;

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    consider::take_up(&hub).await
}
