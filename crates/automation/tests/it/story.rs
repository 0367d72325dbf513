//! Interprets `stories/attempts.story`: each part is one attempt driven through virtual time by its own wakes.
//!
//! `plan KEY D ...` sets the times (`approval` is a flag); then `at T INPUT` or `at T expect EFFECT-OR-STATE`.
//! An `escalate`, `start` or `succeeded` that no line expects fails the part.

use watchtower_automation::{Attempt, Effect, Input, Plan, advance, begin};
use watchtower_model::{AutomationId, Id, RunId, ServerId, Timestamp, UserId, parse_duration_ms};

#[test]
fn every_attempt_ends_as_told() {
    for (part, chapter) in include_str!("stories/attempts.story").split("\n---\n").enumerate() {
        Story::new(part + 1).tell(chapter);
    }
}

struct Story {
    part: usize,
    plan: Plan,
    attempt: Option<Attempt>,
    now: Timestamp,
    seen: Vec<(Timestamp, String)>,
}

impl Story {
    fn new(part: usize) -> Self {
        let plan = Plan {
            delay_ms: 0,
            needs_approval: false,
            start_within_ms: 60_000,
            timeout_ms: 60_000,
            interval_ms: 10_000,
            longest_range_ms: 0,
            verify_within_ms: None,
        };
        Story { part, plan, attempt: None, now: Timestamp(0), seen: Vec::new() }
    }

    fn tell(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["plan", settings @ ..] => self.set_plan(settings),
                ["at", at, words @ ..] => {
                    self.run_to(Timestamp(ms(at)));
                    self.act(words, line);
                }
                _ => panic!("part {}: cannot read {line:?}", self.part),
            }
        }
        let unexpected: Vec<_> = self.seen.iter().filter(|(_, s)| !s.starts_with("wake")).collect();
        assert!(unexpected.is_empty(), "part {}: nobody expected {unexpected:?}", self.part);
    }

    fn set_plan(&mut self, settings: &[&str]) {
        if settings == ["approval"] {
            self.plan.needs_approval = true;
            return;
        }
        for pair in settings.chunks(2) {
            let value = ms(pair[1]);
            match pair[0] {
                "delay" => self.plan.delay_ms = value,
                "timeout" => self.plan.timeout_ms = value,
                "interval" => self.plan.interval_ms = value,
                "range" => self.plan.longest_range_ms = value,
                "verify" => self.plan.verify_within_ms = Some(value),
                other => panic!("unknown plan setting {other}"),
            }
        }
    }

    fn act(&mut self, words: &[&str], line: &str) {
        let id = Id::from_bytes([7; 16]);
        let reason = || words[1..].join(" ");
        let input = match words {
            ["begin"] => {
                let (attempt, effects) = begin(AutomationId(id), ServerId(id), None, 1, self.plan, self.now);
                self.attempt = Some(attempt);
                return self.note(effects);
            }
            ["expect", what @ ..] => return self.expect(what, line),
            ["approved"] => Input::Approved { by: UserId(id) },
            ["denied"] => Input::Denied { by: UserId(id) },
            ["started"] => Input::Started { run_id: RunId(id) },
            ["finished", exit] => Input::Finished { exit: exit.parse().unwrap() },
            ["killed", ..] => Input::Killed { reason: reason() },
            ["lost", ..] => Input::Lost { reason: reason() },
            ["refused", ..] => Input::Refused { reason: reason() },
            ["sample", state @ ("good" | "bad"), rest @ ..] => {
                let at = rest.last().map_or(self.now, |at| Timestamp(ms(at)));
                Input::Sample { condition_true: *state == "bad", at }
            }
            _ => panic!("part {}: cannot read {line:?}", self.part),
        };
        self.input(input);
    }

    fn expect(&mut self, what: &[&str], line: &str) {
        let attempt = self.attempt.as_ref().unwrap();
        if let ["state", state] = what {
            assert_eq!(attempt.state.as_str(), *state, "part {}: {line}", self.part);
            assert_eq!(attempt.state.is_over(), attempt.ended_at.is_some(), "part {}: {line}", self.part);
            return;
        }
        let what = what.join(" ");
        match self.seen.iter().position(|(at, s)| *at == self.now && s.starts_with(&what)) {
            Some(i) => drop(self.seen.remove(i)),
            None => panic!("part {}: {line:?} did not happen; seen: {:#?}", self.part, self.seen),
        }
    }

    fn run_to(&mut self, at: Timestamp) {
        while let Some(wake) = self.attempt.as_ref().and_then(|a| a.next_wake_at).filter(|w| *w <= at) {
            self.now = wake;
            self.input(Input::Wake);
        }
        self.now = at;
    }

    fn input(&mut self, input: Input) {
        let stored = serde_json::to_string(&self.attempt.take().expect("begun")).unwrap();
        let before: Attempt = serde_json::from_str(&stored).unwrap();
        let (attempt, effects) = advance(before.clone(), input, self.now);
        if before.state.is_over() {
            assert!(attempt == before && effects.is_empty(), "part {}: moved after its end", self.part);
        }
        self.attempt = Some(attempt);
        self.note(effects);
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let text = match effect {
                Effect::StartRun { number, .. } => format!("start {number}"),
                Effect::AskApproval { until } => format!("ask until {}", until.ms() / 1000),
                Effect::BoostInterval { until } => format!("boost until {}", until.ms() / 1000),
                Effect::Succeeded { took_ms } => format!("succeeded in {}", took_ms / 1000),
                Effect::Escalate { state, reason } => format!("escalate {} {reason}", state.as_str()),
                Effect::ScheduleWake { at } => format!("wake {}", at.ms() / 1000),
            };
            self.seen.push((self.now, text));
        }
    }
}

fn ms(text: &str) -> i64 {
    parse_duration_ms(text).unwrap()
}
