//! Other tools that tell of trouble, and people who take it: each goes on until it is answered, at whichever hub answers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_tests::api::{Answer, Api};
use watchtower_tests::random::Random;

use super::provider::Provider;

const WORKERS: usize = 12;
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Nobody goes on for longer.
const PATIENCE: Duration = Duration::from_secs(120);
/// Of ten triggers so many are sent by two senders at one time.
const DOUBLED_OF_TEN: usize = 2;

/// One incident as it is meant to go.
pub struct Story {
    /// Its title, and the sender's own key.
    pub key: String,
    pub doubled: bool,
    /// This long after it began somebody acknowledges it.
    pub ack_after: Option<Duration>,
    at: Duration,
    /// When a hub said that it is stored.
    pub told: OnceLock<Instant>,
    /// When a hub said that it is acknowledged.
    pub acked: OnceLock<Instant>,
}

/// `within`: when they begin; `life`: how long the steps of one take.
pub fn stories(count: usize, within: Duration, life: Duration, random: &mut Random) -> Vec<Story> {
    (0..count)
        .map(|i| Story {
            key: format!("trouble {i}"),
            doubled: random.below(10) < DOUBLED_OF_TEN,
            at: Duration::from_millis(random.below(within.as_millis() as usize) as u64),
            ack_after: (i % 2 == 0)
                .then(|| Duration::from_millis(random.below(life.as_millis() as usize) as u64)),
            told: OnceLock::new(),
            acked: OnceLock::new(),
        })
        .collect()
}

#[derive(Clone, Copy)]
enum Act {
    Trigger,
    /// By another hub, as a second Prometheus would.
    TriggerToo,
    Acknowledge,
}

/// Who acts.
pub struct Load<'a> {
    pub stories: &'a [Story],
    pub hubs: Vec<Api>,
    /// Key of an integration for PagerDuty's clients.
    pub key: String,
    pub provider: &'a Provider,
}

impl Load<'_> {
    /// Until every story is told.
    pub fn run(&self) {
        let mut acts: Vec<(Duration, usize, Act)> = Vec::new();
        for (i, story) in self.stories.iter().enumerate() {
            acts.push((story.at, i, Act::Trigger));
            if story.doubled {
                acts.push((story.at, i, Act::TriggerToo));
            }
            acts.extend(story.ack_after.map(|after| (story.at + after, i, Act::Acknowledge)));
        }
        acts.sort_by_key(|(at, ..)| *at);
        let (began, next) = (Instant::now(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some((at, story, act)) = acts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        std::thread::sleep(at.saturating_sub(began.elapsed()));
                        self.act(*story, *act);
                    }
                });
            }
        });
    }

    fn act(&self, index: usize, act: Act) {
        let story = &self.stories[index];
        match act {
            Act::Trigger | Act::TriggerToo => {
                self.insist(index + act as usize, |api| self.enqueue(api, "trigger", &story.key));
                let _ = story.told.set(Instant::now());
            }
            Act::Acknowledge => {
                let began = Instant::now();
                // Its trigger was begun before, by this worker or another.
                while story.told.get().is_none() {
                    assert!(began.elapsed() < PATIENCE, "{} was never taken", story.key);
                    std::thread::sleep(AGAIN_AFTER);
                }
                // By its number where a message has named it, else by the sender's key.
                let number = self.provider.number_of(&story.key);
                self.insist(index, |api| match number {
                    Some(number) => {
                        let path = format!("/api/v1/incidents/{number}/ack");
                        api.raw("POST", &path, "application/json", b"{}")
                    }
                    None => self.enqueue(api, "acknowledge", &story.key),
                });
                let _ = story.acked.set(Instant::now());
            }
        }
    }

    fn enqueue(&self, api: &Api, action: &str, key: &str) -> Result<Answer, String> {
        let event = json!({"routing_key": self.key, "event_action": action, "dedup_key": key,
            "payload": {"summary": key, "source": "lab", "severity": "critical"}});
        api.with_token(None).raw("POST", "/v2/enqueue", "application/json", event.to_string().as_bytes())
    }

    /// As a good client does: again while there is no answer, or one that asks for it, at another hub each time.
    fn insist(&self, first: usize, call: impl Fn(&Api) -> Result<Answer, String>) {
        let began = Instant::now();
        for hub in first.. {
            let said = match call(&self.hubs[hub % self.hubs.len()]) {
                Ok(answer) if (200..300).contains(&answer.status) => return,
                Ok(answer) => {
                    let again = answer.status == 429 || answer.status >= 500;
                    assert!(again, "a client would give up: {} {}", answer.status, answer.body);
                    answer.body
                }
                Err(error) => Value::String(error),
            };
            assert!(began.elapsed() < PATIENCE, "nobody answered for {PATIENCE:?}: {said}");
            std::thread::sleep(AGAIN_AFTER);
        }
    }
}
