//! Whose right counts when work starts by itself: a leaver's own automations stop, those of a team go on.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);
/// A cron trigger fires at most each minute.
const MINUTE: Duration = Duration::from_secs(75);
const PASSWORD: &str = "correct horse battery";

#[test]
fn a_leavers_automations_stop_and_a_teams_go_on() {
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    wait::until(SOON, "the first report", || (api.get("/servers/here")["status"] == "up").then_some(()));
    // Somebody has to stay an administrator.
    api.post("/users", &json!({"name": "eve", "password": PASSWORD, "role": "admin"}));
    let ada = api.post("/users", &json!({"name": "ada", "password": PASSWORD, "role": "admin"}));
    let team =
        json!({"name": "payments", "members": [ada["id"]], "role": "operator", "servers": "name=here"});
    let team = text(&api.post("/teams", &team)["id"]);
    let signed_in = api.signed_in("ada", PASSWORD);
    let marks = hub.data_dir().join("marks");
    std::fs::create_dir(&marks).unwrap();
    for (name, team) in [("own", Value::Null), ("teams", json!("payments"))] {
        automate(&signed_in, name, &team, &marks);
    }
    let disabled = json!({"disabled": true});
    assert_eq!(
        api.status("PATCH", &format!("/api/v1/users/{}", text(&ada["id"])), Some(&disabled)),
        Some(200)
    );
    let event = json!({"kind": "custom.broken", "message": "broken", "severity": "error", "server": "here"});
    api.post("/events", &event);

    let marked = |name: &str| marks.join(name).exists().then_some(());
    wait::until(SOON, "the team's repair", || marked("teams-on-alert"));
    wait::until(MINUTE, "the team's firing", || marked("teams-by-clock"));
    let refused = wait::until(SOON, "the refusal on the alert", || newest(&api, "own-on-alert", "attempts"));
    assert_eq!(refused["state"], "blocked", "{refused}");
    let refused =
        [refused, wait::until(MINUTE, "the one by the clock", || newest(&api, "own-by-clock", "firings"))];
    assert_eq!(refused[1]["state"], "skipped", "{}", refused[1]);
    for refusal in refused {
        assert!(text(&refusal["reason"]).contains("ada may not act here any more"), "{refusal}");
    }
    let told = api.list("/events?kind=automation.refused");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(marked("own-on-alert").is_none() && marked("own-by-clock").is_none());
    // The team goes, and its work with it, in the open.
    assert_eq!(api.status("DELETE", &format!("/api/v1/teams/{team}"), None), Some(204));
    let fired = api.call("GET", "/api/v1/automations/teams-by-clock", None);
    assert_eq!(fired.body["stands_for"], "A team that was deleted");
    let skipped = wait::until(MINUTE, "the refusal without the team", || {
        newest(&api, "teams-by-clock", "firings").filter(|firing| firing["state"] == "skipped")
    });
    assert_eq!(skipped["reason"], "the team that it acts as was deleted");
}

/// One automation on alerts and one each minute, that leave a mark.
fn automate(by: &Api, name: &str, team: &Value, marks: &Path) {
    let rule = json!({
        "name": format!("{name} broken"), "severity": "error", "kind": "event", "event_kind": "custom.broken",
    });
    let rule = by.post("/rules", &rule);
    for (when, trigger, on) in [
        ("on-alert", json!({"rule_id": rule["id"]}), Value::Null),
        ("by-clock", json!({"cron": "* * * * *", "overlap": "allow"}), json!("name=here")),
    ] {
        let name = format!("{name}-{when}");
        let body = format!("touch {}\n", marks.join(&name).display());
        by.post("/scripts", &json!({"name": name, "body": body}));
        let automation = json!({
            "name": name, "mode": "auto", "script": name, "trigger": trigger, "on": on, "team": team,
        });
        by.post("/automations", &automation);
    }
}

/// What became of it last, once something has.
fn newest(api: &Api, automation: &str, list: &str) -> Option<Value> {
    api.get(&format!("/automations/{automation}"))[list].as_array()?.first().cloned()
}
