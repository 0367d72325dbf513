//! kill -9 of the hub at random moments under load of both kinds of senders, while chunks are flushed and merged: what was acknowledged is
//! there afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::random::Random;
use watchtower_tests::writer::Writer;

use crate::crash::every_acked_sample_is_there;

const AGENTS: usize = 10;
const SERIES: usize = 60;
const ROUNDS: usize = 4;
const ROUNDS_SOAK: usize = 50;
const SOON: Duration = Duration::from_secs(60);

/// Asks for merges without end; how many were done.
struct Merger {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Merger {
    fn start(api: Api) -> Merger {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let merger = Merger { stop: Arc::clone(&stop), done: Arc::clone(&done) };
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let answer = api.status("POST", "/api/v1/metrics/merge", Some(&json!({})));
                done.fetch_add(usize::from(answer == Some(200)), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        merger
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_acknowledged_sample_is_lost_while_chunks_are_merged() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    let pace = Pace { every: Duration::from_millis(250), more_series: 20 };
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "crash", AGENTS, pace);
    let mut writer = Writer::start(api.clone(), SERIES);
    let merger = Merger::start(api.clone());
    let mut random = Random::of_test("crash_metrics");
    let rounds = if std::env::var("SOAK").is_ok() { ROUNDS_SOAK } else { ROUNDS };
    for round in 0..rounds {
        let before = writer.acked_samples();
        wait::until(SOON, "writes to be taken", || (writer.acked_samples() > before).then_some(()));
        let moment = 100 + random.below(2_400) as u64;
        eprintln!("round {round}: the hub dies after {moment} ms");
        std::thread::sleep(Duration::from_millis(moment));
        hub.kill();
        let began = Instant::now();
        hub.restart();
        eprintln!("  ready again after {} ms", began.elapsed().as_millis());
    }
    std::thread::sleep(Duration::from_secs(2));
    writer.stop();
    fleet.stop();
    assert!(merger.done.load(Ordering::Relaxed) > rounds, "merges were done all the while");
    drop(merger);
    writer.check(&api);
    every_acked_sample_is_there(&api, &fleet);
    // The same from blocks alone.
    while api.post("/metrics/merge", &json!({}))["done"] != true {}
    writer.check(&api);
    every_acked_sample_is_there(&api, &fleet);
    eprintln!("{} samples written and acknowledged, all there", writer.acked_samples());
}
