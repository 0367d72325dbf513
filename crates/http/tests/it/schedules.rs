//! Schedules over HTTP: who is on call, for whom the ways into it are, and the calendar.

use serde_json::{Value, json};

use crate::hub::{BOOTSTRAP, TestHub};

async fn user(test: &TestHub, name: &str, role: &str) -> Value {
    let input = json!({"name": name, "password": "correct horse battery", "role": role});
    test.admin("POST", "/api/v1/users", input).await
}

/// Ann and Ben take daily turns since the start of 2026.
async fn schedule(test: &TestHub) {
    let (ann, ben) = (user(test, "ann", "responder").await, user(test, "ben", "viewer").await);
    let layer = json!({"name": "daily", "participants": [ann["id"], ben["id"]], "unit": "daily", "handoff": "08:00",
        "start": "2026-01-01"});
    let input = json!({"name": "db-primary", "timezone": "Europe/Berlin", "layers": [layer]});
    let made = test.admin("POST", "/api/v1/schedules", input).await;
    assert_eq!((&made["timezone"], &made["layers"][0]["length"]), (&json!("Europe/Berlin"), &json!(1)));
}

async fn token(test: &TestHub, role: &str) -> String {
    let input = json!({"name": role, "role": role, "scopes": ["all"]});
    test.admin("POST", "/api/v1/tokens", input).await["secret"].as_str().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_call_is_told_for_any_time() {
    let test = TestHub::start().await;
    schedule(&test).await;
    let at = |time: &str| format!("/api/v1/schedules/db-primary/on-call?at={time}");
    for (time, who, until) in [
        ("2026-01-01T06:59:59.999Z", None, ""),
        ("2026-01-01T07:00:00Z", Some("ann"), "2026-01-02T07:00:00.000Z"),
        ("2026-01-02T07:00:00Z", Some("ben"), "2026-01-03T07:00:00.000Z"),
        // The clocks were put forward in between.
        ("2026-03-29T05:59:59Z", Some("ann"), "2026-03-29T06:00:00.000Z"),
    ] {
        let told = test.admin("GET", &at(time), json!(null)).await;
        let person = &told["on_call"][0];
        assert_eq!(person["user"].as_str(), who, "{time}: {told}");
        assert_eq!(person["until_at"].as_str().unwrap_or_default(), until, "{time}");
    }
    let all = test.admin("GET", "/api/v1/on-call?at=2026-01-01T12:00:00Z", json!(null)).await;
    assert_eq!(
        (&all["items"][0]["schedule"], &all["items"][0]["on_call"][0]["until"]),
        (&json!("db-primary"), &json!("Fri 2 Jan 08:00"))
    );
    let range = "from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z";
    let shifts =
        test.admin("GET", &format!("/api/v1/schedules/db-primary/shifts?{range}"), json!(null)).await;
    assert_eq!(shifts["items"].as_array().unwrap().len(), 2, "{shifts}");
    let gaps = test.admin("GET", &format!("/api/v1/schedules/db-primary/gaps?{range}"), json!(null)).await;
    assert_eq!(
        gaps["items"],
        json!([{"from_at": "2026-01-01T00:00:00.000Z", "to_at": "2026-01-01T07:00:00.000Z"}])
    );
    for (query, field) in [
        ("from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", "to"),
        ("from=soon", "from"),
        ("from=now&to=now", "to"),
    ] {
        let answer = test
            .ask(BOOTSTRAP, "GET", &format!("/api/v1/schedules/db-primary/shifts?{query}"), json!(null))
            .await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.body);
        assert!(
            answer.json()["detail"].as_str().unwrap().starts_with(&format!("{field}: ")),
            "{}",
            answer.body
        );
    }
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responder_may_override_and_may_not_edit() {
    let test = TestHub::start().await;
    schedule(&test).await;
    let (viewer, responder) = (token(&test, "viewer").await, token(&test, "responder").await);
    let path = "/api/v1/schedules/db-primary/overrides";
    let to = test.hub.now().plus_ms(3_600_000).to_rfc3339();
    let input = json!({"kind": "add", "user": "ben", "to_at": to});
    assert_eq!(test.ask(&viewer, "POST", path, input.clone()).await.status, 403);
    let made = test.ask(&responder, "POST", path, input).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let one = format!("{path}/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(test.ask(&viewer, "DELETE", &one, json!(null)).await.status, 403);
    assert_eq!(test.ask(&responder, "DELETE", &one, json!(null)).await.status, 204);
    let shown = test.admin("GET", "/api/v1/schedules/db-primary", json!(null)).await;
    assert_eq!(shown["overrides"], json!([]));
    let edit = test.ask(&responder, "PUT", "/api/v1/schedules/db-primary", json!({"name": "x"})).await;
    assert_eq!(edit.status, 403);
    let wrong = json!({"name": "x", "timezone": "Europe/Nowhere"});
    let answer = test.ask(BOOTSTRAP, "PUT", "/api/v1/schedules/db-primary", wrong).await;
    assert_eq!(answer.status, 422);
    assert!(answer.json()["detail"].as_str().unwrap().starts_with("timezone: "), "{}", answer.body);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_reads_by_its_link_alone() {
    let test = TestHub::start().await;
    schedule(&test).await;
    let link = test.admin("POST", "/api/v1/schedules/db-primary/calendar", json!({})).await;
    let url = link["url"].as_str().unwrap();
    let path = &url[url.find("/api/").unwrap()..];
    let read = test.raw("GET", path, "", "").await;
    assert_eq!(read.status, 200, "{}", read.body);
    assert!(read.head.to_lowercase().contains("content-type: text/calendar; charset=utf-8"), "{}", read.head);
    assert!(
        read.body.starts_with("BEGIN:VCALENDAR\r\n")
            && read.body.contains("SUMMARY:ann on call for db-primary")
    );
    for wrong in [
        path.split('?').next().unwrap().to_string(),
        format!("{path}0"),
        path.replace("schedules/", "schedules/x"),
    ] {
        assert_eq!(test.raw("GET", &wrong, "", "").await.status, 404, "{wrong}");
    }
    test.stop().await;
}
