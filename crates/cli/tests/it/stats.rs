//! `incident stats`: the week by itself, and rows by what incidents have in common.

use serde_json::{Value, json};
use watchtower_cli::Exit;

use crate::hub::{FakeHub, watchtower};

fn figures(name: &str, incidents: u32) -> Value {
    json!({"name": name, "id": null, "incidents": incidents, "open": 0, "acknowledged": 2, "acknowledged_share": 0.5,
        "ended_alone": 1, "ended_alone_share": 0.25, "time_to_acknowledge_mean_seconds": 90.5,
        "time_to_acknowledge_p50_seconds": 60.0, "time_to_acknowledge_p90_seconds": null,
        "time_to_resolve_mean_seconds": 600.0, "time_to_resolve_p50_seconds": 60.0, "time_to_resolve_p90_seconds": 60.0})
}

fn hub() -> FakeHub {
    let mut hours = vec![0; 24];
    hours[3] = 5;
    let ann = json!({"name": "ann", "timezone": "Europe/Berlin", "interruptions": 5, "at_night": 5, "by_hour": hours});
    FakeHub::start(move |request| match request.path.split('?').next().unwrap_or_default() {
        "/api/v1/incidents/stats" => (200, json!({"total": 7, "open": 1})),
        _ => (
            200,
            json!({"truncated": true, "total": figures("all", 4), "services": [], "teams": [],
                "rules": [figures("Disk", 3), figures("=1+1", 1)], "people": [ann]}),
        ),
    })
}

#[test]
fn rows_are_printed_for_people_and_as_csv() {
    let hub = hub();
    let week = watchtower(&hub.url, &["incident", "stats", "-o", "csv"], "");
    assert_eq!(week.exit, Exit::Ok, "{week:?}");
    assert!(week.out.starts_with("total,open,") && week.out.contains("\r\n7,1,"), "{week:?}");
    let rules =
        watchtower(&hub.url, &["incident", "stats", "--by", "rule", "--from", "now-90d", "-o", "csv"], "");
    assert!(rules.out.starts_with("name,incidents,open,acknowledged,ended_alone,"), "{rules:?}");
    assert!(rules.out.contains("\r\nDisk,3,0,2,1,90.5,60.0,,600.0,"), "{rules:?}");
    assert!(rules.out.contains("\r\n'=1+1,1,"), "a name must not be a formula: {rules:?}");
    assert!(rules.err.contains("ask for a shorter range"), "{rules:?}");
    let asked = hub.requests.lock().unwrap().last().unwrap().path.clone();
    assert_eq!(asked, "/api/v1/analytics/incidents?from=now-90d");
    let people = watchtower(&hub.url, &["incident", "stats", "--by", "person", "-o", "csv"], "");
    assert!(people.out.contains("\r\nann,Europe/Berlin,5,5,0,0,0,5,0,"), "{people:?}");
    let total = watchtower(&hub.url, &["incident", "stats", "--team", "web"], "");
    assert!(total.out.contains("all") && total.out.contains('4'), "{total:?}");
}
