//! The test of a channel; the rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::ChannelTest;
use watchtower_hub::configure::{self, Channels, webhook_secret};
use watchtower_hub::jobs::send;
use watchtower_model::ChannelId;

use crate::caller::{Caller, Reply};

pub async fn test(caller: Caller, Path(name): Path<String>) -> Reply<ChannelTest> {
    caller.unrestricted()?;
    let channel = configure::find::<Channels>(&caller.hub, &name)?;
    let id = ChannelId(channel.id);
    let mut answer = send::test_channel(&caller.hub, id, &caller.principal.name).await?;
    // The receiver needs it to check signatures; whoever may test a channel may also replace its secret.
    answer.secret = webhook_secret(&caller.hub, id, &channel.body);
    caller.audit(&channel.body.name, if answer.delivered { "delivered" } else { "failed" }).await?;
    Ok(Json(answer))
}
