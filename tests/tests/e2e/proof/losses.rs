//! A rack that falls silent: sixty of two hundred servers, one incident, one page that says what they have in common.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::agents::{Fleet, Pace};
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SERVERS: usize = 200;
/// Just as many as the hub still takes for lost rather than for itself being cut off.
const LOST: usize = 60;
const PACE: Pace = Pace { every: Duration::from_secs(2), more_series: 5 };
const TIMING: &str = "interval=2s,lost_grace=2s,evaluate=2s";
const SOON: Duration = Duration::from_secs(60);

#[test]
fn sixty_servers_lost_at_once_are_one_incident_and_one_page() {
    lose(Duration::ZERO);
}

/// The page of the first leaves while the others wait for the rule's delay: it names what explains all of them.
#[test]
fn the_first_of_sixty_to_fall_is_told_of_with_the_others() {
    // The middle of the delay: who is lost is seen up to a report and a look later.
    let said = lose(Duration::from_secs(3));
    assert!(said.contains("59 more wait"), "{said}");
}

/// `before`: how much earlier the first of them falls silent. What the page says.
fn lose(before: Duration) -> String {
    let hub = Hub::start(Setup { timing: TIMING.into(), ..Setup::default() });
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let lost = json!({
        "name": "lost", "kind": "event", "event_kind": "server.lost", "resolve_kind": "server.recovered",
        "severity": "critical", "for_seconds": 6, "paging": true,
    });
    api.post("/rules", &lost);
    let mut fleet = Fleet::start(&api, &hub.agent_address(), "rack", SERVERS, PACE);
    for agent in &fleet.agents[..LOST] {
        let path = format!("/api/v1/servers/{}", agent.name);
        assert_eq!(api.call("PATCH", &path, Some(&json!({"labels": {"rack": "r7"}}))).status, 200);
    }
    wait::until(SOON, "all to be up", || {
        api.list("/servers?limit=500").iter().all(|server| server["status"] == "up").then_some(())
    });

    fleet.agents[0].shared.silent.store(true, Ordering::Relaxed);
    std::thread::sleep(before);
    fleet.agents[..LOST].iter().for_each(|agent| agent.shared.silent.store(true, Ordering::Relaxed));
    let call = sink.wait(SOON, "of the loss", |call| call.event() == "incident.triggered");
    let said = call.body.to_string();
    let all = |count: usize| {
        let incidents = api.list("/incidents");
        (incidents.len() == 1 && incidents[0]["alert_count"] == count).then_some(incidents[0].clone())
    };
    let incident = wait::until(SOON, "all to be in one incident", || all(LOST));
    assert!(said.contains(r#"have rack=\"r7\", which "#), "the page does not say what explains it: {said}");
    let told = said.split("all ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    assert!(told == Some(LOST) || said.contains("more wait"), "nor how many are still to come: {said}");
    let incident = api.get(&format!("/incidents/{}", incident["number"]));
    assert!(text(&incident["in_common"]).contains("no other server has"), "{}", incident["in_common"]);
    assert!(api.list("/events?kind=hub.cut_off").is_empty());

    fleet.agents.iter().for_each(|agent| agent.shared.silent.store(false, Ordering::Relaxed));
    wait::until(SOON, "the end of it", || (api.list("/incidents")[0]["state"] == "resolved").then_some(()));
    let pages = sink.calls().iter().filter(|call| call.event() == "incident.triggered").count();
    assert_eq!((pages, api.list("/incidents").len()), (1, 1));
    fleet.stop();
    said
}
