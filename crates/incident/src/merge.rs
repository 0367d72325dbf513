//! Two incidents that turn out to be one: the source ends, and its open alerts go on in the target.
//!
//! Invariants: the source sends nothing any more, and whoever heard of it hears of the target's end. What was still asked of the
//! source's people is asked of the target's, unless somebody who has the target, or had the source, knew it to be as bad.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use watchtower_model::{IncidentId, Timestamp};

use crate::turn::Turn;
use crate::{
    ALERTS_PER_INCIDENT_MAX, Actor, Effect, Incident, IncidentAlert, Notice, PageReason, Resolution, Status,
    Target, TimelineKind,
};

/// Incidents that one takes in, those included that were merged into them before.
pub const MERGED_MAX: usize = 100;

/// What the target keeps of a source: whom to tell of the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    pub id: IncidentId,
    pub number: i64,
    /// Exactly those who got a page of it.
    pub paged: BTreeSet<Target>,
    pub catch_all_paged: bool,
}

/// What the source keeps of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedInto {
    pub id: IncidentId,
    pub number: i64,
}

/// Why two incidents stay two.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MergeError {
    #[error("an incident cannot be merged into itself: name another one")]
    Itself,
    #[error("INC-{0} is over: only what is open can be merged")]
    SourceEnded(i64),
    #[error("INC-{number} was merged into INC-{into} already")]
    SourceMerged { number: i64, into: i64 },
    #[error("INC-{0} is over: merge into one that is open")]
    TargetEnded(i64),
    #[error("INC-{number} was itself merged into INC-{into}: merge into that one")]
    TargetMerged { number: i64, into: i64 },
    #[error("together they have {0} alerts, and an incident has at most {ALERTS_PER_INCIDENT_MAX}")]
    Alerts(usize),
    #[error("INC-{0} would stand for more than {MERGED_MAX} others: resolve it, or merge into another one")]
    Sources(i64),
}

/// An incident as it is then, and what follows.
pub type Moved = (Incident, Vec<Effect>);

/// Ends `source` in `target`. The hub stores both, their effects, and moves the open alerts, in one transaction.
pub fn merge(
    source: Incident,
    target: Incident,
    by: &Actor,
    now: Timestamp,
) -> Result<(Moved, Moved), MergeError> {
    check(&source, &target)?;
    let (mut from, mut into) = (Turn::new(source, now), Turn::new(target, now));
    into.absorb(&from.incident, by);
    from.end_in(&into.incident, by);
    Ok((from.finish(), into.finish()))
}

fn check(source: &Incident, target: &Incident) -> Result<(), MergeError> {
    if source.id == target.id {
        return Err(MergeError::Itself);
    }
    for (incident, is_source) in [(source, true), (target, false)] {
        let number = incident.number;
        match (incident.merged_into.map(|into| into.number), is_source) {
            (Some(into), true) => return Err(MergeError::SourceMerged { number, into }),
            (Some(into), false) => return Err(MergeError::TargetMerged { number, into }),
            (None, true) if incident.is_resolved() => return Err(MergeError::SourceEnded(number)),
            (None, false) if incident.is_resolved() => return Err(MergeError::TargetEnded(number)),
            _ => {}
        }
    }
    let alerts = target.alerts.len() + source.open_alerts().count();
    if alerts > ALERTS_PER_INCIDENT_MAX {
        return Err(MergeError::Alerts(alerts));
    }
    if target.merged.len() + 1 + source.merged.len() > MERGED_MAX {
        return Err(MergeError::Sources(target.number));
    }
    Ok(())
}

impl Turn {
    fn absorb(&mut self, source: &Incident, by: &Actor) {
        let target = &mut self.incident;
        let open: Vec<_> = source.open_alerts().collect();
        target.triggers += source.triggers;
        target.last_seen_at = target.last_seen_at.max(source.last_seen_at);
        target.merged.push(Merged {
            id: source.id,
            number: source.number,
            paged: source.paged.clone(),
            catch_all_paged: source.catch_all_paged,
        });
        target.merged.extend(source.merged.iter().cloned());
        let text = format!("INC-{} was merged into it: {}", source.number, source.headline());
        self.say(TimelineKind::Merged, by, text, json!({ "merged": source.number, "alerts": open.len() }));
        if !open.is_empty() {
            let of_source = |id: &_| source.alerts.get(id).map_or(source.severity, |alert| alert.severity);
            let open =
                open.into_iter().map(|id| (id, IncidentAlert { severity: of_source(&id), open: true }));
            self.incident.alerts.extend(open);
            self.trouble_joined(source);
        }
        if self.incident.status == Status::Acknowledged && source.status == Status::Triggered {
            // What rings for the source until somebody has it.
            self.effects.extend(notices_of(source).map(Effect::AckNotice));
        }
    }

    /// Open alerts of the source are part of the target from now on.
    fn trouble_joined(&mut self, source: &Incident) {
        let target = &mut self.incident;
        let louder = source.urgency > target.urgency;
        target.urgency = target.urgency.max(source.urgency);
        let raised = source.severity > target.severity;
        target.severity = target.severity.max(source.severity);
        if raised {
            let text = format!("severity rose to {}", source.severity);
            self.say(TimelineKind::SeverityRaised, &Actor::System, text, json!({ "merged": source.number }));
        }
        self.resume();
        self.restart_auto_resolve();
        match self.incident.status {
            Status::Acknowledged => self.merged_into_acknowledged(source),
            _ => self.merged_into_triggered(source),
        }
        if louder {
            self.page_louder();
        }
    }

    fn merged_into_acknowledged(&mut self, source: &Incident) {
        // Who had the source knew how bad it was.
        self.incident.acked_severity = self.incident.acked_severity.max(source.acked_severity);
        if Some(self.incident.severity) <= self.incident.acked_severity {
            return self.say_not_paged("the incident is acknowledged and what was merged is not worse");
        }
        match &source.suppressed {
            Some(why) => self.say_not_paged(&format!("suppressed by {why}")),
            None => {
                self.incident.suppressed = None;
                self.unack(&Actor::System, self.now, PageReason::SeverityRaised);
            }
        }
    }

    fn merged_into_triggered(&mut self, source: &Incident) {
        if source.suppressed.is_some() {
            return;
        }
        let waits_for_somebody = source.status == Status::Triggered && !source.unanswered;
        if self.incident.suppressed.is_some() {
            self.suppression_ended();
        } else if self.incident.unanswered && waits_for_somebody {
            // Nobody is left above the last step, and the source still had somebody to ask.
            self.incident.loop_no += 1;
            self.begin_step(0, self.now, PageReason::Merged, None);
        }
    }

    fn end_in(&mut self, target: &Incident, by: &Actor) {
        let open = self.incident.open_alerts().count();
        self.end(by, Resolution::Merged);
        self.incident.merged_into = Some(MergedInto { id: target.id, number: target.number });
        let plural = if open == 1 { "" } else { "s" };
        let text =
            format!("merged into INC-{} with {open} open alert{plural}: {}", target.number, target.title);
        self.say(TimelineKind::Merged, by, text, json!({ "merged_into": target.number }));
    }
}

/// Whom to tell of what becomes of an incident: who heard of it, and who heard of what was merged into it, each in the words of what
/// they heard.
pub(crate) fn notices_of(incident: &Incident) -> impl Iterator<Item = Notice> + '_ {
    let own = (incident.id, &incident.paged, incident.catch_all_paged);
    let merged = incident.merged.iter().map(|one| (one.id, &one.paged, one.catch_all_paged));
    std::iter::once(own).chain(merged).filter(|(_, paged, catch_all)| *catch_all || !paged.is_empty()).map(
        |(incident, paged, catch_all)| Notice {
            incident,
            targets: paged.iter().copied().collect(),
            catch_all,
        },
    )
}
