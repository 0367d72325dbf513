//! One silence or maintenance window, ready to be asked: which alerts, and when.

use watchtower_automation::cron::Schedule;
use watchtower_matchers::Matchers;
use watchtower_model::{ChannelId, Id, Labels, Timestamp};
use watchtower_store::Stored;

use crate::objects::{MaintenanceBody, SilenceBody};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoverKind {
    Silence,
    MaintenanceWindow,
}

/// From a time, up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spell {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Clone)]
pub struct Cover {
    pub id: Id,
    pub version: i64,
    pub kind: CoverKind,
    /// When it was written as it is.
    pub(super) changed_at: Timestamp,
    matchers: Matchers,
    /// The servers that its maker is restricted to: theirs alone are covered.
    servers: Option<Matchers>,
    pub(super) times: Times,
    /// Who, or what, covers.
    pub(super) name: String,
    pub(super) comment: String,
    /// Who is told when it begins and ends.
    pub(super) notify: Vec<ChannelId>,
}

#[derive(Clone)]
pub(crate) enum Times {
    Never,
    Once(Spell),
    /// Each lasts this long from when its schedule fires; none reaches into the next.
    Recurring {
        schedule: Schedule,
        duration_ms: i64,
    },
}

impl Times {
    /// That of a window that is switched on. What was checked when it was saved does not fail here.
    pub fn of(window: &watchtower_api_types::MaintenanceWindowInput, now: Timestamp) -> Times {
        let once = window.starts_at.zip(window.ends_at);
        let recurring = window.cron.as_deref().zip(window.duration_seconds);
        match (recurring, once) {
            (Some((cron, seconds)), _) => {
                let zone = window.timezone.as_deref().unwrap_or(crate::jobs::cron::ZONE_DEFAULT);
                match Schedule::new(cron, zone, now) {
                    Ok(schedule) => Times::Recurring { schedule, duration_ms: (seconds * 1000.0) as i64 },
                    Err(_) => Times::Never,
                }
            }
            (None, Some((from, to))) => Times::Once(Spell { from: from.0, to: to.0 }),
            (None, None) => Times::Never,
        }
    }

    /// The spell that is under way.
    pub fn at(&self, now: Timestamp) -> Option<Spell> {
        self.next(now, 1).into_iter().next().filter(|spell| spell.from <= now)
    }

    /// The spells that were under way at `since`, or began until `now`.
    pub fn between(&self, since: Timestamp, now: Timestamp) -> Vec<Spell> {
        let mut spells: Vec<Spell> = Vec::new();
        let mut at = since;
        while let Some(spell) = self.next(at, 1).into_iter().next().filter(|spell| spell.from <= now) {
            at = spell.to;
            spells.push(spell);
        }
        spells
    }

    /// The spell that is under way, and those to come.
    pub fn next(&self, now: Timestamp, count: usize) -> Vec<Spell> {
        match self {
            Times::Never => Vec::new(),
            Times::Once(spell) if spell.to > now => vec![*spell],
            Times::Once(_) => Vec::new(),
            Times::Recurring { schedule, duration_ms } => {
                // What began just as long ago as it lasts is over.
                let began = schedule.upcoming(now.plus_ms(-duration_ms), count);
                began.into_iter().map(|from| Spell { from, to: from.plus_ms(*duration_ms) }).collect()
            }
        }
    }
}

/// `2026-11-30 13:00 UTC`.
pub(super) fn minutes(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

impl Cover {
    /// Absent when it is over: it is kept only for people to read.
    pub fn of_silence(stored: &Stored<SilenceBody>, now: Timestamp) -> Option<Cover> {
        let body = Some(&stored.body).filter(|body| body.ends_at > now)?;
        Some(Cover {
            id: stored.id,
            version: stored.version,
            kind: CoverKind::Silence,
            changed_at: stored.updated_at,
            matchers: body.matchers.parse().ok()?,
            servers: body.servers.as_deref().map(str::parse).transpose().ok()?,
            times: Times::Once(Spell { from: body.starts_at, to: body.ends_at }),
            name: body.created_by.clone(),
            comment: body.comment.clone(),
            notify: Vec::new(),
        })
    }

    pub fn of_window(stored: &Stored<MaintenanceBody>, now: Timestamp) -> Option<Cover> {
        let body = &stored.body.0;
        Some(Cover {
            id: stored.id,
            version: stored.version,
            kind: CoverKind::MaintenanceWindow,
            changed_at: stored.updated_at,
            matchers: body.matchers.parse().ok()?,
            servers: None,
            times: if body.enabled { Times::of(body, now) } else { Times::Never },
            name: body.name.clone(),
            comment: body.comment.clone(),
            notify: body.notify.clone(),
        })
    }

    /// `labels`: the alert's over its server's. `own`: the server's alone, which no alert can claim to have.
    pub fn matches(&self, labels: &Labels, own: Option<&Labels>) -> bool {
        let within = match (&self.servers, own) {
            (None, _) => true,
            (Some(servers), Some(own)) => servers.matches(own),
            (Some(_), None) => false,
        };
        within && !self.matchers.is_empty() && self.matchers.matches(labels)
    }

    pub fn spell_at(&self, now: Timestamp) -> Option<Spell> {
        self.times.at(now)
    }

    pub(super) fn words(&self, spell: Spell) -> String {
        let until = minutes(spell.to);
        let comment = if self.comment.is_empty() { String::new() } else { format!(": {}", self.comment) };
        match self.kind {
            CoverKind::Silence => format!("a silence of {} until {until}{comment}", self.name),
            CoverKind::MaintenanceWindow => {
                format!("the maintenance window {:?} until {until}{comment}", self.name)
            }
        }
    }
}
