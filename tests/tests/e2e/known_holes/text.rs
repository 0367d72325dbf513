//! Text from outside that reached a shell or a query language.

use std::time::Duration;

use serde_json::json;
use watchtower_api_types::endpoints::{ENDPOINTS, Method};
use watchtower_testkit::wait;
use watchtower_tests::api::encode;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);

/// ZBX-4529 (Zabbix), netdata#3269, CVE-2023-22496 (Netdata): values of an alert, or a host's own words, reached `sh -c`.
#[test]
fn an_alerts_text_reaches_a_script_as_text() {
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    let mark = hub.folder().join("mark");
    let bad =
        format!("$(touch {0}) `touch {0}`; touch {0} | touch {0} '\" && touch {0} %s\\n", mark.display());
    let body = "printf '%s\\n' \"$WATCHTOWER_ALERT\" \"$WATCHTOWER_LABEL_UNIT\"\n";
    api.post("/scripts", &json!({"name": "say", "body": body, "timeout_seconds": 20}));
    let rule = json!({"name": "r", "kind": "event", "event_kind": "custom.bad", "severity": "error"});
    let rule = api.post("/rules", &rule);
    let automation =
        json!({"name": "a", "mode": "auto", "script": "say", "trigger": {"rule_id": rule["id"]}});
    api.post("/automations", &automation);
    wait::until(SOON, "the agent's facts", || (!api.get("/servers/here")["facts"].is_null()).then_some(()));
    let event = json!({"kind": "custom.bad", "message": bad, "server": "here", "labels": {"unit": bad}});
    api.post("/events", &event);
    let run = wait::until(SOON, "the automation to run", || {
        let run = api.list("/runs").first().cloned()?;
        (run["state"] == "succeeded").then(|| api.get(&format!("/runs/{}", text(&run["id"]))))
    });
    let path = format!("/runs/{}/output/{}", text(&run["id"]), text(&run["executions"][0]["id"]));
    let said = wait::until(SOON, "what the script said", || {
        let said: String =
            api.get(&path)["parts"].as_array()?.iter().map(|part| text(&part["text"])).collect();
        (said.lines().count() == 2).then_some(said)
    });
    assert!(said.lines().all(|line| line.contains(&bad)), "{said}");
    assert!(!mark.exists(), "a shell read the alert");
    // A second line would be another value in a file of lines.
    for label in ["a\nb", "a\r", "a\0b"] {
        let event =
            json!({"kind": "custom.bad", "message": "x", "server": "here", "labels": {"unit": label}});
        assert_eq!(api.status("POST", "/api/v1/events", Some(&event)), Some(422), "{label:?}");
    }
}

/// CVE-2024-42327 (Zabbix): SQL in a parameter. CVE-2022-47909, CVE-2026-33456 (Checkmk): a line break began another query. CVE-2026-24343
/// (HertzBeat): XPath in one.
#[test]
fn what_is_asked_for_is_a_value() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "a", "labels": {"env": "prod"}}));
    api.post(
        "/rules",
        &json!({"name": "r", "kind": "event", "event_kind": "custom.bad", "severity": "error"}),
    );
    api.post("/events", &json!({"kind": "custom.bad", "message": "bad", "server": "a"}));
    wait::until(SOON, "an incident", || (!api.list("/incidents").is_empty()).then_some(()));
    let mut asked = 0;
    for endpoint in ENDPOINTS.iter().filter(|e| matches!(e.method, Method::Get) && !e.path.contains('{')) {
        for name in endpoint.query.iter().filter(|name| !matches!(**name, "limit" | "cursor")) {
            for value in [
                "' OR '1'='1",
                "x' UNION SELECT password_hash FROM users --",
                "x\nFilter: 1 = 1",
                "' or 1=1 or ''='",
            ] {
                let path = format!("/api/v1{}?{name}={}", endpoint.path, encode(value));
                let answer = api.call("GET", &path, None);
                let refused = (400..500).contains(&answer.status);
                let none = answer.status == 200 && answer.body["items"].as_array().is_some_and(Vec::is_empty);
                assert!(refused || none, "{path}: {} {}", answer.status, answer.body);
                asked += 1;
            }
        }
    }
    assert!(api.list("/rules?state=pending").is_empty() && !api.list("/rules?state=inactive").is_empty());
    assert!(asked >= 50, "{asked} questions");
    assert_eq!(api.list("/servers").len(), 1);
}
