//! Maintenance windows: times that were planned, once or again and again, at which nobody is paged for some alerts.

use watchtower_api_types as api;
use watchtower_api_types::QuietState;
use watchtower_automation::cron::Schedule;
use watchtower_model::limits::LINE_BYTES_MAX;
use watchtower_model::{ChannelId, Id, MaintenanceWindowId, Timestamp, check_line, format_duration_ms};
use watchtower_store::{Statement, Stored};

use super::silences::{is_in, matchers};
use super::{Noun, named, seconds};
use crate::access::Principal;
use crate::error::HubError;
use crate::jobs::cron::ZONE_DEFAULT;
use crate::objects::MaintenanceBody;
use crate::quiet::{self, Times};
use crate::{Hub, Objects};

/// How long one may last.
const SECONDS_MIN: f64 = 60.0;
const SECONDS_MAX: f64 = 7.0 * 86_400.0;
/// Times of which none may reach into the next.
const CHECKED: usize = 50;
/// Channels that are told when it begins and ends.
const NOTIFY_MAX: usize = 10;
/// Times to come that are shown.
const SHOWN: usize = 5;

pub struct MaintenanceWindows;

impl Noun for MaintenanceWindows {
    type Body = MaintenanceBody;
    type Input = api::MaintenanceWindowInput;
    type View = api::MaintenanceWindow;

    fn list(objects: &Objects) -> &[Stored<MaintenanceBody>] {
        &objects.maintenance
    }

    fn list_mut(objects: &mut Objects) -> &mut Vec<Stored<MaintenanceBody>> {
        &mut objects.maintenance
    }

    fn body(
        hub: &Hub,
        _: &Principal,
        _: Id,
        mut input: api::MaintenanceWindowInput,
        _: Option<&Stored<MaintenanceBody>>,
    ) -> Result<MaintenanceBody, HubError> {
        named(&input.name)?;
        input.matchers = matchers(&input.matchers)?;
        check_line(&input.comment, LINE_BYTES_MAX).map_err(|e| HubError::invalid("comment", e))?;
        check_notify(hub, &input.notify)?;
        match &input.cron {
            Some(_) => check_recurring(&mut input, hub.now())?,
            None => check_once(&input)?,
        }
        Ok(MaintenanceBody(input))
    }

    async fn view(
        hub: &Hub,
        stored: &Stored<MaintenanceBody>,
        _: bool,
    ) -> Result<api::MaintenanceWindow, HubError> {
        let (input, now) = (stored.body.0.clone(), hub.now());
        let times = if input.enabled { Times::of(&input, now) } else { Times::Never };
        let next = times.next(now, SHOWN);
        Ok(api::MaintenanceWindow {
            id: MaintenanceWindowId(stored.id),
            state: match next.first() {
                None => QuietState::Expired,
                Some(spell) if spell.from <= now => QuietState::Active,
                Some(_) => QuietState::Pending,
            },
            words: words(&input, now),
            next: next
                .into_iter()
                .map(|spell| api::QuietTime { starts_at: spell.from.into(), ends_at: spell.to.into() })
                .collect(),
            open_alerts: quiet::matched(hub, stored.id).await?,
            created_at: stored.created_at.into(),
            name: input.name,
            matchers: input.matchers,
            comment: input.comment,
            notify: input.notify,
            enabled: input.enabled,
            cron: input.cron,
            timezone: input.timezone,
            duration_seconds: input.duration_seconds,
            starts_at: input.starts_at,
            ends_at: input.ends_at,
        })
    }

    fn saved(
        hub: &Hub,
        _: Id,
        old: Option<&Stored<MaintenanceBody>>,
        new: &MaintenanceBody,
    ) -> Vec<Statement> {
        old.map_or_else(Vec::new, |old| quiet::cut_short(hub, old, Some(new), hub.now()))
    }

    fn deleted(hub: &Hub, stored: &Stored<MaintenanceBody>) -> Vec<Statement> {
        quiet::cut_short(hub, stored, None, hub.now())
    }

    /// The clockwork may never have seen what was changed again at once.
    async fn changed(
        hub: &Hub,
        _: &Stored<MaintenanceBody>,
        _: Option<&MaintenanceBody>,
    ) -> Result<(), HubError> {
        quiet::wake(hub);
        quiet::settle(hub).await
    }

    fn is_in(view: &api::MaintenanceWindow, state: &str) -> Result<bool, HubError> {
        is_in(view.state, state)
    }
}

fn check_notify(hub: &Hub, channels: &[ChannelId]) -> Result<(), HubError> {
    if channels.len() > NOTIFY_MAX {
        return Err(HubError::invalid("notify", format!("at most {NOTIFY_MAX} channels")));
    }
    match channels.iter().find(|id| hub.objects().channel(**id).is_none()) {
        Some(id) => Err(HubError::invalid("notify", format!("channel {id} does not exist"))),
        None => Ok(()),
    }
}

fn check_recurring(input: &mut api::MaintenanceWindowInput, now: Timestamp) -> Result<(), HubError> {
    if input.starts_at.is_some() || input.ends_at.is_some() {
        let text = "is for a window that comes once: leave it out, or leave out cron";
        return Err(HubError::invalid("starts_at", text));
    }
    let zone = input.timezone.get_or_insert_with(|| ZONE_DEFAULT.into());
    let refused = |error: watchtower_automation::cron::CronError| {
        HubError::invalid(if error.is_of_zone() { "timezone" } else { "cron" }, error)
    };
    let schedule = Schedule::new(input.cron.as_deref().unwrap_or_default(), zone, now).map_err(refused)?;
    let Some(lasts) = input.duration_seconds else {
        return Err(HubError::invalid("duration_seconds", "say how long each lasts"));
    };
    let lasts_ms = seconds("duration_seconds", lasts, SECONDS_MIN, SECONDS_MAX)?;
    let begins = schedule.upcoming(now, CHECKED);
    if begins.windows(2).any(|pair| pair[1].since(pair[0]) <= lasts_ms) {
        return Err(HubError::invalid(
            "duration_seconds",
            "reaches into the next one: nobody would be paged again",
        ));
    }
    Ok(())
}

fn check_once(input: &api::MaintenanceWindowInput) -> Result<(), HubError> {
    if input.duration_seconds.is_some() || input.timezone.is_some() {
        return Err(HubError::invalid(
            "duration_seconds",
            "goes with cron: of one that comes once, give ends_at",
        ));
    }
    let (Some(from), Some(to)) = (input.starts_at, input.ends_at) else {
        let text = "say when: cron with duration_seconds, or starts_at with ends_at";
        return Err(HubError::invalid("starts_at", text));
    };
    if to.0 <= from.0 {
        return Err(HubError::invalid("ends_at", "must be after starts_at"));
    }
    seconds("ends_at", to.0.since(from.0) as f64 / 1000.0, SECONDS_MIN, SECONDS_MAX).map(drop)
}

/// When it is, as a person says it.
fn words(input: &api::MaintenanceWindowInput, now: Timestamp) -> String {
    let zone = input.timezone.as_deref().unwrap_or(ZONE_DEFAULT);
    match (&input.cron, input.duration_seconds, input.starts_at, input.ends_at) {
        (Some(cron), Some(lasts), _, _) => match Schedule::new(cron, zone, now) {
            Ok(schedule) => {
                format!("{}, for {}", schedule.words(), format_duration_ms((lasts * 1000.0) as i64))
            }
            Err(error) => error.to_string(),
        },
        (_, _, Some(from), Some(to)) => format!("once, from {from} to {to}"),
        _ => "never".into(),
    }
}
