//! A service fails on a real host: incident, signed page, repair, verification, resolved. And repairs that do not help.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::{Host, Network};
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::redis::Redis;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::{Received, Sink};

const SOON: Duration = Duration::from_secs(30);
/// A repair gets two minutes to show in the samples.
const VERIFIED: Duration = Duration::from_secs(150);
/// From the report that shows the trouble to the message.
const PAGE_MS_MAX: i64 = 2_000;

/// A service that does nothing, well.
const UNIT: &str = "[Unit]\nDescription=demo\n\n[Service]\nExecStart=/bin/sleep infinity\nRestart=no\n";

struct Scene {
    hub: Hub,
    api: Api,
    sink: Sink,
    host: Host,
}

#[test]
fn a_failed_service_is_repaired_on_sqlite() {
    let Some(network) = Network::start() else { return };
    let setup = Setup { agent_host: network.gateway(), ..Setup::default() };
    play(&network, setup);
}

#[test]
fn a_failed_service_is_repaired_on_postgresql_and_redis() {
    let Some(network) = Network::start() else { return };
    let (Some(postgres), Some(redis)) = (Postgres::start(), Redis::start()) else { return };
    let setup = Setup {
        agent_host: network.gateway(),
        database_url: Some(postgres.database()),
        redis_url: Some(redis.url()),
        ..Setup::default()
    };
    play(&network, setup);
}

fn play(network: &Arc<Network>, setup: Setup) {
    let scene = enrolled(network, setup);
    repaired(&scene);
    fails(&scene);
    helps_not(&scene);
    assert_eq!(scene.sink.calls().iter().filter(|call| !call.signature_valid).count(), 0, "a bad signature");
    let mut scene = scene;
    assert_eq!(scene.hub.stop(), Some(0), "SIGTERM drains and exits with 0");
}

/// A hub, and a host enrolled by the line that the hub gave.
fn enrolled(network: &Arc<Network>, setup: Setup) -> Scene {
    let hub = Hub::start(setup);
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let host = network.host(1);
    let server = api.post("/servers", &json!({"name": host.name, "labels": {"env": "a"}}));
    let enrolment = api.post(&format!("/servers/{}/enrolment", text(&server["id"])), &json!({}));
    for unit in ["demo-a", "demo-b", "demo-c"] {
        host.put(&format!("/etc/systemd/system/{unit}.service"), UNIT, 0o644);
    }
    host.must("systemctl daemon-reload && systemctl start demo-a demo-b demo-c");
    host.must(&text(&enrolment["command"]));
    wait::until(SOON, "the first report", || {
        let server = api.get(&format!("/servers/{}", host.name));
        (server["status"] == "up" && !server["facts"].is_null()).then_some(())
    });
    for unit in ["demo-a", "demo-b", "demo-c"] {
        let query = format!("node_systemd_unit_state{{name=\"{unit}.service\",state=\"active\"}} == 1");
        wait::until(SOON, "the unit's state", || (!api.promql(&query).is_empty()).then_some(()));
    }
    // The shell behind the pipe ends well; what it was given says why nothing was installed.
    let again = host.run(&text(&enrolment["command"]));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("410") && !said.contains("enrolling"), "a used installer: {said}");
    Scene { hub, api, sink, host }
}

/// A script, a rule on the unit's state, and an automation between them.
fn automate(scene: &Scene, unit: &str, body: &str, metric_rule: bool) {
    let Scene { api, .. } = scene;
    let script =
        api.post("/scripts", &json!({"name": format!("repair {unit}"), "body": body, "timeout_seconds": 20}));
    let mut rule = json!({"name": format!("{unit} failed"), "severity": "critical", "paging": true});
    if metric_rule {
        rule["kind"] = json!("metric");
        rule["expr"] =
            json!(format!("node_systemd_unit_state{{name=\"{unit}.service\",state=\"failed\"}} == 1"));
    } else {
        rule["kind"] = json!("event");
        rule["event_kind"] = json!("unit.failed");
        rule["resolve_kind"] = json!("unit.recovered");
        rule["event_matchers"] = json!(format!("unit=\"{unit}.service\""));
    }
    let rule = api.post("/rules", &rule);
    let automation = json!({
        "name": format!("automation {unit}"), "mode": "auto", "script": text(&script["id"]),
        "trigger": {"rule_id": rule["id"]}, "cooldown_seconds": 0,
    });
    api.post("/automations", &automation);
}

/// Kills the unit's process and waits for the page: the incident's number.
fn break_unit(scene: &Scene, unit: &str) -> Received {
    let before = scene.sink.calls().len();
    scene.host.must(&format!("systemctl kill -s KILL {unit}"));
    let call = wait::until(SOON, "the page", || {
        scene.sink.calls().into_iter().skip(before).find(|call| call.event() == "incident.triggered")
    });
    assert!(call.signature_valid, "the page's signature is not valid");
    assert_eq!(call.body["incident"]["server"], json!(scene.host.name));
    call
}

fn repaired(scene: &Scene) {
    automate(scene, "demo-a", "#!/bin/sh\necho restarting >&2\nsystemctl restart demo-a\n", true);
    let page = break_unit(scene, "demo-a");
    let number = page.incident();
    let seen_ms = first_failed_sample_ms(&scene.api, "demo-a");
    assert!(
        page.at_ms - seen_ms <= PAGE_MS_MAX,
        "the page came {} ms after the report",
        page.at_ms - seen_ms
    );

    let resolved = scene.sink.wait(SOON, "of the resolution", |call| {
        call.event() == "incident.resolved" && call.incident() == number
    });
    assert!(resolved.signature_valid);
    scene.host.must("systemctl is-active demo-a");
    // The samples that end the alert and those that prove the repair are the same; either may be told first.
    let incident = wait::until(SOON, "the repair to be verified", || {
        let incident = scene.api.get(&format!("/incidents/{number}"));
        (incident["repair"] == "fixed").then_some(incident)
    });
    assert_eq!(incident["state"], "resolved");
    let timeline = scene.api.list(&format!("/incidents/{number}/timeline"));
    let kinds: Vec<String> = timeline.iter().map(|entry| text(&entry["kind"])).collect();
    let order = |kind: &str| kinds.iter().position(|k| k == kind);
    let steps = ["opened", "paged", "delivered", "run", "alert_resolved", "resolved"].map(order);
    assert!(steps.iter().all(Option::is_some) && order("run") < order("resolved"), "{timeline:#?}");
    let repair: Vec<&Value> = timeline.iter().filter(|entry| entry["kind"] == "run").collect();
    assert!(repair.len() >= 2 && repair.iter().all(|entry| !entry["run_id"].is_null()), "{timeline:#?}");
    let runs = scene.api.list(&format!("/runs?incident={number}"));
    assert_eq!((runs.len(), &runs[0]["state"]), (1, &json!("succeeded")));
}

/// The script ends well and changes nothing: verification tells.
fn helps_not(scene: &Scene) {
    automate(scene, "demo-b", "#!/bin/sh\necho nothing to see here\n", true);
    let number = break_unit(scene, "demo-b").incident();
    escalated_with(scene, number, "nothing to see here", "not_fixed");
}

/// The script fails: escalated at once.
fn fails(scene: &Scene) {
    automate(scene, "demo-c", "#!/bin/sh\necho cannot be mended\nexit 1\n", false);
    let number = break_unit(scene, "demo-c").incident();
    escalated_with(scene, number, "cannot be mended", "failed");
}

/// A second message with the script's output, to the next step of the policy.
fn escalated_with(scene: &Scene, number: i64, output: &str, repair: &str) {
    let call = scene.sink.wait(VERIFIED, "of the escalation, with the output", |call| {
        call.incident() == number && call.body["output"].as_str().is_some_and(|text| text.contains(output))
    });
    assert!(call.signature_valid && call.event() == "incident.triggered", "{:?}", call.body);
    let incident = scene.api.get(&format!("/incidents/{number}"));
    assert_eq!(
        (&incident["state"], &incident["repair"]),
        (&json!("triggered"), &json!(repair)),
        "{incident}"
    );
    let timeline = scene.api.list(&format!("/incidents/{number}/timeline"));
    let escalated =
        |entry: &&Value| entry["kind"] == "paged" && text(&entry["text"]).contains("the repair did not help");
    assert_eq!(timeline.iter().filter(escalated).count(), 1, "{timeline:#?}");
    assert!(
        timeline.iter().any(|entry| entry["detail"].as_str().is_some_and(|d| d.contains(output))),
        "{timeline:#?}"
    );
    scene.api.post(&format!("/incidents/{number}/ack"), &json!({}));
    assert_eq!(scene.api.get(&format!("/incidents/{number}"))["state"], "acknowledged");
}

/// When the report was collected that first showed the unit as failed.
fn first_failed_sample_ms(api: &Api, unit: &str) -> i64 {
    let series =
        api.promql(&format!("node_systemd_unit_state{{name=\"{unit}.service\",state=\"failed\"}}[5m]"));
    let values = series[0]["values"].as_array().cloned().unwrap_or_default();
    let first = values.iter().find(|pair| pair[1] == "1").expect("a sample shows the failure");
    (first[0].as_f64().unwrap_or(0.0) * 1000.0) as i64
}
