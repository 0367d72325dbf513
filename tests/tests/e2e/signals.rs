//! Other tools by their own words: PagerDuty's events, webhooks of Alertmanager and Grafana, as their clients send them.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

fn key_of(api: &Api, kind: &str) -> String {
    let made = api.post("/integrations", &json!({"name": format!("my-{kind}"), "kind": kind}));
    let key = text(&made["key"]);
    assert!(key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()), "{made}");
    key
}

#[test]
fn a_client_of_pagerduty_works_by_another_address() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let key = key_of(&api, "pagerduty");
    let stranger = api.with_token(None);
    let send = |more: Value| {
        let mut event = json!({"routing_key": key, "event_action": "trigger",
            "payload": {"summary": "queue is full", "source": "mail-1", "severity": "critical"}});
        more.as_object().expect("an object").iter().for_each(|(name, value)| event[name] = value.clone());
        stranger.raw("POST", "/v2/enqueue", JSON, event.to_string().as_bytes()).expect("the hub answers")
    };
    let answer = send(json!({"dedup_key": "queue"}));
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(answer.body, json!({"status": "success", "message": "Event processed", "dedup_key": "queue"}));
    let call = sink.wait(SOON, "of the event", |call| call.event() == "incident.triggered");
    assert_eq!(call.body["incident"]["title"], "queue is full");
    // Again is a repetition; without a key each is its own.
    assert_eq!(send(json!({"dedup_key": "queue"})).status, 202);
    let own = send(json!({}));
    assert!(text(&own.body["dedup_key"]).len() >= 32, "{}", own.body);
    assert_eq!(api.list("/incidents").len(), 2);
    send(json!({"dedup_key": "queue", "event_action": "acknowledge", "payload": null}));
    assert_eq!(api.get(&format!("/incidents/{}", call.incident()))["state"], "acknowledged");
    send(json!({"dedup_key": "queue", "event_action": "resolve", "payload": null}));
    let incident = api.get(&format!("/incidents/{}", call.incident()));
    assert_eq!(
        (&incident["state"], &incident["acknowledged_by"]),
        (&json!("resolved"), &json!("my-pagerduty"))
    );

    // What its clients must not repeat is 400, with what is wrong.
    let wrong = send(json!({"event_action": "explode"}));
    assert!(wrong.status == 400 && text(&wrong.body["errors"][0]).contains("event_action"), "{}", wrong.body);
    let nobody = send(json!({"routing_key": "0123456789abcdef0123456789abcdef"}));
    assert_eq!((nobody.status, &nobody.body["status"]), (400, &json!("invalid event")));
    let change =
        json!({"routing_key": key, "payload": {"summary": "build 17 is out", "source": "ci"}}).to_string();
    assert_eq!(stranger.raw("POST", "/v2/change/enqueue", JSON, change.as_bytes()).unwrap().status, 202);
    assert_eq!(api.list("/events?kind=change")[0]["message"], "build 17 is out");
    assert_eq!(api.list("/incidents").len(), 2, "a change pages nobody");
}

#[test]
fn a_client_that_calls_too_often_is_told_when_to_come_again() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let (events, hook) = (key_of(&api, "pagerduty"), key_of(&api, "webhook"));
    let stranger = api.with_token(None);
    let end = json!({"routing_key": events, "event_action": "resolve", "dedup_key": "x"}).to_string();
    let body = br#"{"alerts": []}"#;
    // The limit is of a minute: two of them may begin while this runs.
    let full = |path: &str, body: &[u8]| {
        (0..2_600).find_map(|_| {
            let answer = stranger.raw("POST", path, JSON, body).expect("the hub answers");
            (answer.status >= 300).then_some(answer)
        })
    };
    let answer = full("/v2/enqueue", end.as_bytes()).expect("the limit is reached");
    assert!(answer.status == 429 && answer.retry_after.is_some_and(|s| (1..=61).contains(&s)), "{answer:?}");
    // Alertmanager drops every 4xx for good.
    let answer = full(&format!("/webhooks/alertmanager/{hook}"), body).expect("the limit is reached");
    assert!(answer.status == 503 && answer.retry_after.is_some(), "{answer:?}");
}

#[test]
fn webhooks_of_alertmanager_and_grafana_open_and_end_incidents() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "web-1"}));
    let stranger = api.with_token(None);
    for (kind, path) in [("webhook", "alertmanager"), ("grafana", "grafana")] {
        let key = key_of(&api, kind);
        let send = |status: &str| {
            let alert = json!({"status": status, "labels": {"alertname": "DiskFull", "instance": "web-1:9100", "severity": "warning"},
                "annotations": {"summary": format!("{kind}: disk is full")}, "fingerprint": "f1", "startsAt": "2026-11-30T00:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z"});
            let body = json!({"version": "4", "status": "firing", "alerts": [alert]}).to_string();
            let path = format!("/webhooks/{path}/{key}");
            assert_eq!(stranger.raw("POST", &path, JSON, body.as_bytes()).unwrap().status, 200);
            api.list("/incidents")
                .into_iter()
                .find(|one| text(&one["title"]).starts_with(kind))
                .expect("it is there")
        };
        let incident = send("firing");
        assert_eq!((&incident["state"], &incident["server"]), (&json!("triggered"), &json!("web-1")));
        assert_eq!(send("resolved")["state"], "resolved");
        assert_eq!(
            stranger.raw("POST", &format!("/webhooks/{path}/nobody"), JSON, b"{}").unwrap().status,
            401
        );
    }
}

#[test]
fn a_client_of_opsgenie_works_by_another_address() {
    let hub = Hub::start(Setup::default());
    let (api, sink) = (hub.api(), Sink::start());
    page_to(&api, &sink);
    let genie = api.with_key("GenieKey", &key_of(&api, "opsgenie"));
    let call = |method: &str, path: &str, body: Value| {
        genie.raw(method, path, JSON, body.to_string().as_bytes()).expect("the hub answers")
    };
    let alert = json!({"alias": "disk/web-1", "message": "disk is full", "priority": "P1", "details": {"mount": "/var"}});
    let answer = call("POST", "/v2/alerts", alert.clone());
    assert_eq!((answer.status, &answer.body["result"]), (202, &json!("Request will be processed")));
    let page = sink.wait(SOON, "of the alert", |call| call.event() == "incident.triggered");
    assert_eq!(
        (&page.body["incident"]["title"], &page.body["incident"]["severity"]),
        (&json!("disk is full"), &json!("critical"))
    );
    let status = call("GET", &format!("/v2/alerts/requests/{}", text(&answer.body["requestId"])), json!({}));
    let data = &status.body["data"];
    assert_eq!(
        (status.status, &data["isSuccess"], &data["alias"]),
        (200, &json!(true), &json!("disk/web-1")),
        "{data}"
    );
    // The same alias is a repetition, and a call by the alert's id reaches it as one by its alias does.
    assert_eq!(call("POST", "/v2/alerts", alert).status, 202);
    let id = text(&data["alertId"]);
    let incident = || api.get(&format!("/incidents/{}", page.incident()));
    assert_eq!(call("POST", &format!("/v2/alerts/{id}/notes"), json!({"note": "looking"})).status, 202);
    assert_eq!(call("POST", &format!("/v2/alerts/{id}/acknowledge"), json!({})).status, 202);
    assert_eq!(
        (&incident()["state"], &incident()["acknowledged_by"]),
        (&json!("acknowledged"), &json!("my-opsgenie"))
    );
    let by_alias = |action: &str| format!("/v2/alerts/disk%2Fweb-1/{action}?identifierType=alias");
    assert_eq!(call("PUT", &by_alias("message"), json!({"message": "disk is really full"})).status, 202);
    assert_eq!(call("POST", &by_alias("close"), json!({"note": "swept"})).status, 202);
    assert_eq!(incident()["state"], "resolved");
    assert_eq!(api.list("/incidents").len(), 1);
    let told = api.get(&format!("/incidents/{}/timeline", page.incident())).to_string();
    assert!(told.contains("looking") && told.contains("swept"), "{told}");
    // What is over, or never was, is taken and changes nothing.
    assert_eq!(call("POST", &by_alias("close"), json!({})).status, 202);
    for (path, body, status) in [
        ("/v2/alerts", json!({}), 422),
        ("/v2/alerts/x/close?identifierType=name", json!({}), 422),
        ("/v2/alerts/x/explode", json!({}), 404),
    ] {
        let refused = call("POST", path, body);
        assert!(
            refused.status == status && !text(&refused.body["message"]).is_empty(),
            "{path}: {refused:?}"
        );
    }
    let stranger = api.with_key("GenieKey", "0123456789abcdef0123456789abcdef");
    assert_eq!(stranger.raw("POST", "/v2/alerts", JSON, b"{\"message\":\"x\"}").unwrap().status, 401);
}

#[test]
fn a_webhook_that_must_come_three_times_is_held_until_then() {
    let mut hub = Hub::start(Setup::default());
    let api = hub.api();
    let after = json!({"triggers": 3, "within_seconds": 600});
    let made = api.post("/integrations", &json!({"name": "noisy", "kind": "webhook", "open_after": after}));
    let path = format!("/webhooks/alertmanager/{}", text(&made["key"]));
    let alert = json!({"status": "firing", "labels": {"alertname": "DiskFull"}, "fingerprint": "f1",
        "annotations": {"summary": "disk is full"}, "startsAt": "2026-11-30T00:00:00Z"});
    let body = json!({"version": "4", "status": "firing", "alerts": [alert]}).to_string();
    let send = |api: &Api| {
        assert_eq!(api.with_token(None).raw("POST", &path, JSON, body.as_bytes()).unwrap().status, 200)
    };
    send(&api);
    send(&api);
    hub.kill();
    hub.restart();
    let api = hub.api();
    let held = api.list("/integrations/noisy/held").remove(0);
    assert_eq!(
        (&held["key"], &held["count"], &held["needed"]),
        (&json!("f1"), &json!(2), &json!(3)),
        "{held}"
    );
    assert_eq!(api.get("/integrations/noisy")["held_alerts"], 1);
    assert!(text(&api.list("/events?kind=alert.held")[0]["message"]).contains("disk is full"));
    assert!(api.list("/incidents").is_empty());
    send(&api);
    assert_eq!(api.list("/incidents").len(), 1);
    assert!(api.list("/integrations/noisy/held").is_empty());
    for (wrong, field) in [
        (json!({"triggers": 1, "within_seconds": 600}), "open_after.triggers"),
        (json!({"triggers": 3, "within_seconds": 1}), "open_after.within_seconds"),
    ] {
        let input = json!({"name": "x", "kind": "webhook", "open_after": wrong});
        let refused = api.call("POST", "/api/v1/integrations", Some(&input));
        assert!(refused.status == 422 && refused.body.to_string().contains(field), "{refused:?}");
    }
}

#[test]
fn any_json_opens_and_ends_incidents_by_its_mapping() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let mapping = json!({"key": "id", "title": "check.name", "severity": "level", "state": "state", "resolved": ["ok"],
        "labels": {"host": "server"}});
    let body = |state: &str| json!({"id": 7, "check": {"name": "disk is full"}, "level": "critical", "state": state, "server": "web-1"});
    let preview = api.post("/integrations/preview", &json!({"mapping": mapping, "body": body("bad")}));
    let signal = json!({"resolved": false, "key": "7", "title": "disk is full", "description": "", "severity": "critical",
        "labels": {"host": "web-1"}});
    assert_eq!(preview, json!({"items": [signal]}));
    let made = api.post("/integrations", &json!({"name": "own", "kind": "generic", "mapping": mapping}));
    assert_eq!(made["mapping"], mapping);
    let path = text(&made["url"]).replace(&hub.url(), "");
    let stranger = api.with_token(None);
    let send = |body: Value| {
        stranger.raw("POST", &path, JSON, body.to_string().as_bytes()).expect("the hub answers")
    };
    for (state, becomes) in [("bad", "triggered"), ("bad", "triggered"), ("OK", "resolved")] {
        assert_eq!(send(body(state)).status, 200);
        let incidents = api.list("/incidents");
        assert_eq!((incidents.len(), &incidents[0]["state"]), (1, &json!(becomes)));
        assert_eq!(
            (&incidents[0]["title"], &incidents[0]["severity"]),
            (&json!("disk is full"), &json!("critical"))
        );
    }
    let lacking = send(json!({"id": 8, "state": "bad"}));
    assert!(lacking.status == 400 && lacking.body.to_string().contains("title"), "{lacking:?}");
    for (wrong, field) in [
        (json!({"name": "x", "kind": "generic"}), "mapping"),
        (json!({"name": "x", "kind": "grafana", "mapping": {"title": "t"}}), "mapping"),
        (json!({"name": "x", "kind": "generic", "mapping": {"title": "a..b"}}), "mapping.title"),
    ] {
        let refused = api.call("POST", "/api/v1/integrations", Some(&wrong));
        assert!(refused.status == 422 && refused.body.to_string().contains(field), "{refused:?}");
    }
}

#[test]
fn incidents_open_and_end_at_pagerduty_as_long_as_one_moves() {
    // A second hub is the PagerDuty: the events go out as one sends them, and come in as the other takes them.
    let (ours, theirs) = (Hub::start(Setup::default()), Hub::start(Setup::default()));
    let (api, there) = (ours.api(), theirs.api());
    let key = key_of(&there, "pagerduty");
    let config = json!({"kind": "pagerduty", "routing_key": key, "api_url": theirs.url()});
    let channel = api.post("/channels", &json!({"name": "pager", "config": config, "catch_all": true}));
    assert_eq!(channel["config"]["routing_key"], "***");
    let id = text(&channel["id"]);
    let test = api.post(&format!("/channels/{id}/test"), &json!({}));
    assert_eq!(test["delivered"], true, "{test}");
    let tried = there.list("/incidents");
    assert_eq!((tried.len(), &tried[0]["state"]), (1, &json!("resolved")), "{tried:?}");
    // Sent back as it is shown, the key stays; with another server it does not go there.
    let mut edited = channel["config"].clone();
    api.put(&format!("/channels/{id}"), &json!({"name": "pager", "config": edited, "catch_all": true}));
    edited["api_url"] = json!("https://elsewhere.example");
    let moved = json!({"name": "pager", "config": edited}).to_string();
    let refused = api.raw("PUT", &format!("/api/v1/channels/{id}"), JSON, moved.as_bytes()).unwrap();
    assert!(refused.status == 422 && refused.body.to_string().contains("routing_key"), "{refused:?}");

    let steps = json!([{"delay_seconds": 600, "targets": [{"kind": "channel", "id": id}]}]);
    let policy = api.post("/policies", &json!({"name": "to the pager", "steps": steps}));
    let service =
        api.list("/services").into_iter().find(|one| one["name"] == "default").expect("it is there");
    let input = json!({"name": "default", "description": "", "policy_id": policy["id"]});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
    let own = key_of(&api, "webhook");
    let say = |status: &str| {
        let alert = json!({"status": status, "labels": {"alertname": "DiskFull", "severity": "critical"},
            "annotations": {"summary": "disk is full"}, "fingerprint": "f1", "startsAt": "2026-11-30T00:00:00Z"});
        let body = json!({"version": "4", "status": status, "alerts": [alert]}).to_string();
        let path = format!("/webhooks/alertmanager/{own}");
        assert_eq!(api.with_token(None).raw("POST", &path, JSON, body.as_bytes()).unwrap().status, 200);
    };
    let reaches = |state: &str| {
        let is_so = || {
            there.list("/incidents").into_iter().find(|one| {
                text(&one["title"]).contains("disk is full")
                    && one["state"] == state
                    && one["severity"] == "critical"
            })
        };
        let until = std::time::Instant::now() + SOON;
        while is_so().is_none() {
            assert!(std::time::Instant::now() < until, "{state}: {:?}", there.list("/incidents"));
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    say("firing");
    reaches("triggered");
    let open =
        api.list("/incidents").into_iter().find(|one| one["state"] == "triggered").expect("it is open");
    api.post(&format!("/incidents/{}/ack", open["number"]), &json!({}));
    reaches("acknowledged");
    say("resolved");
    reaches("resolved");
}
