//! What follows from a service's policy. The rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use watchtower_api_types::PagePlan;
use watchtower_hub::configure::{self, Services};
use watchtower_hub::{HubError, respond};
use watchtower_model::Urgency;

use crate::caller::{Caller, Reply};
use crate::times::parse_time;

pub async fn page_plan(caller: Caller, Path(name): Path<String>) -> Reply<PagePlan> {
    let now = caller.hub.now();
    let at = caller.query("at").map_or(Ok(now), |text| parse_time("at", text, now))?;
    let urgency = match caller.query("urgency") {
        None | Some("high") => Urgency::High,
        Some("low") => Urgency::Low,
        Some(other) => {
            return Err(HubError::invalid("urgency", format!("must be high or low, not {other}")).into());
        }
    };
    let service = configure::find::<Services>(&caller.hub, &name)?;
    Ok(Json(respond::page_plan(&caller.hub, &service, urgency, at).await?))
}
