//! kill -9 of everything that has a part in an execution, at each step of its life: nothing runs twice, and nothing stays open.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchtower_testkit::hosts::Signal;
use watchtower_testkit::wait;
use watchtower_tests::managed::Managed;
use watchtower_tests::paging::text;
use watchtower_tests::random::Random;

const ROUNDS: usize = 8;
const ROUNDS_SOAK: usize = 100;
/// Executions of a round: one less than run at once, because a step that was missed needs another.
const AT_ONCE: usize = 3;
const SOON: Duration = Duration::from_secs(30);
/// A step passes quickly and may be missed: another execution is started then.
const PASSES: Duration = Duration::from_secs(3);
const TRIES: usize = 20;
/// A little longer than a script takes: where a round does not aim, it dies at any moment of this.
const LIFE_MS: usize = 900;
/// A line in the file of its own id for each start.
const SCRIPT: &str = "echo x >> /run/starts/$WATCHTOWER_EXECUTION_ID; echo begin; sleep 0.4; echo end";
const STATE: &str = "/var/lib/watchtower-executor";

const COLLECTOR: &str = "watchtower-agent run";
const EXECUTOR: &str = "watchtower-agent execute";
const SUPERVISOR: &str = "watchtower-agent supervise";
const HUB: &str = "hub";
const VICTIMS: [&str; 4] = [COLLECTOR, EXECUTOR, SUPERVISOR, HUB];

/// The steps of an execution's life, as its server's disk tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The server has the command, its journal does not.
    Received,
    Journaled,
    /// The supervisor has begun; its script has not.
    Started,
    Running,
    /// The end is on the disk, and nobody was told.
    Ended,
    /// The hub has the end.
    Reported,
}

const STEPS: [Step; 6] =
    [Step::Received, Step::Journaled, Step::Started, Step::Running, Step::Ended, Step::Reported];

struct Play {
    managed: Managed,
    random: Random,
    runs: Vec<i64>,
    reached: BTreeMap<Step, usize>,
    deaths: BTreeMap<&'static str, usize>,
}

#[test]
fn killed_at_every_step_nothing_runs_twice_or_stays_open() {
    let Some(managed) = Managed::start("full") else { return };
    managed.host.must("mkdir /run/starts");
    let random = Random::of_test("kill9");
    let mut play = Play { managed, random, runs: vec![], reached: BTreeMap::new(), deaths: BTreeMap::new() };
    let rounds = if std::env::var_os("SOAK").is_some() { ROUNDS_SOAK } else { ROUNDS };
    (0..rounds).for_each(|round| play.round(round));
    eprintln!("{rounds} rounds: killed at {:?}, deaths {:?}", play.reached, play.deaths);
    assert!(STEPS.iter().all(|step| play.reached.contains_key(step)), "a step was never reached");
    assert!(VICTIMS.iter().all(|victim| play.deaths.contains_key(victim)), "somebody never died");
    play.settle();
}

impl Play {
    fn round(&mut self, round: usize) {
        let before = self.runs.len();
        let aimed = (round / STEPS.len()).is_multiple_of(2);
        for _ in 1..AT_ONCE {
            self.exec();
        }
        if aimed {
            let step = STEPS[round % STEPS.len()];
            self.reach(step);
            *self.reached.entry(step).or_default() += 1;
        } else {
            self.exec();
            std::thread::sleep(Duration::from_millis(self.random.below(LIFE_MS) as u64));
        }
        let victims: Vec<&str> = VICTIMS
            .into_iter()
            .enumerate()
            .filter(|(i, _)| *i == round % VICTIMS.len() || self.random.below(4) == 0)
            .map(|(_, victim)| victim)
            .collect();
        self.kill(&victims);
        // What has no supervisor yet takes the place of others.
        for run in &self.runs[before..] {
            self.managed.ended(*run);
        }
    }

    fn exec(&mut self) -> i64 {
        let run = self.managed.exec(SCRIPT, 30);
        self.runs.push(run);
        run
    }

    /// Starts executions until one is seen at this step.
    fn reach(&mut self, step: Step) {
        for _ in 0..TRIES {
            if step == Step::Received {
                // What stands still takes nothing in: the command stays where it arrived.
                let held = self.managed.host.signal(EXECUTOR, Signal::STOP);
                let _ = held > 0 || self.managed.host.signal(COLLECTOR, Signal::STOP) > 0;
            }
            let run = self.exec();
            let began = Instant::now();
            while began.elapsed() < PASSES {
                if self.is_at(run, step) {
                    return;
                }
            }
        }
        panic!("no execution was seen as {step:?}");
    }

    fn is_at(&self, run: i64, step: Step) -> bool {
        match step {
            Step::Received => self.managed.execution(run)["state"] == "dispatched",
            Step::Reported => !self.managed.execution(run)["finished_at"].is_null(),
            // Held back from the end on, until it has died or goes on.
            Step::Ended if self.any_at(Step::Running) => self.held_at_end(),
            Step::Ended => false,
            step => self.any_at(step),
        }
    }

    /// `false` when all were told of before the executor stood still.
    fn held_at_end(&self) -> bool {
        self.managed.host.signal(EXECUTOR, Signal::STOP);
        let held = wait::until(SOON, "the end on the disk", || {
            let running = self.any_at(Step::Running);
            (self.any_at(Step::Ended) || !running).then(|| self.any_at(Step::Ended))
        });
        if !held {
            self.managed.host.signal(EXECUTOR, Signal::CONT);
        }
        held
    }

    fn any_at(&self, step: Step) -> bool {
        let state = self.managed.host.inside(STATE);
        let records = fs::read_dir(state.join("executions")).into_iter().flatten().flatten();
        let mut records = records.map(|entry| entry.path());
        records.any(|record| step_of(&record, &state) == Some(step))
    }

    fn kill(&mut self, victims: &[&'static str]) {
        for victim in victims {
            let dead = if *victim == HUB {
                self.managed.hub.kill();
                1
            } else {
                self.managed.host.signal(victim, Signal::KILL)
            };
            if dead > 0 {
                *self.deaths.entry(victim).or_default() += dead;
            }
        }
        for held in [EXECUTOR, COLLECTOR] {
            self.managed.host.signal(held, Signal::CONT);
        }
        std::thread::sleep(Duration::from_millis(self.random.below(300) as u64));
        if victims.contains(&HUB) {
            self.managed.hub.restart();
        }
        if victims.contains(&COLLECTOR) {
            // By itself it would be back after five seconds.
            self.managed.host.must("systemctl restart watchtower-agent");
        }
    }

    /// Everything ends, and what is told of it is what happened.
    fn settle(&self) {
        let ends: Vec<Value> = self.runs.iter().map(|run| self.managed.ended(*run)).collect();
        // Whatever would begin after its end has the time for it.
        std::thread::sleep(Duration::from_secs(2));
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (run, execution) in self.runs.iter().zip(&ends) {
            let state = self.check(*run, execution);
            *counts.entry(state).or_default() += 1;
        }
        eprintln!("{} executions: {counts:?}", ends.len());
        // Whose supervisor died is lost, in any round; not everybody's.
        assert!(counts.get("succeeded").is_some_and(|n| n * 8 >= ends.len()), "{counts:?}");
        wait::until(SOON, "no unit to be left", || self.managed.units().is_empty().then_some(()));
        wait::until(SOON, "no record to be left", || {
            let find = format!("cd {STATE} && find executions scripts -mindepth 1");
            self.managed.host.must(&find).is_empty().then_some(())
        });
    }

    fn check(&self, run: i64, execution: &Value) -> String {
        let (id, state) = (text(&execution["id"]), text(&execution["state"]));
        let file: PathBuf = self.managed.host.inside(&format!("/run/starts/{id}"));
        let starts = fs::read_to_string(file).map_or(0, |text| text.lines().count());
        let may = match state.as_str() {
            "succeeded" => 1..=1,
            "failed" | "lost" => 0..=1,
            // It says that it did not run.
            "rejected" => 0..=0,
            _ => panic!("an end that nothing here leads to: {execution}"),
        };
        assert!(may.contains(&starts), "started {starts} times: {execution}");
        if state == "succeeded" {
            wait::until(SOON, "all of the output", || {
                (self.managed.output(run) == "begin\nend\n").then_some(())
            });
        }
        state
    }
}

/// Where an execution with a record stands.
fn step_of(record: &Path, state: &Path) -> Option<Step> {
    let has = |name: &str| record.join(name).exists();
    // Without it the record is just being removed.
    let end = fs::read(record.join("end")).ok()?;
    if end.first().is_some_and(|byte| *byte != 0) {
        Some(Step::Ended)
    } else if has("pid") {
        Some(Step::Running)
    } else if has("begun") {
        Some(Step::Started)
    } else {
        let journal = fs::read(state.join("journal")).unwrap_or_default();
        let id = record.file_name()?.to_str()?;
        String::from_utf8_lossy(&journal).contains(id).then_some(Step::Journaled)
    }
}
