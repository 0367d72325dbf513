//! A disk that fills: people are told, samples are refused before anything else suffers, nothing acknowledged is lost, and all goes on when
//! there is space again.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::page_to;
use watchtower_tests::sink::Sink;
use watchtower_tests::writer::Writer;

use crate::crash::every_acked_sample_is_there;

const MEGABYTES: u32 = 160;
const AGENTS: usize = 5;
const SERIES: usize = 20;
const SOON: Duration = Duration::from_secs(40);

struct Scene {
    hub: Hub,
    api: Api,
    sink: Sink,
    fleet: Fleet,
    writer: Writer,
}

impl Scene {
    fn new(disk_guard: &str) -> Option<Scene> {
        let setup = Setup { disk_guard: disk_guard.into(), ..Setup::default() };
        let hub = Hub::on_small_disk(setup, MEGABYTES)?;
        let (api, sink) = (hub.api(), Sink::start());
        page_to(&api, &sink);
        let pace = Pace { every: Duration::from_millis(500), more_series: 10 };
        let fleet = Fleet::start(&api, &hub.agent_address(), "disk", AGENTS, pace);
        let writer = Writer::start(api.clone(), SERIES);
        let scene = Scene { hub, api, sink, fleet, writer };
        scene.is_taken();
        Some(scene)
    }

    fn acked(&self) -> (usize, usize) {
        (self.fleet.agents.iter().map(|a| a.shared.acked().len()).sum(), self.writer.acked_samples())
    }

    /// Reports of every agent and writes go through.
    fn is_taken(&self) {
        let before: Vec<usize> = self.fleet.agents.iter().map(|a| a.shared.acked().len()).collect();
        let written = self.writer.acked_samples();
        wait::until(SOON, "reports and writes to be taken", || {
            let mut pairs = self.fleet.agents.iter().zip(&before);
            (pairs.all(|(a, before)| a.shared.acked().len() > *before)
                && self.writer.acked_samples() > written)
                .then_some(())
        });
    }

    fn is_refused(&self) {
        let refused = self.writer.refusals().len();
        let answer =
            wait::until(SOON, "writes to be refused", || self.writer.refusals().get(refused).cloned());
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
    }

    /// An incident is stored and its page delivered.
    fn a_page_gets_out(&self, title: &str) {
        wait::until(SOON, "the incident to be stored", || {
            let body = json!({"title": title, "severity": "error"});
            let status = self.api.status("POST", "/api/v1/incidents", Some(&body))?;
            (200..300).contains(&status).then_some(())
        });
        self.sink.wait(SOON, "of the incident", |call| {
            call.event() == "incident.triggered" && call.body["incident"]["title"] == title
        });
    }

    fn kinds(&self) -> Vec<Value> {
        self.api.list("/events?limit=500").iter().map(|event| event["kind"].clone()).collect()
    }

    /// Everything that was acknowledged is there, also for the next hub.
    fn end(mut self) {
        self.is_taken();
        self.writer.stop();
        self.fleet.stop();
        self.writer.check(&self.api);
        every_acked_sample_is_there(&self.api, &self.fleet);
        self.hub.kill();
        self.hub.restart();
        self.writer.check(&self.api);
        every_acked_sample_is_there(&self.api, &self.fleet);
    }
}

#[test]
fn the_guard_pages_then_refuses_samples_then_recovers() {
    let Some(scene) = Scene::new("page=80,logs=85,metrics=90") else { return };
    scene.hub.disk().fill(82.0);
    let page = scene.sink.wait(SOON, "of the filling disk", |call| call.event() == "incident.triggered");
    assert!(page.body.to_string().contains("disk"), "{}", page.body);
    scene.is_taken();

    scene.hub.disk().fill(92.0);
    scene.is_refused();
    let status = scene.api.get("/status");
    assert!(status["problems"].to_string().contains("samples are refused"), "{status}");
    std::thread::sleep(Duration::from_secs(1));
    let before = scene.acked();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(scene.acked(), before, "nothing is acknowledged that is not stored");
    scene.a_page_gets_out("while samples are refused");

    scene.hub.disk().fill(100.0);
    scene.a_page_gets_out("while nothing fits");
    assert!(
        !scene.kinds().contains(&json!("server.lost")),
        "a server is not lost because the hub's disk is full"
    );

    scene.hub.disk().empty();
    scene.sink.wait(SOON, "of the end", |call| {
        call.event() == "incident.resolved" && call.incident() == page.incident()
    });
    assert!(scene.kinds().contains(&json!("hub.disk_ok")));
    scene.end();
}

/// Without the guard in between: the log itself meets the end of the disk.
#[test]
fn a_log_that_cannot_be_written_acknowledges_nothing() {
    let Some(scene) = Scene::new("page=100,logs=100,metrics=100") else { return };
    for _ in 0..2 {
        // The second time there is no reserve any more.
        scene.hub.disk().fill(100.0);
        std::thread::sleep(Duration::from_secs(3));
    }
    scene.is_refused();
    let before = scene.acked();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(scene.acked(), before);
    scene.hub.disk().empty();
    scene.end();
}
