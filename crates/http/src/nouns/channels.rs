//! The preview and the test of a channel; the rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::{ChannelPreview, ChannelPreviewInput, ChannelTest};
use watchtower_hub::configure::{self, Channels, webhook_secret};
use watchtower_hub::jobs::try_out;
use watchtower_model::ChannelId;

use crate::caller::{Body, Caller, Reply};

pub async fn preview(caller: Caller, Body(input): Body<ChannelPreviewInput>) -> Reply<ChannelPreview> {
    caller.unrestricted()?;
    Ok(Json(try_out::preview(&caller.hub, &input).await?))
}

pub async fn test(caller: Caller, Path(name): Path<String>) -> Reply<ChannelTest> {
    caller.unrestricted()?;
    let channel = configure::find::<Channels>(&caller.hub, &name)?;
    let id = ChannelId(channel.id);
    let mut answer = try_out::test_channel(&caller.hub, id, &caller.principal.name).await?;
    // The receiver needs it to check signatures; whoever may test a channel may also replace its secret.
    answer.secret = webhook_secret(&caller.hub, id, &channel.body);
    caller.audit(&channel.body.name, if answer.delivered { "delivered" } else { "failed" }).await?;
    Ok(Json(answer))
}
