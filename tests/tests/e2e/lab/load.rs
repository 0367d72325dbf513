//! Other tools that tell of trouble, and people who take it: each goes on until it is answered, at whichever hub answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::{Answer, Api};

use super::provider::Provider;
use super::story::{Fate, Story};

const WORKERS: usize = 12;
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Nobody goes on for longer.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
enum Act {
    Trigger,
    /// By another hub, as a second Prometheus would.
    TriggerToo,
    /// What its fate is.
    Settle,
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
            match story.fate {
                Fate::Unanswered => {}
                Fate::Acknowledged { after } | Fate::Merged { after, .. } | Fate::Reopened { after, .. } => {
                    acts.push((story.at + after, i, Act::Settle));
                }
            }
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
                self.insist(index + act as usize, |api| self.enqueue(api, "trigger", &story.key), |_| false);
                let _ = story.told.set(Instant::now());
            }
            Act::Settle => {
                // Its trigger was begun before, by this worker or another.
                wait::until(PATIENCE, &format!("{} to be taken", story.key), || story.told.get().copied());
                match story.fate {
                    Fate::Unanswered => {}
                    Fate::Acknowledged { .. } => self.acknowledge(index),
                    Fate::Merged { into, .. } => self.merge(index, into),
                    Fate::Reopened { over_for, .. } => self.end_and_reopen(index, over_for),
                }
            }
        }
    }

    /// By its number where a message has named it, else by the sender's key.
    fn acknowledge(&self, index: usize) {
        let story = &self.stories[index];
        let number = self.provider.number_of(&story.key);
        let call = |api: &Api| match number {
            Some(number) => ask(api, number, "ack", &json!({})),
            None => self.enqueue(api, "acknowledge", &story.key),
        };
        self.insist(index, call, |_| false);
        let _ = story.settled.set(Instant::now());
    }

    fn merge(&self, index: usize, into: usize) {
        let (story, target) = (&self.stories[index], &self.stories[into]);
        let (number, into) = (self.number(story), self.number(target));
        self.insist(index, |api| ask(api, number, "merge", &json!({ "into": into })), |_| false);
        let _ = story.settled.set(Instant::now());
    }

    fn end_and_reopen(&self, index: usize, over_for: Duration) {
        let story = &self.stories[index];
        let number = self.number(story);
        let ended = |api: &Api| now(api, number).map(|is| is["state"] == "resolved");
        self.insist(index, |api| ask(api, number, "resolve", &json!({})), |api| ended(api) == Some(true));
        let _ = story.settled.set(Instant::now());
        std::thread::sleep(over_for);
        let _ = story.again.set(Instant::now());
        self.insist(index, |api| ask(api, number, "reopen", &json!({})), |api| ended(api) == Some(false));
        let _ = story.reopened.set(Instant::now());
    }

    /// Once a message has named it.
    fn number(&self, story: &Story) -> i64 {
        wait::until(PATIENCE, &format!("a page of {}", story.key), || self.provider.number_of(&story.key))
    }

    fn enqueue(&self, api: &Api, action: &str, key: &str) -> Result<Answer, String> {
        let event = json!({"routing_key": self.key, "event_action": action, "dedup_key": key,
            "payload": {"summary": key, "source": "lab", "severity": "critical"}});
        api.with_token(None).raw("POST", "/v2/enqueue", "application/json", event.to_string().as_bytes())
    }

    /// As a good client does: again while there is no answer, or one that asks for it, at another hub each time. A conflict is an answer
    /// where the call before, whose answer was lost, has done it (`is_done`).
    fn insist(
        &self,
        first: usize,
        call: impl Fn(&Api) -> Result<Answer, String>,
        is_done: impl Fn(&Api) -> bool,
    ) {
        let began = Instant::now();
        for (tries, hub) in (first..).enumerate() {
            let api = &self.hubs[hub % self.hubs.len()];
            let said = match call(api) {
                Ok(answer) if (200..300).contains(&answer.status) => return,
                Ok(answer) if answer.status == 409 && tries > 0 && is_done(api) => return,
                Ok(answer) => {
                    let again =
                        answer.status == 429 || answer.status >= 500 || (answer.status == 409 && tries > 0);
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

fn ask(api: &Api, number: i64, verb: &str, body: &Value) -> Result<Answer, String> {
    let path = format!("/api/v1/incidents/{number}/{verb}");
    api.raw("POST", &path, "application/json", body.to_string().as_bytes())
}

/// The incident, if this hub answers.
fn now(api: &Api, number: i64) -> Option<Value> {
    let answer = api.raw("GET", &format!("/api/v1/incidents/{number}"), "", b"").ok()?;
    (answer.status == 200).then_some(answer.body)
}
