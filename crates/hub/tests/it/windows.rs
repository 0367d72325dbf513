//! Maintenance windows tell when they begin and end.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_hub::Hub;
use watchtower_hub::configure::{self, Channels, MaintenanceWindows, Rules};
use watchtower_hub::quiet::tell_windows;
use watchtower_store::EventFilter;
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const HOUR_MS: i64 = 3_600_000;

async fn create(scene: &Scene, input: Value) -> String {
    let input = serde_json::from_value(input).unwrap();
    let by = scene.admin().await;
    configure::create::<MaintenanceWindows>(&scene.hub, &by, input).await.unwrap().id.to_string()
}

/// The kinds of what a window told, the oldest first.
async fn told(hub: &Hub, window: &str) -> Vec<String> {
    let filter = EventFilter { kind: Some("maintenance.*".into()), limit: 500, ..EventFilter::default() };
    let mut events = hub.store.events(&filter).await.unwrap();
    events.retain(|event| event.labels.0.get("window") == Some(window));
    events.sort_by_key(|event| event.at);
    events.into_iter().map(|event| event.kind.trim_start_matches("maintenance.").to_string()).collect()
}

fn now_until(scene: &Scene, name: &str, hours: i64) -> Value {
    let at = |ms| scene.hub.now().plus_ms(ms).to_rfc3339();
    json!({"name": name, "matchers": "team=\"db\"", "starts_at": at(-1000), "ends_at": at(hours * HOUR_MS)})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_tell_their_begins_and_ends_once_whatever_hubs_there_are() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let url = one.hub.config.database_url.clone().unwrap();
    create(&one, now_until(&one, "move", 2)).await;
    create(
        &one,
        json!({"name": "hourly", "matchers": "team=\"db\"", "cron": "0 * * * *", "duration_seconds": 1800}),
    )
    .await;
    let two = one.beside(url.clone()).await;
    let later = one.hub.now().plus_ms(5 * HOUR_MS);
    let (first, second) = tokio::join!(tell_windows(&one.hub, later), tell_windows(&two.hub, later));
    first.unwrap();
    second.unwrap();
    assert_eq!(told(&one.hub, "move").await, ["started", "ended"]);
    // One may be under way as this begins, and one as it ends.
    let hourly = told(&one.hub, "hourly").await;
    assert!((9..=11).contains(&hourly.len()), "{hourly:?}");
    assert!(hourly.windows(2).all(|pair| pair[0] != pair[1]), "{hourly:?}");
    // A hub that starts, or was away, tells nothing twice.
    let three = one.beside(url).await;
    for hub in [&one.hub, &two.hub, &three.hub] {
        tell_windows(hub, later).await.unwrap();
    }
    assert_eq!(told(&one.hub, "hourly").await, hourly);
    assert_eq!(told(&one.hub, "move").await, ["started", "ended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_is_changed_or_removed_while_it_is_under_way_ends_then() {
    let scene = Scene::new(None).await;
    let (hub, by) = (&scene.hub, scene.admin().await);
    let mut input = now_until(&scene, "removed", 2);
    let removed = create(&scene, input.clone()).await;
    configure::delete::<MaintenanceWindows>(hub, &by, &removed).await.unwrap();
    assert_eq!(told(hub, "removed").await, ["started", "ended"]);

    input["name"] = json!("off");
    let off = create(&scene, input.clone()).await;
    // Said in other words, it goes on; switched off, it is over.
    for (change, value, edges) in [
        ("comment", json!("the move"), &["started"][..]),
        ("ends_at", json!(hub.now().plus_ms(HOUR_MS).to_rfc3339()), &["started"]),
        ("enabled", json!(false), &["started", "ended"]),
    ] {
        input[change] = value;
        let new = serde_json::from_value(input.clone()).unwrap();
        configure::update::<MaintenanceWindows>(hub, &by, &off, new).await.unwrap();
        tell_windows(hub, hub.now()).await.unwrap();
        assert_eq!(told(hub, "off").await, edges, "{change}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_channels_of_a_window_are_told_once_by_each_edge() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    let by = one.admin().await;
    let config = json!({"kind": "webhook", "url": "https://chat.example/hook"});
    let channel = serde_json::from_value(json!({"name": "chat", "config": config})).unwrap();
    let channel = configure::create::<Channels>(&one.hub, &by, channel).await.unwrap();
    let mut input = now_until(&one, "move", 2);
    input["notify"] = json!([channel.id]);
    create(&one, input).await;
    let later = one.hub.now().plus_ms(3 * HOUR_MS);
    let (first, second) = tokio::join!(tell_windows(&one.hub, later), tell_windows(&two.hub, later));
    first.unwrap();
    second.unwrap();
    let news = one.news(channel.id).await;
    let mut titles: Vec<&str> = news.iter().map(|row| row.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert!(titles[0].starts_with("the maintenance window \"move\" began, until "), "{titles:?}");
    assert_eq!(titles[1], "the maintenance window \"move\" ended");
    let refused = configure::delete::<Channels>(&one.hub, &by, "chat").await.unwrap_err();
    assert!(refused.to_string().contains("tells this channel"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_rule_hears_of_a_window() {
    let scene = Scene::new(None).await;
    let by = scene.admin().await;
    let rule = json!({"name": "quiet", "kind": "event", "event_kind": "maintenance.started",
        "resolve_kind": "maintenance.ended", "event_matchers": "window=\"move\"", "paging": true});
    configure::create::<Rules>(&scene.hub, &by, serde_json::from_value(rule).unwrap()).await.unwrap();
    let window = create(&scene, now_until(&scene, "move", 2)).await;
    let open = async |wanted: usize| {
        for _ in 0..100 {
            if scene.hub.store.open_incidents().await.unwrap().len() == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("waited in vain for {wanted} open incidents");
    };
    open(1).await;
    configure::delete::<MaintenanceWindows>(&scene.hub, &by, &window).await.unwrap();
    open(0).await;
}
