//! What a caller meets: limits that name the field, pages that skip nothing, keys that are used once.

use serde_json::json;

use crate::hub::{BOOTSTRAP, TestHub};

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_name_their_field() {
    let test = TestHub::start().await;
    test.admin("POST", "/api/v1/servers", json!({"name": "web-1"})).await;
    let cases = [
        (
            "/api/v1/runs/exec",
            json!({"on": "name=\"web-1\"", "command": ["true"], "timeout_seconds": -1}),
            "timeout_seconds",
        ),
        (
            "/api/v1/runs/exec",
            json!({"on": "name=\"web-1\"", "command": ["true"], "timeout_seconds": 1e300}),
            "timeout_seconds",
        ),
        ("/api/v1/runs/exec", json!({"on": "", "command": ["true"]}), "on"),
        ("/api/v1/incidents", json!({"title": "t", "description": "a\u{0}b"}), "description"),
        (
            "/api/v1/events",
            json!({"kind": "backup.missing", "message": "m", "labels": {"a-b": "x"}}),
            "labels",
        ),
    ];
    for (path, body, field) in cases {
        let answer = test.ask(BOOTSTRAP, "POST", path, body.clone()).await;
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.body);
        assert!(answer.body.contains(field), "{body}: {}", answer.body);
    }
    for query in ["from=-1e10&to=now&step=1e300", "from=now%C3%A9"] {
        let answer =
            test.ask(BOOTSTRAP, "GET", &format!("/api/v1/servers/web-1/panels?{query}"), json!(null)).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.body);
    }
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_alerts_skip_none_of_one_millisecond() {
    let test = TestHub::start().await;
    let now = test.hub.now();
    let row = |n: u32| watchtower_store::AlertRow {
        id: watchtower_model::AlertId(watchtower_hub::random::id(now)),
        source: "api".into(),
        dedup_key: format!("k{n}"),
        state: "firing".into(),
        severity: watchtower_model::Severity::Info,
        summary: format!("alert {n}"),
        description: String::new(),
        labels: watchtower_store::Json(watchtower_model::Labels::empty()),
        value: None,
        rule_id: None,
        server_id: None,
        incident_id: None,
        count: 1,
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: None,
        ends_at: None,
    };
    let statements = (0..5).map(|n| watchtower_store::Store::insert_alert(&row(n))).collect();
    test.hub.store.commit(statements).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = test.admin("GET", &format!("/api/v1/alerts?limit=2{cursor}"), json!(null)).await;
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|a| a["summary"].as_str().unwrap().to_string()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["alert 0", "alert 1", "alert 2", "alert 3", "alert 4"]);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_its_work_once_even_at_the_same_time() {
    let test = TestHub::start().await;
    let headers = format!("Authorization: Bearer {BOOTSTRAP}\r\nIdempotency-Key: k1\r\n");
    let body = json!({"name": "ci", "role": "viewer"}).to_string();
    let one = || test.raw("POST", "/api/v1/tokens", &headers, &body);
    let (a, b, c) = tokio::join!(one(), one(), one());
    let good: Vec<_> = [&a, &b, &c].into_iter().filter(|answer| answer.status == 200).collect();
    assert!(!good.is_empty());
    assert!(good.iter().all(|answer| answer.body == good[0].body));
    assert!([&a, &b, &c].iter().all(|answer| matches!(answer.status, 200 | 409)));
    let again = one().await;
    assert_eq!((again.status, &again.body), (200, &good[0].body));
    let tokens = test.admin("GET", "/api/v1/tokens", json!(null)).await;
    assert_eq!(tokens["items"].as_array().unwrap().len(), 1);
    // The secret of the answer is not in the database in the clear.
    let secret = again.json()["secret"].as_str().unwrap().to_string();
    let rows = test.hub.store.db().query("SELECT reply FROM idempotency", Vec::new()).await.unwrap();
    assert!(rows.iter().all(|row| !row.text().unwrap().contains(&secret)));
    // Nor is it given to whom could not get it now.
    let stranger =
        test.raw("POST", "/api/v1/tokens", "Authorization: Bearer x\r\nIdempotency-Key: k1\r\n", &body).await;
    assert_eq!(stranger.status, 401);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_all_reach_the_audit_log() {
    let test = TestHub::start().await;
    let writes = (0..40).map(|n| {
        let hub = test.hub.clone();
        async move { hub.store.append_audit(hub.now(), "a", "b", &n.to_string(), "").await }
    });
    let outcomes = futures_util::future::join_all(writes).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(test.hub.store.verify_audit().await.unwrap(), None);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_credential_does_not_fall_back_to_the_cookie() {
    let test = TestHub::start().await;
    let link = watchtower_hub::access::setup_link(&test.hub).await.unwrap().unwrap();
    let token = link.url.split("token=").nth(1).unwrap().to_string();
    let body = json!({"token": token, "name": "ada", "password": "a long enough one"}).to_string();
    let opened = test.raw("POST", "/api/v1/setup", "", &body).await;
    assert_eq!(opened.status, 200, "{}", opened.body);
    let line = opened.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
    let cookie = line.split_once(": ").unwrap().1.split(';').next().unwrap();
    let headers = |more: &str| format!("Cookie: {cookie}\r\n{more}");
    assert_eq!(test.raw("GET", "/api/v1/me", &headers(""), "").await.status, 200);
    assert_eq!(
        test.raw("POST", "/api/v1/logout", &headers("Origin: http://evil.example\r\n"), "").await.status,
        403
    );
    let odd = headers("Origin: http://evil.example\r\nAuthorization: Odd x\r\n");
    assert_eq!(test.raw("POST", "/api/v1/logout", &odd, "").await.status, 401);
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_parameters_of_an_automation_are_not_shown_and_stay() {
    let test = TestHub::start().await;
    let parameter =
        |name: &str, secret: bool| json!({"name": name, "kind": "text", "required": true, "secret": secret});
    let script = json!({
        "name": "rotate", "body": "true", "parameters": [parameter("PASSWORD", true), parameter("PLACE", false)],
    });
    test.admin("POST", "/api/v1/scripts", script).await;
    let automation = |parameters: serde_json::Value| {
        json!({"name": "nightly", "script": "rotate", "mode": "observe", "trigger": {"matchers": "a=b"},
               "parameters": parameters})
    };
    let both = automation(json!({"PASSWORD": "hunter2", "PLACE": "eu"}));
    let made = test.admin("POST", "/api/v1/automations", both).await;
    assert_eq!(made["parameters"], json!({"PLACE": "eu"}));
    let stored = || {
        let automation = test.hub.objects().automations[0].clone();
        assert_eq!(automation.body.parameters.get("PASSWORD"), None, "it lies in the clear");
        watchtower_hub::jobs::secrets::values_of(&test.hub, automation.id.into(), &automation.body).unwrap()
    };
    for given in [json!({"PLACE": "us"}), json!({"PLACE": "us", "PASSWORD": ""})] {
        test.admin("PUT", "/api/v1/automations/nightly", automation(given)).await;
        assert_eq!(stored()["PASSWORD"], "hunter2");
    }
    let changed = automation(json!({"PASSWORD": "new", "PLACE": "us"}));
    test.admin("PUT", "/api/v1/automations/nightly", changed).await;
    assert_eq!(stored()["PASSWORD"], "new");
    test.admin("DELETE", "/api/v1/automations/nightly", json!(null)).await;
    test.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_in_another_version_is_not_overwritten() {
    let test = TestHub::start().await;
    test.admin("POST", "/api/v1/teams", json!({"name": "ops"})).await;
    let path = "/api/v1/teams/ops";
    let ask = async |method: &str, read: &str, body: &str| {
        let headers = format!("Authorization: Bearer {BOOTSTRAP}\r\nIf-Match: {read}\r\n");
        test.raw(method, path, &headers, body).await
    };
    let first = test.ask(BOOTSTRAP, "GET", path, json!(null)).await;
    assert!(first.head.to_lowercase().contains("etag: \"1\"\r\n"), "{}", first.head);
    let body = r#"{"name": "ops"}"#;
    assert_eq!(ask("PUT", "\"1\"", body).await.status, 200);
    let stale = ask("PUT", "\"1\"", body).await;
    assert!(stale.status == 409 && stale.body.contains("changed meanwhile"), "{}", stale.body);
    assert_eq!(ask("PUT", "nonsense", body).await.status, 422);
    assert_eq!(ask("DELETE", "\"1\"", "").await.status, 409);
    assert_eq!(ask("DELETE", "\"2\"", "").await.status, 204);
    test.stop().await;
}
