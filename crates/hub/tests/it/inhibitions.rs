//! Inhibitions: what follows from something else that is wrong pages nobody, until that is over.

use serde_json::{Value, json};
use watchtower_api_types::{Inhibition, IntegrationKind};
use watchtower_hub::access::Principal;
use watchtower_hub::configure::{self, Inhibitions, Integrations};
use watchtower_hub::respond::signals::{Action, Sender, Signal, sender, take};
use watchtower_hub::{Hub, HubError, respond};
use watchtower_incident::Incident;
use watchtower_model::{Labels, Severity};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, alert};

const KIND: &[IntegrationKind] = &[IntegrationKind::Alertmanager];

/// Whoever tells of alerts here.
async fn prometheus(scene: &Scene) -> Sender {
    let admin = scene.admin().await;
    let input = serde_json::from_value(json!({"name": "prom", "kind": "alertmanager"})).unwrap();
    configure::create::<Integrations>(&scene.hub, &admin, input).await.unwrap();
    let key = configure::new_key(&scene.hub, &admin, "prom").await.unwrap().key.unwrap();
    sender(&scene.hub, KIND, &key).unwrap()
}

fn signal(action: Action, name: &str, site: &str) -> Signal {
    Signal {
        action,
        key: Some(format!("{name}/{site}")),
        severity: Severity::Error,
        summary: format!("{name} at {site}"),
        description: String::new(),
        labels: Labels::from_pairs([("alertname", name), ("site", site)]),
        ends_at: None,
    }
}

async fn begin(hub: &Hub, from: &Sender, alerts: &[(&str, &str)]) {
    let signals = alerts.iter().map(|(name, site)| signal(Action::Trigger, name, site)).collect();
    take(hub, from, signals).await.unwrap();
}

async fn end(hub: &Hub, from: &Sender, name: &str, site: &str) {
    take(hub, from, vec![signal(Action::Resolve, name, site)]).await.unwrap();
}

async fn inhibit(hub: &Hub, by: &Principal, more: Value) -> Result<Inhibition, HubError> {
    let mut input = json!({"name": "cut off", "source": "alertname=\"CutOff\"", "target": "alertname!=\"CutOff\"",
        "equal": ["site"]});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    configure::create::<Inhibitions>(hub, by, serde_json::from_value(input).unwrap()).await
}

async fn change(hub: &Hub, by: &Principal, enabled: bool) {
    let input = json!({"name": "cut off", "source": "alertname=\"CutOff\"", "target": "alertname!=\"CutOff\"",
        "equal": ["site"], "enabled": enabled});
    let input = serde_json::from_value(input).unwrap();
    configure::update::<Inhibitions>(hub, by, "cut off", input).await.unwrap();
}

async fn incident(hub: &Hub, title: &str) -> Incident {
    let rows = hub.store.open_incidents().await.unwrap();
    let row = rows.iter().find(|row| row.title == title).unwrap_or_else(|| panic!("{title} is not open"));
    respond::read_state(row).unwrap()
}

/// An incident by hand.
async fn exercise(hub: &Hub, key: &str, test: bool) {
    let alert = respond::AlertTrigger { test, summary: "Exercise".into(), ..alert(key) };
    respond::trigger(hub, alert, Vec::new()).await.unwrap();
}

/// Whether somebody was asked.
fn paged(incident: &Incident) -> bool {
    !incident.paged.is_empty() || incident.catch_all_paged
}

/// Waits for the hub's own clockwork.
async fn until(hub: &Hub, title: &str, is_so: impl Fn(&Incident) -> bool) -> Incident {
    for _ in 0..100 {
        let now = incident(hub, title).await;
        if is_so(&now) {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("waited in vain for {title}: {:?}", incident(hub, title).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_from_a_cause_pages_when_the_cause_is_over() {
    let scene = Scene::new(None).await;
    let (hub, admin, from) = (&scene.hub, scene.admin().await, prometheus(&scene).await);
    inhibit(hub, &admin, json!({})).await.unwrap();
    begin(hub, &from, &[("CutOff", "north")]).await;
    begin(hub, &from, &[("Disk", "north"), ("Disk", "south")]).await;
    let (cause, follows) = (incident(hub, "CutOff at north").await, incident(hub, "Disk at north").await);
    assert!(paged(&cause) && cause.suppressed.is_none());
    let words =
        format!("the inhibition \"cut off\": inhibited by the alert \"CutOff\" of incident {}", cause.number);
    assert_eq!(follows.suppressed.as_deref(), Some(words.as_str()));
    assert!(!paged(&follows) && follows.pending_actions.is_empty());
    assert!(paged(&incident(hub, "Disk at south").await), "it is elsewhere");
    let shown = configure::view_all::<Inhibitions>(hub).await.unwrap().remove(0);
    assert_eq!((shown.open_sources, shown.inhibited_alerts), (1, 1));

    end(hub, &from, "CutOff", "north").await;
    let page = until(hub, "Disk at north", |one| one.suppressed.is_none()).await;
    assert!(paged(&page), "its page goes out now");
    let timeline = hub.store.timeline(page.id).await.unwrap();
    let said = |text: &str| timeline.iter().any(|line| line.text.contains(text));
    assert!(said(&format!("not paged: suppressed by {words}")) && said("what kept it quiet ended"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cause_that_is_told_of_later_stops_the_steps_that_would_follow() {
    let scene = Scene::new(None).await;
    let (hub, admin, from) = (&scene.hub, scene.admin().await, prometheus(&scene).await);
    inhibit(hub, &admin, json!({})).await.unwrap();
    begin(hub, &from, &[("Disk", "north")]).await;
    assert!(paged(&incident(hub, "Disk at north").await), "nothing else is wrong yet");
    begin(hub, &from, &[("CutOff", "north")]).await;
    let quiet = until(hub, "Disk at north", |one| one.suppressed.is_some()).await;
    assert!(quiet.pending_actions.is_empty());
    // Its end is told to whoever was paged for it, whatever else is wrong.
    end(hub, &from, "Disk", "north").await;
    let ended = hub.store.incident(quiet.id).await.unwrap().unwrap();
    assert!(ended.resolved_at.is_some());
    let notices = hub.store.timeline(quiet.id).await.unwrap();
    assert!(notices.iter().any(|line| line.kind == "resolved"), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_one_call_causes_are_taken_first_and_the_keys_keep_their_order() {
    let scene = Scene::new(None).await;
    let (hub, admin, from) = (&scene.hub, scene.admin().await, prometheus(&scene).await);
    inhibit(hub, &admin, json!({})).await.unwrap();
    let chain =
        json!({"name": "database", "source": "alertname=\"Database\"", "target": "alertname=\"Shop\""});
    inhibit(hub, &admin, chain).await.unwrap();
    let told = [("Shop", "north"), ("Database", "north"), ("CutOff", "north")];
    let signals = told.iter().map(|(name, site)| signal(Action::Trigger, name, site)).collect();
    let keys = take(hub, &from, signals).await.unwrap();
    assert_eq!(keys, ["Shop/north", "Database/north", "CutOff/north"]);
    for title in ["Shop at north", "Database at north"] {
        let quiet = incident(hub, title).await;
        assert!(quiet.suppressed.is_some() && !paged(&quiet), "{title}");
    }
    assert!(paged(&incident(hub, "CutOff at north").await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_begins_and_ends_with_a_change_of_itself_and_a_drill_is_no_cause() {
    let scene = Scene::new(None).await;
    let (hub, admin, from) = (&scene.hub, scene.admin().await, prometheus(&scene).await);
    begin(hub, &from, &[("CutOff", "north"), ("Disk", "north")]).await;
    inhibit(hub, &admin, json!({})).await.unwrap();
    until(hub, "Disk at north", |one| one.suppressed.is_some()).await;
    change(hub, &admin, false).await;
    assert_eq!(incident(hub, "Disk at north").await.suppressed, None, "told with the change itself");
    change(hub, &admin, true).await;
    until(hub, "Disk at north", |one| one.suppressed.is_some()).await;
    configure::delete::<Inhibitions>(hub, &admin, "cut off").await.unwrap();
    assert_eq!(incident(hub, "Disk at north").await.suppressed, None);

    let by_drill = json!({"name": "drill", "source": "alertname=\"Exercise\"", "target": "alertname=\"Disk\"", "equal": []});
    inhibit(hub, &admin, by_drill).await.unwrap();
    exercise(hub, "drill", true).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(incident(hub, "Disk at north").await.suppressed, None);
    exercise(hub, "no drill", false).await;
    until(hub, "Disk at north", |one| one.suppressed.is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_one_is_said_and_rights_are_those_of_silences() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    for (field, more) in [
        ("name", json!({"name": ""})),
        ("source", json!({"source": "site=~\".*\""})),
        ("source", json!({"source": ""})),
        ("target", json!({"target": ""})),
        ("target", json!({"target": "site!=\"x\",zone=~\"(\""})),
        ("equal", json!({"equal": ["no label"]})),
        ("equal", json!({"equal": ["site", "site"]})),
        ("comment", json!({"comment": "two\nlines"})),
    ] {
        match inhibit(hub, &admin, more.clone()).await {
            Err(HubError::Invalid { field: said, .. }) => assert_eq!(said, field, "{more}"),
            other => panic!("{more}: {other:?}"),
        }
    }
    let all = inhibit(hub, &admin, json!({"target": "alertname=\"Disk\""})).await.unwrap();
    let again = inhibit(hub, &admin, json!({})).await;
    assert!(matches!(again, Err(HubError::Conflict(_))), "{again:?}");
    let own = Principal { servers: Some("env=\"test\"".parse().unwrap()), ..admin.clone() };
    let made = inhibit(hub, &own, json!({"name": "own"})).await.unwrap();
    assert_eq!(made.servers.as_deref(), Some("{env=\"test\"}"));
    let delete = configure::delete::<Inhibitions>(hub, &own, &all.id.to_string()).await;
    assert!(matches!(delete, Err(HubError::Forbidden(_))), "{delete:?}");
    configure::delete::<Inhibitions>(hub, &own, "own").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cause_at_one_hub_keeps_quiet_what_follows_at_the_other() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    inhibit(&one.hub, &one.admin().await, json!({})).await.unwrap();
    let from = prometheus(&one).await;
    begin(&one.hub, &from, &[("CutOff", "north")]).await;
    for _ in 0..100 {
        if !two.hub.objects().inhibits.is_empty() && configure::find::<Integrations>(&two.hub, "prom").is_ok()
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // What the other hub read before is believed for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    begin(&two.hub, &from, &[("Disk", "north")]).await;
    let quiet = incident(&two.hub, "Disk at north").await;
    assert!(quiet.suppressed.is_some() && !paged(&quiet), "{quiet:?}");
    end(&two.hub, &from, "CutOff", "north").await;
    until(&one.hub, "Disk at north", paged).await;
}
