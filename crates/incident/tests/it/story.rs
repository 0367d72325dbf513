//! Interprets the stories in `stories/`: text files that drive an incident, or several, through virtual time.
//!
//! `service ack_timeout|auto_resolve|hold|group_window|resolve_delay D ...`, `step D [by turns] NAMES`, `repeat N`,
//! `earlier NUMBER ended T of LATELY` set the scene; then, each line
//! optionally after `at T`: an input, or `expect ...`. Wakes happen by themselves at `next_wake_at`, as the hub
//! does it; `down until T` is a hub that was away. A page, notice or catch-all that no line expects fails the
//! story, as does an expectation that nothing meets. `incident N` turns to another one, which its first trigger opens; `merge N WHO`
//! merges that one into the one that is turned to, and `merge N fails WORDS` says why not. `return` is an alert that opens again what is
//! over, `reopen WHO` a person who does.

mod expect;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use watchtower_incident::{
    AlertSignal, Earlier, Effect, Incident, Input, Notice, Opening, Page, PolicySnapshot, Reopened,
    Reopening, RunReport, RunState, ServiceSnapshot, Step, Strategy, Target, advance, in_turn, merge, open,
};
use watchtower_model::{AlertId, Id, IncidentId, ServiceId, Timestamp, UserId};

const STORIES: &[(&str, &str)] = &[
    ("escalation", include_str!("stories/escalation.story")),
    ("ack", include_str!("stories/ack.story")),
    ("severity", include_str!("stories/severity.story")),
    ("alerts", include_str!("stories/alerts.story")),
    ("storm", include_str!("stories/storm.story")),
    ("empty_steps", include_str!("stories/empty_steps.story")),
    ("exhausted", include_str!("stories/exhausted.story")),
    ("hub_away", include_str!("stories/hub_away.story")),
    ("repair", include_str!("stories/repair.story")),
    ("hold", include_str!("stories/hold.story")),
    ("calm", include_str!("stories/calm.story")),
    ("silence", include_str!("stories/silence.story")),
    ("by_hand", include_str!("stories/by_hand.story")),
    ("merge", include_str!("stories/merge.story")),
    ("reopen", include_str!("stories/reopen.story")),
    ("round_robin", include_str!("stories/round_robin.story")),
];

#[test]
fn every_story_comes_true() {
    for (name, text) in STORIES {
        for (part, chapter) in text.split("\n---\n").enumerate() {
            Story::new(&format!("{name}, part {}", part + 1)).tell(chapter);
        }
    }
}

struct Story {
    name: String,
    line: String,
    service: ServiceSnapshot,
    policy: PolicySnapshot,
    /// The one that is turned to.
    incident: Option<Incident>,
    number: i64,
    others: BTreeMap<i64, Incident>,
    /// Who had the last turn of each step by turns.
    last_of_step: BTreeMap<usize, Target>,
    earlier: Option<Earlier>,
    now: Timestamp,
    names: BTreeMap<Id, String>,
    /// What happened and was not expected yet.
    seen: Vec<(Timestamp, String)>,
}

impl Story {
    fn new(name: &str) -> Self {
        let service = ServiceSnapshot {
            id: ServiceId(Id::NIL),
            name: "db".into(),
            ack_timeout_ms: None,
            auto_resolve_ms: None,
            hold_pages_ms: None,
            group_window_ms: 0,
            resolve_delay_ms: 0,
            reopen_window_ms: 0,
        };
        Story {
            name: name.into(),
            line: String::new(),
            service,
            policy: PolicySnapshot::default(),
            incident: None,
            number: 1,
            others: BTreeMap::new(),
            last_of_step: BTreeMap::new(),
            earlier: None,
            now: Timestamp(0),
            names: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    fn tell(&mut self, text: &str) {
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            self.line = line.to_string();
            let mut words: Vec<&str> = line.split_whitespace().collect();
            if words[0] == "at" {
                let at = self.time(words[1]);
                self.run_to(at);
                words.drain(..2);
            }
            self.act(&words);
        }
        self.line = "the end".into();
        let loud = |s: &str| ["page", "catch-all", "notice"].iter().any(|w| s.starts_with(w));
        let unexpected: Vec<_> = self.seen.iter().filter(|(_, s)| loud(s)).collect();
        assert!(unexpected.is_empty(), "{}: nobody expected {unexpected:?}", self.name);
    }

    fn act(&mut self, words: &[&str]) {
        match words {
            ["service", settings @ ..] => self.set_service(settings),
            ["step", delay, "by", "turns", names @ ..] => self.add_step(delay, names, Strategy::RoundRobin),
            ["step", delay, names @ ..] => self.add_step(delay, names, Strategy::All),
            ["earlier", number, "ended", at, "of", lately] => {
                self.earlier = Some(Earlier {
                    number: number.parse().unwrap(),
                    ended_at: self.time(at),
                    lately: lately.parse().unwrap(),
                });
            }
            ["repeat", n] => self.policy.repeat = n.parse().unwrap(),
            ["down", "until", at] => {
                self.now = self.time(at);
                self.input(Input::Wake);
            }
            ["incident", number] => self.turn_to(number.parse().unwrap()),
            ["merge", number, rest @ ..] => self.merge(number.parse().unwrap(), rest),
            ["expect", what @ ..] => self.expect(what),
            _ => self.act_on_incident(words),
        }
    }

    fn add_step(&mut self, delay: &str, names: &[&str], strategy: Strategy) {
        let targets = names.iter().map(|n| Target::User(UserId(self.id(n)))).collect();
        self.policy.steps.push(Step { delay_ms: self.duration(delay), targets, strategy });
    }

    /// As the hub does it: over all incidents of the policy.
    fn draw(&mut self, page: &Page) -> Target {
        let round = &self.policy.steps[page.step].targets;
        let last = self.last_of_step.get(&page.step).copied();
        let target = in_turn(round, last, |target| page.targets.contains(target)).expect("somebody is left");
        self.last_of_step.insert(page.step, target);
        let (step, loop_no) = (page.step, page.loop_no);
        self.input(Input::Drawn { step, loop_no, target, text: "drawn".into() });
        target
    }

    fn act_on_incident(&mut self, words: &[&str]) {
        let input = match words {
            ["trigger", alert, severity, rest @ ..] => {
                let signal = self.signal(alert, severity, rest);
                if self.incident.is_none() {
                    return self.open(signal, rest.contains(&"repairing"));
                }
                Input::AlertTriggered(signal)
            }
            ["return", rest @ ..] => self.comes_back(rest),
            ["reopen", who] => {
                let by = Reopened::Person { by: self.user(who), suppressed_by: None };
                self.reopening(by)
            }
            ["resolve", alert] => Input::AlertResolved { alert: AlertId(self.id(alert)) },
            ["ack", who, rest @ ..] => {
                let snooze_ms = rest.get(1).map(|d| self.duration(d));
                Input::Ack { by: self.user(who), via: "web".into(), snooze_ms }
            }
            ["unack", who] => Input::Unack { by: self.user(who) },
            ["close", who] => Input::Resolve { by: self.user(who), note: String::new() },
            ["escalate", who] => Input::Escalate { by: self.user(who) },
            ["empty", "step", n] => {
                let incident = self.incident.as_ref().unwrap();
                let step = n.parse::<usize>().unwrap() - 1;
                Input::StepEmpty { generation: incident.generation, step, loop_no: incident.loop_no }
            }
            ["run", state, output @ ..] => Input::Run(RunReport {
                run_id: None,
                state: serde_json::from_value((*state).into()).unwrap(),
                detail: "restart-db".into(),
                output: output.join(" "),
            }),
            ["silence", "begins"] => Input::Suppressed { by: "a silence".into(), alerts: self.open_alerts() },
            // It was read before another alert joined.
            ["silence", "begins", "for", alert] => {
                let alerts = BTreeSet::from([AlertId(self.id(alert))]);
                Input::Suppressed { by: "a silence".into(), alerts }
            }
            ["silence", "of", name, "begins"] => {
                Input::Suppressed { by: format!("a silence of {name}"), alerts: self.open_alerts() }
            }
            ["silence", "ended"] => Input::SuppressionEnded,
            _ => panic!("{}: cannot read {:?}", self.name, self.line),
        };
        self.input(input);
    }

    fn reopening(&self, by: Reopened) -> Input {
        let (service, policy) = (self.service.clone(), self.policy.clone());
        Input::Reopened(Box::new(Reopening { service, policy, by }))
    }

    /// `ALERT [instead of ALERT] SEVERITY ...`
    fn comes_back(&mut self, words: &[&str]) -> Input {
        let (alert, before, severity, rest) = match words {
            [alert, "instead", "of", before, severity, rest @ ..] => (alert, before, severity, rest),
            [alert, severity, rest @ ..] => (alert, alert, severity, rest),
            _ => panic!("{}: cannot read {:?}", self.name, self.line),
        };
        let signal = self.signal(alert, severity, rest);
        let instead_of = vec![AlertId(self.id(before))];
        let repair_starting = rest.contains(&"repairing");
        self.reopening(Reopened::Alert { signal, instead_of, repair_starting })
    }

    fn open_alerts(&self) -> BTreeSet<AlertId> {
        self.incident.iter().flat_map(|incident| incident.open_alerts()).collect()
    }

    fn turn_to(&mut self, number: i64) {
        if let Some(before) = self.incident.take() {
            self.others.insert(self.number, before);
        }
        (self.incident, self.number) = (self.others.remove(&number), number);
    }

    fn merge(&mut self, number: i64, rest: &[&str]) {
        let by = self.user(rest[0]);
        let (source, target) = (self.others[&number].clone(), self.incident.clone().expect("a target"));
        match (merge(source, target, &by, self.now), rest) {
            (Err(why), ["fails", words @ ..]) => {
                assert_eq!(why.to_string(), words.join(" "), "{}", self.name)
            }
            (Ok((source, target)), [_]) => {
                self.others.insert(number, source.0);
                self.incident = Some(target.0);
                self.note(source.1);
                self.note(target.1);
            }
            (other, _) => panic!("{}: {:?}: {other:?}", self.name, self.line),
        }
    }

    /// The incident that wakes next, and when.
    fn next_wake(&self) -> Option<(Timestamp, i64)> {
        let current = self.incident.iter().map(|incident| (self.number, incident));
        let all = current.chain(self.others.iter().map(|(number, incident)| (*number, incident)));
        all.filter_map(|(number, incident)| Some((incident.next_wake_at()?, number))).min()
    }

    fn run_to(&mut self, at: Timestamp) {
        assert!(at >= self.now, "{}: {:?} goes back in time", self.name, self.line);
        while let Some((wake, number)) = self.next_wake().filter(|(wake, _)| *wake <= at) {
            self.now = wake;
            let turned_to = self.number;
            self.turn_to(number);
            self.input(Input::Wake);
            self.turn_to(turned_to);
        }
        self.now = at;
    }

    fn open(&mut self, alert: AlertSignal, repair_starting: bool) {
        let (incident, effects) = open(
            Opening {
                id: incident_id(self.number),
                number: self.number,
                service: self.service.clone(),
                policy: self.policy.clone(),
                group_key: "g".into(),
                server_id: None,
                alert,
                earlier: self.earlier,
                repair_starting,
            },
            self.now,
        );
        self.incident = Some(incident);
        self.note(effects);
    }

    fn input(&mut self, input: Input) {
        // What is stored between two inputs is JSON: nothing may be lost in it.
        let stored = serde_json::to_string(&self.incident.take().expect("an open incident")).unwrap();
        let (incident, effects) = advance(serde_json::from_str(&stored).unwrap(), input, self.now);
        self.incident = Some(incident);
        self.note(effects);
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let text = match effect {
                Effect::Page(mut p) => {
                    if p.by_turns {
                        p.targets = vec![self.draw(&p)];
                    }
                    let output = p.output.map(|o| format!(" output {o}")).unwrap_or_default();
                    format!(
                        "page {} step {} round {}{output}",
                        self.targets(&p.targets),
                        p.step + 1,
                        p.loop_no + 1
                    )
                }
                Effect::PageCatchAll { output, .. } => {
                    format!("catch-all{}", output.map(|o| format!(" output {o}")).unwrap_or_default())
                }
                Effect::ResolveNotice(notice) => format!("notice {}", self.notice(&notice)),
                Effect::AckNotice(notice) => format!("ack-notice {}", self.notice(&notice)),
                Effect::CancelPages { generation } => format!("cancel {generation}"),
                Effect::ResolveAlerts { alerts } => {
                    let names: Vec<_> = alerts.iter().map(|a| self.names[&a.0].as_str()).collect();
                    format!("alerts closed {}", names.join(","))
                }
                Effect::ReopenAlerts { alerts } => {
                    let names: Vec<_> = alerts.iter().map(|a| self.names[&a.0].as_str()).collect();
                    format!("alerts reopened {}", names.join(","))
                }
                Effect::Timeline(e) => format!("line {} {}", e.kind.as_str(), e.text),
            };
            self.seen.push((self.now, text));
        }
    }

    /// `of 2` where it is not about the incident that tells.
    fn notice(&self, notice: &Notice) -> String {
        let number = (1..=9).find(|number| incident_id(*number) == notice.incident).expect("a known one");
        let own = self.incident.as_ref().is_some_and(|incident| incident.id == notice.incident);
        let of = if own { String::new() } else { format!("of {number} ") };
        let all = if notice.catch_all { " catch-all" } else { "" };
        format!("{of}{}{all}", self.targets(&notice.targets))
    }

    fn targets(&self, targets: &[Target]) -> String {
        let name = |t: &Target| match t {
            Target::User(id) => self.names[&id.0].clone(),
            other => format!("{other:?}"),
        };
        let mut names: Vec<_> = targets.iter().map(name).collect();
        names.sort();
        names.join(",")
    }
}

fn incident_id(number: i64) -> IncidentId {
    IncidentId(Id::from_digest(format!("incident {number}").as_bytes()))
}

#[test]
fn run_states_are_spelled_as_stored() {
    for state in [
        RunState::Started,
        RunState::Fixed,
        RunState::NotFixed,
        RunState::Lost,
        RunState::Refused,
        RunState::HeldBack,
    ] {
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}
