//! Troubles as they are meant to go, and what was answered of each.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use watchtower_tests::random::Random;

/// Of ten triggers so many are sent by two senders at one time.
const DOUBLED_OF_TEN: usize = 2;
/// The longest from an end to the word that it was none, in milliseconds.
const OVER_MS: usize = 1_000;

/// What becomes of one; times are from its beginning.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// Nobody comes.
    Unanswered,
    Acknowledged {
        after: Duration,
    },
    /// Into the story at this place, to which nobody comes.
    Merged {
        after: Duration,
        into: usize,
    },
    /// Ended by a person, who so much later says that it is not over; then nobody comes.
    Reopened {
        after: Duration,
        over_for: Duration,
    },
}

/// One incident.
pub struct Story {
    /// Its title, and the sender's own key.
    pub key: String,
    pub doubled: bool,
    pub at: Duration,
    pub fate: Fate,
    /// When a hub said that it is stored.
    pub told: OnceLock<Instant>,
    /// When a hub said that it is acknowledged, merged or ended.
    pub settled: OnceLock<Instant>,
    /// When a person began to say that it is not over, and when a hub said that it is open again.
    pub again: OnceLock<Instant>,
    pub reopened: OnceLock<Instant>,
}

impl Story {
    /// The steps are climbed to their end by nobody's doing: all of them must be heard of.
    pub fn must_be_heard(&self) -> bool {
        matches!(self.fate, Fate::Unanswered | Fate::Reopened { .. })
    }
}

/// The key of the story that a title tells of: what has more than one alert says so behind it.
pub fn key_of(title: &str) -> &str {
    title.split_once(" (+").map_or(title, |(key, _)| key)
}

/// `within`: when they begin; `life`: how long the steps of one take. Of ten four are acknowledged, one is merged, one is reopened.
pub fn stories(count: usize, within: Duration, life: Duration, random: &mut Random) -> Vec<Story> {
    let mut all: Vec<Story> = Vec::with_capacity(count);
    for i in 0..count {
        let mut at = any(within, random);
        let after = any(life, random);
        let fate = match i % 10 {
            0 | 2 | 4 | 6 => Fate::Acknowledged { after },
            7 => Fate::Merged { after, into: i - 2 },
            8 => Fate::Reopened { after, over_for: Duration::from_millis(random.below(OVER_MS) as u64) },
            _ => Fate::Unanswered,
        };
        if let Fate::Merged { into, .. } = fate {
            at = all[into].at + any(life, random);
        }
        let doubled = random.below(10) < DOUBLED_OF_TEN;
        let (told, settled, again, reopened) = Default::default();
        all.push(Story { key: format!("trouble {i}"), doubled, at, fate, told, settled, again, reopened });
    }
    all
}

fn any(within: Duration, random: &mut Random) -> Duration {
    Duration::from_millis(random.below(within.as_millis() as usize) as u64)
}
