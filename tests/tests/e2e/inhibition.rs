//! Inhibitions from outside: a Prometheus that tells of a cause and of what follows, a hub that dies in between.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(20);
const JSON: &str = "application/json";
const ALERTS: &str = "/alertmanager/api/v2/alerts";

/// As Prometheus posts them.
fn post(sender: &Api, alerts: &[(&str, &str)]) {
    let body: Vec<Value> = alerts
        .iter()
        .map(|(name, site)| json!({"labels": {"alertname": name, "site": site, "severity": "error"}, "annotations": {"summary": format!("{name} at {site}")}}))
        .collect();
    let answer = sender.raw("POST", ALERTS, JSON, Value::from(body).to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn end(sender: &Api, name: &str, site: &str) {
    let over = json!([{"labels": {"alertname": name, "site": site, "severity": "error"}, "endsAt": "2020-01-01T00:00:00Z"}]);
    assert_eq!(sender.raw("POST", ALERTS, JSON, over.to_string().as_bytes()).unwrap().status, 200);
}

/// What was paged for so far.
fn paged(sink: &Sink) -> Vec<String> {
    let pages = sink.calls().into_iter().filter(|call| call.event() == "incident.triggered");
    let mut titles: Vec<String> = pages.map(|call| text(&call.body["incident"]["title"])).collect();
    titles.sort();
    titles
}

#[test]
fn what_is_inhibited_pages_nobody_from_the_first_moment_of_a_restarted_hub() {
    let mut hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let made = api.post("/integrations", &json!({"name": "prom", "kind": "alertmanager"}));
    let sender = api.with_token(Some(&text(&made["key"])));
    api.post(
        "/inhibitions",
        &json!({"name": "cut off", "source": "alertname=\"CutOff\"", "target": "alertname!=\"CutOff\"", "equal": ["site"]}),
    );
    // The cause is last in the call, and the first to be taken.
    post(&sender, &[("Disk", "north"), ("CutOff", "north")]);
    let cause = sink.wait(SOON, "of the cause", |call| call.event() == "incident.triggered").incident();
    // A hub that dies before it has recorded the answer tells it once more, as it must.
    wait::until(SOON, "the page to be recorded", || {
        let timeline = api.list(&format!("/incidents/{cause}/timeline"));
        timeline.iter().any(|entry| entry["kind"] == "delivered").then_some(())
    });

    hub.kill();
    hub.restart();
    post(&sender, &[("Memory", "north")]);
    post(&sender, &[("Disk", "north"), ("CutOff", "north"), ("Disk", "south")]);
    sink.wait(SOON, "of what is elsewhere", |call| call.body["incident"]["title"] == "Disk at south");
    // What would come now comes within the clockwork's half second.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(paged(&sink), ["CutOff at north", "Disk at south"]);
    let words = format!("inhibited by the alert \"CutOff\" of incident {cause}");
    let quiet: Vec<Value> =
        api.list("/incidents").into_iter().filter(|one| !one["suppressed_by"].is_null()).collect();
    assert_eq!(quiet.len(), 2);
    for incident in &quiet {
        let timeline = api.list(&format!("/incidents/{}/timeline", incident["number"]));
        let said = timeline.iter().any(|entry| text(&entry["text"]).contains(&words));
        assert!(said && text(&incident["suppressed_by"]).contains(&words), "{incident} {timeline:?}");
    }
    shown_to_clients_of_alertmanager(&api);

    end(&sender, "CutOff", "north");
    wait::until(SOON, "the pages of what is still wrong", || (paged(&sink).len() == 4).then_some(()));
    assert_eq!(paged(&sink), ["CutOff at north", "Disk at north", "Disk at south", "Memory at north"]);
}

fn shown_to_clients_of_alertmanager(api: &Api) {
    let all = api.call("GET", ALERTS, None).body;
    let find = |name: &str, site: &str| {
        let alerts = all.as_array().expect("it is a list");
        let one =
            alerts.iter().find(|one| one["labels"]["alertname"] == name && one["labels"]["site"] == site);
        one.unwrap_or_else(|| panic!("{name} at {site} is not in {all}"))
    };
    let cause = find("CutOff", "north");
    assert_eq!((&cause["status"]["state"], &cause["status"]["inhibitedBy"]), (&json!("active"), &json!([])));
    let follows = &find("Disk", "north")["status"];
    assert_eq!(follows["state"], "suppressed");
    assert_eq!(follows["inhibitedBy"], json!([cause["fingerprint"]]));
    assert_eq!(follows["silencedBy"], json!([]));
    let count =
        |query: &str| api.call("GET", &format!("{ALERTS}?{query}"), None).body.as_array().map_or(0, Vec::len);
    assert_eq!((count("inhibited=false"), count("active=false"), count("silenced=false")), (2, 2, 4));
}
