//! What people put above the layers for a while.

use watchtower_model::{OverrideId, Timestamp, UserId};

use crate::roster::{Present, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideKind {
    /// On call too.
    Add,
    /// Not on call, whatever the layers say.
    Remove,
    /// Takes the place of one person, only while that one would be on call; of all, and for all the time, when `instead_of` is absent.
    Replace { instead_of: Option<UserId> },
}

/// Those of a schedule are applied in their order: a later one sees what the ones before it have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    pub id: OverrideId,
    pub kind: OverrideKind,
    /// Who is added, removed, or steps in.
    pub user: UserId,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Override {
    pub(crate) fn covers(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    pub(crate) fn apply(&self, present: &mut Vec<Present>) {
        let mine = |until: Timestamp| Present {
            user: self.user,
            source: Source::Override(self.id),
            turn: self.from,
            until: until.min(self.to),
        };
        match self.kind {
            OverrideKind::Add => present.push(mine(self.to)),
            OverrideKind::Remove => present.retain(|duty| duty.user != self.user),
            OverrideKind::Replace { instead_of: None } => {
                present.clear();
                present.push(mine(self.to));
            }
            OverrideKind::Replace { instead_of: Some(user) } => {
                let relieved = present.iter().filter(|duty| duty.user == user).map(|duty| duty.until).max();
                present.retain(|duty| duty.user != user);
                present.extend(relieved.map(mine));
            }
        }
    }
}
