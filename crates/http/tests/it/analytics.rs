//! Figures of incidents over the API: as JSON, as rows of CSV, for those who may see the incidents.

use serde_json::json;

use crate::hub::{BOOTSTRAP, TestHub};

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_answered_as_json_and_as_csv() {
    let test = TestHub::start().await;
    let policy = test.admin("GET", "/api/v1/policies", json!(null)).await["items"][0]["id"].clone();
    let team = test.admin("POST", "/api/v1/teams", json!({"name": "web"})).await["id"].clone();
    let shop = json!({"name": "shop main", "policy_id": policy, "team_id": team});
    test.admin("POST", "/api/v1/services", shop).await;
    for (title, service, drill) in
        [("one", Some("shop main"), false), ("two", None, false), ("drill", None, true)]
    {
        let input = json!({"title": title, "service": service, "test": drill});
        let made = test.admin("POST", "/api/v1/incidents", input).await;
        if title == "one" {
            test.admin("POST", &format!("/api/v1/incidents/{}/ack", made["number"]), json!(null)).await;
        }
    }
    let path = "/api/v1/analytics/incidents?from=now-1h&to=now%2B1h";
    let found = test.admin("GET", "/api/v1/analytics/incidents?from=now-1h", json!(null)).await;
    assert_eq!((&found["total"]["incidents"], &found["total"]["acknowledged"]), (&json!(2), &json!(1)));
    assert_eq!(found["rules"][0]["name"], "by hand or by the API");
    let of_team = "/api/v1/analytics/incidents?team=web";
    assert_eq!(test.admin("GET", of_team, json!(null)).await["total"]["incidents"], 1);
    let csv = async |by: &str| {
        let headers = format!("Authorization: Bearer {BOOTSTRAP}\r\nAccept: text/csv\r\n");
        test.raw("GET", &format!("/api/v1/analytics/incidents?by={by}"), &headers, "").await
    };
    let services = csv("service").await;
    assert!(services.head.to_lowercase().contains("content-type: text/csv"), "{}", services.head);
    let lines: Vec<&str> = services.body.split("\r\n").collect();
    assert!(lines[0].starts_with("name,id,incidents,open,acknowledged,acknowledged_share,"), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("shop main,")), "{lines:?}");
    assert_eq!((lines.len(), csv("").await.body.lines().count()), (4, 2));
    assert!(csv("team").await.body.contains("\r\nweb,"));
    assert!(csv("person").await.body.starts_with("name,timezone,interruptions,at_night,hour_00,"));
    assert_eq!(csv("moon").await.status, 422);
    let wrong = test.ask(BOOTSTRAP, "GET", &format!("{path}&timezone=Moon"), json!(null)).await;
    assert!((400..500).contains(&wrong.status) && wrong.body.contains("timezone"), "{}", wrong.body);
    test.stop().await;
}
