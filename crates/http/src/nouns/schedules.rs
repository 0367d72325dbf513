//! What follows from schedules: who is on call, shifts, gaps; overrides; the link for calendars. The rest is as for every configured noun.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use watchtower_api_types::{
    CalendarLink, List, OnCall, OverrideInput, ScheduleGap, ScheduleOverride, Shift, ShiftSwap, SwapInput,
    SwapTake, SwapTaken,
};
use watchtower_hub::HubError;
use watchtower_hub::configure::{self, Noun, Schedules};
use watchtower_hub::objects::ScheduleBody;
use watchtower_hub::respond::on_call;
use watchtower_model::{ScheduleId, Timestamp};
use watchtower_store::Stored;

use crate::caller::{Body, Caller, Reply};
use crate::problem::Failure;
use crate::times::parse_time;

const DAY_MS: i64 = 86_400_000;
const SHIFTS_MS: i64 = 7 * DAY_MS;
const GAPS_MS: i64 = 30 * DAY_MS;

fn time(caller: &Caller, name: &str, default: Timestamp) -> Result<Timestamp, Failure> {
    let now = caller.hub.now();
    Ok(caller.query(name).map_or(Ok(default), |text| parse_time(name, text, now))?)
}

fn range(caller: &Caller, default_ms: i64) -> Result<(Timestamp, Timestamp), Failure> {
    let from = time(caller, "from", caller.hub.now())?;
    let to = time(caller, "to", from.plus_ms(default_ms))?;
    if (1..=on_call::RANGE_MS_MAX).contains(&to.since(from)) {
        return Ok((from, to));
    }
    let days = on_call::RANGE_MS_MAX / DAY_MS;
    Err(HubError::invalid("to", format!("must be after the begin, by at most {days} days")).into())
}

fn shown(caller: &Caller, stored: &Stored<ScheduleBody>, at: Timestamp) -> OnCall {
    let body = &stored.body;
    OnCall {
        schedule_id: ScheduleId(stored.id),
        schedule: body.name.clone(),
        timezone: body.current().map(|one| one.timezone.clone()).unwrap_or_default(),
        at: at.into(),
        on_call: on_call::people(&caller.hub, stored, at),
        warnings: configure::schedule_warnings(&caller.hub, body),
    }
}

pub async fn on_call(caller: Caller, Path(name): Path<String>) -> Reply<OnCall> {
    let at = time(&caller, "at", caller.hub.now())?;
    let stored = configure::find::<Schedules>(&caller.hub, &name)?;
    Ok(Json(shown(&caller, &stored, at)))
}

pub async fn all_on_call(caller: Caller) -> Reply<List<OnCall>> {
    let at = time(&caller, "at", caller.hub.now())?;
    let objects = caller.hub.objects();
    let all = Schedules::list(&objects);
    let from = caller.cursor()?.unwrap_or(0).max(0) as usize;
    let limit = caller.limit()? as usize;
    let items = all.iter().skip(from).take(limit).map(|stored| shown(&caller, stored, at)).collect();
    Ok(Json(List { items, next: (all.len() > from + limit).then(|| (from + limit).to_string()) }))
}

pub async fn shifts(caller: Caller, Path(name): Path<String>) -> Reply<List<Shift>> {
    let (from, to) = range(&caller, SHIFTS_MS)?;
    let stored = configure::find::<Schedules>(&caller.hub, &name)?;
    Ok(Json(List { items: on_call::shifts(&caller.hub, &stored.body, from, to), next: None }))
}

pub async fn gaps(caller: Caller, Path(name): Path<String>) -> Reply<List<ScheduleGap>> {
    let (from, to) = range(&caller, GAPS_MS)?;
    let stored = configure::find::<Schedules>(&caller.hub, &name)?;
    Ok(Json(List { items: on_call::gaps(&stored.body, from, to), next: None }))
}

pub async fn add_override(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<OverrideInput>,
) -> Reply<ScheduleOverride> {
    caller.unrestricted()?;
    Ok(Json(configure::add_override(&caller.hub, &caller.principal, &name, input).await?))
}

pub async fn end_override(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    configure::end_override(&caller.hub, &caller.principal, &name, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn offer_swap(
    caller: Caller,
    Path(name): Path<String>,
    Body(input): Body<SwapInput>,
) -> Reply<ShiftSwap> {
    caller.unrestricted()?;
    Ok(Json(configure::offer_swap(&caller.hub, &caller.principal, &name, input).await?))
}

pub async fn take_swap(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
    Body(input): Body<SwapTake>,
) -> Reply<SwapTaken> {
    caller.unrestricted()?;
    Ok(Json(configure::take_swap(&caller.hub, &caller.principal, &name, &id, input).await?))
}

pub async fn withdraw_swap(
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    configure::withdraw_swap(&caller.hub, &caller.principal, &name, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn new_calendar(caller: Caller, Path(name): Path<String>) -> Reply<CalendarLink> {
    caller.unrestricted()?;
    Ok(Json(configure::new_calendar(&caller.hub, &caller.principal, &name).await?))
}

pub async fn end_calendar(caller: Caller, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    caller.unrestricted()?;
    configure::end_calendar(&caller.hub, &caller.principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
