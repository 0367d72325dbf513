//! Whom pages reached, and at which hour of their day. Pure, but for what it is told.

use std::collections::{HashMap, HashSet};

use watchtower_api_types::PersonFigures;
use watchtower_model::{ChannelId, IncidentId, Timestamp, UserId};
use watchtower_oncall::Zone;
use watchtower_store::{PageRow, UserRow};

use crate::Objects;
use crate::error::HubError;

/// Mail, push and call for one incident, one after the other, wake a person once; so does one message about many incidents.
const SAME_MS: i64 = 5 * 60_000;
/// Night begins and ends at these hours.
const NIGHT_FROM: usize = 22;
const NIGHT_TO: usize = 7;
const HOURS: usize = 24;

pub(super) struct Reached {
    pub people: Vec<PersonFigures>,
    /// Pages to channels that are nobody's own.
    pub shared: u32,
}

/// Each person's zone: the one that is asked for, or that of the first schedule in force that names the person, or UTC.
pub(super) fn zones(
    objects: &Objects,
    users: &[UserRow],
    asked: Option<&str>,
) -> Result<HashMap<UserId, (String, Zone)>, HubError> {
    let find = |name: &str| Zone::named(name).map(|zone| (name.to_string(), zone));
    let default = asked.unwrap_or("UTC");
    let default = find(default).ok_or_else(|| {
        HubError::invalid("timezone", format!("{default:?} is no time zone: write Europe/Berlin"))
    })?;
    let own = |user: &UserRow| {
        let current = objects.schedules.iter().filter_map(|schedule| schedule.body.current());
        let names_them = |layer: &crate::objects::RotatingLayer| layer.layer.participants.contains(&user.id);
        let mut theirs = current.filter(|definition| definition.layers.iter().any(names_them));
        theirs.next().and_then(|definition| find(&definition.timezone))
    };
    let zone = |user: &UserRow| match asked {
        Some(_) => default.clone(),
        None => own(user).unwrap_or_else(|| default.clone()),
    };
    Ok(users.iter().map(|user| (user.id, zone(user))).collect())
}

/// What was told together arrived in the same moment.
fn messages<'p>(pages: impl Iterator<Item = &'p PageRow>) -> u32 {
    pages.map(|page| (page.channel_id, page.delivered_at)).collect::<HashSet<_>>().len() as u32
}

/// `pages` in the order of their time.
pub(super) fn reached(
    pages: &[PageRow],
    users: &[UserRow],
    zones: &HashMap<UserId, (String, Zone)>,
) -> Reached {
    let mut people: Vec<PersonFigures> = Vec::new();
    for user in users {
        let Some((timezone, zone)) = zones.get(&user.id) else { continue };
        let theirs = pages.iter().filter(|page| user.channels.0.contains(&page.channel_id));
        let hours = interruptions(theirs, zone);
        let sum = |hours: &mut dyn Iterator<Item = &u32>| hours.sum::<u32>();
        let person = PersonFigures {
            user_id: user.id,
            name: user.name.clone(),
            timezone: timezone.clone(),
            interruptions: sum(&mut hours.iter()),
            at_night: sum(&mut hours[NIGHT_FROM..].iter().chain(&hours[..NIGHT_TO])),
            by_hour: hours.to_vec(),
        };
        if person.interruptions > 0 {
            people.push(person);
        }
    }
    people.sort_by_key(|person| std::cmp::Reverse(person.interruptions));
    let own = |page: &&PageRow| !users.iter().any(|user| user.channels.0.contains(&page.channel_id));
    Reached { people, shared: messages(pages.iter().filter(own)) }
}

/// By the hour at which each began.
fn interruptions<'p>(pages: impl Iterator<Item = &'p PageRow>, zone: &Zone) -> [u32; HOURS] {
    let mut hours = [0; HOURS];
    let mut began: HashMap<IncidentId, Timestamp> = HashMap::new();
    let mut counted: HashSet<(ChannelId, Timestamp)> = HashSet::new();
    for page in pages {
        let at = page.delivered_at;
        if began.get(&page.incident_id).is_some_and(|began| at.since(*began) < SAME_MS) {
            continue;
        }
        began.insert(page.incident_id, at);
        if counted.insert((page.channel_id, at)) {
            hours[zone.hour(at)] += 1;
        }
    }
    hours
}
