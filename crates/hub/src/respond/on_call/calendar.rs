//! A schedule as a calendar that others subscribe to.

use watchtower_oncall::Event;

use super::shifts;
use crate::objects::find;
use crate::{Hub, random};

/// Days of the past and of the future in a calendar; together within what may be asked for at once.
const CALENDAR_PAST_MS: i64 = 9 * 86_400_000;
const CALENDAR_AHEAD_MS: i64 = 90 * 86_400_000;

/// The shifts of a schedule as iCalendar, for who has the secret of its link.
pub fn calendar(hub: &Hub, schedule: &str, secret: &str) -> Option<String> {
    let objects = hub.objects();
    let stored = find(&objects.schedules, schedule)?;
    if stored.body.calendar_hash.as_deref() != Some(random::hash_secret(secret).as_str()) {
        return None;
    }
    let (now, name) = (hub.now(), &stored.body.name);
    let (from, to) = (now.plus_ms(-CALENDAR_PAST_MS), now.plus_ms(CALENDAR_AHEAD_MS));
    let mut events = Vec::new();
    for shift in shifts(hub, &stored.body, from, to) {
        let reason = shift.layer.unwrap_or_else(|| "override".into());
        // One that was cut would change its begin, and so its name, with each look.
        if shift.from_at.0 > from {
            events.push(Event {
                uid: format!("{}-{}-{}-{reason}@watchtower", stored.id, shift.from_at.0.0, shift.user_id),
                from: shift.from_at.0,
                to: shift.to_at.0,
                summary: format!("{} on call for {name}", shift.user),
                description: reason,
            });
        }
    }
    Some(watchtower_oncall::calendar(&format!("On call: {name}"), &events, now))
}
