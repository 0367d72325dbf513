//! Automations that act as a team: they outlive who saved them, and stop when the team may not do it any more.

use serde_json::{Value, json};
use watchtower_api_types::{Automation, Role, UserPatch};
use watchtower_hub::access::{self, Principal};
use watchtower_hub::configure::{self, Automations, Teams};
use watchtower_hub::jobs::consider;
use watchtower_hub::{HubError, random};
use watchtower_model::{Labels, Severity};
use watchtower_store::{AlertRow, Json, Store};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, input};

async fn scene(database_url: Option<String>) -> Scene {
    let mut scene = Scene::new(database_url).await;
    scene.server("web-1").await;
    scene.server("web-2").await;
    scene.script(json!({})).await;
    scene
}

/// The team `payments`, with these members and rights.
async fn team(scene: &Scene, by: &Principal, members: &[&Principal], rights: Value) -> Result<(), HubError> {
    let members: Vec<_> = members.iter().filter_map(|member| member.user).collect();
    let mut team = json!({"name": "payments", "members": members});
    team.as_object_mut().unwrap().extend(rights.as_object().unwrap().clone());
    let team = serde_json::from_value(team).unwrap();
    if configure::find::<Teams>(&scene.hub, "payments").is_ok() {
        configure::update::<Teams>(&scene.hub, by, "payments", team).await.map(drop)
    } else {
        configure::create::<Teams>(&scene.hub, by, team).await.map(drop)
    }
}

async fn change(scene: &Scene, who: &Principal, patch: UserPatch) {
    let user = scene.hub.store.user(who.user.unwrap()).await.unwrap().unwrap();
    access::patch_user(&scene.hub, user, patch).await.unwrap();
}

async fn disable(scene: &Scene, who: &Principal) {
    change(scene, who, UserPatch { disabled: Some(true), ..UserPatch::default() }).await;
}

/// Why the newest firing did not run.
async fn skipped(scene: &Scene) -> String {
    scene.next_hour().await;
    let (state, reason) = scene.newest().await;
    assert_eq!(state, "skipped", "{reason}");
    reason
}

async fn outlives_its_maker(database_url: Option<String>) {
    let scene = scene(database_url).await;
    let admin = scene.admin().await;
    let (ada, _) = (scene.user("ada", Role::Admin).await, scene.user("eve", Role::Admin).await);
    team(&scene, &admin, &[&ada], json!({"role": "operator"})).await.unwrap();
    let made = scene.automation(&ada, json!({"team": "payments"})).await;
    assert_eq!((made.stands_for.as_deref(), made.team.as_deref()), (Some("team payments"), Some("payments")));
    disable(&scene, &ada).await;
    scene.next_hour().await;
    let run = scene.runs().await.remove(0);
    assert!(run.authority.starts_with("team:"), "{}", run.authority);
    scene.end_newest("succeeded").await;
    // Its rights are those of the moment, and what they lack is said.
    team(&scene, &admin, &[], json!({})).await.unwrap();
    assert_eq!(skipped(&scene).await, "team payments has no rights of its own any more");
    assert_eq!(scene.events("automation.refused").await, 1);
    team(&scene, &admin, &[], json!({"role": "operator", "servers": "name=web-1"})).await.unwrap();
    let reason = skipped(&scene).await;
    assert!(reason.contains("team payments may not do this on web-2"), "{reason}");
    team(&scene, &admin, &[], json!({"role": "responder"})).await.unwrap();
    let reason = skipped(&scene).await;
    assert!(reason.contains("needs the role operator; you are responder"), "{reason}");
    configure::delete::<Teams>(&scene.hub, &admin, "payments").await.unwrap();
    assert_eq!(skipped(&scene).await, "the team that it acts as was deleted");
    assert_eq!(scene.shown().await.stands_for.as_deref(), Some("A team that was deleted"));
    let taken = configure::take_over(&scene.hub, &admin, "hourly").await.unwrap();
    assert_eq!((taken.stands_for.as_deref(), taken.team), (Some("bootstrap"), None));
    scene.next_hour().await;
    assert_eq!(scene.newest().await.0, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teams_automation_outlives_who_saved_it() {
    outlives_its_maker(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teams_automation_outlives_who_saved_it_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    outlives_its_maker(Some(postgres.database())).await;
}

/// By a team's right is done what whoever saved it may do, not more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_a_teams_automation_more_than_they_may() {
    let scene = scene(None).await;
    let admin = scene.admin().await;
    let (ada, otto) = (scene.user("ada", Role::Admin).await, scene.user("otto", Role::Operator).await);
    scene.user("eve", Role::Admin).await;
    let save = async |by: &Principal| -> Result<Automation, HubError> {
        let more = json!({"name": format!("of {}", by.name), "team": "payments"});
        configure::create::<Automations>(&scene.hub, by, input(more)).await
    };
    assert!(matches!(save(&admin).await, Err(HubError::Invalid { .. })), "there is no such team");
    team(&scene, &otto, &[&otto], json!({})).await.unwrap();
    let error = save(&admin).await.unwrap_err().to_string();
    assert!(error.contains("needs the role operator first"), "{error}");
    // Who may name members may not name rights, nor take them away.
    let rights = json!({"role": "admin"});
    assert!(matches!(team(&scene, &otto, &[&otto], rights.clone()).await, Err(HubError::Forbidden(_))));
    team(&scene, &admin, &[], rights.clone()).await.unwrap();
    team(&scene, &otto, &[&otto], rights).await.unwrap();
    assert!(matches!(team(&scene, &otto, &[], json!({})).await, Err(HubError::Forbidden(_))));
    // An administrator of some servers: a member, and only where they may themselves.
    let some = |on: &str| UserPatch { servers: Some(on.into()), ..UserPatch::default() };
    change(&scene, &ada, some("name=web-1")).await;
    let ada = access::current(&scene.hub, ada.authority).await.unwrap();
    let refused = save(&ada).await.unwrap_err().to_string();
    assert!(refused.contains("you are not in team payments"), "{refused}");
    team(&scene, &admin, &[&ada], json!({"role": "admin"})).await.unwrap();
    let refused = save(&ada).await.unwrap_err().to_string();
    assert!(refused.contains("you may not do this on web-2"), "{refused}");
    change(&scene, &ada, some("env=prod")).await;
    let ada = access::current(&scene.hub, ada.authority).await.unwrap();
    save(&ada).await.unwrap();
    save(&admin).await.unwrap();
}

/// The `identity` gate of the one attempt that an alert on web-1 leads to.
async fn asked(scene: &Scene, automation: &str) -> (bool, String) {
    let server = scene.hub.servers.find("web-1").unwrap().id;
    let now = scene.hub.now();
    let alert = AlertRow {
        id: random::id(now).into(),
        source: "api".into(),
        dedup_key: random::id(now).to_string(),
        state: "firing".into(),
        severity: Severity::Error,
        summary: "something is wrong".into(),
        description: String::new(),
        labels: Json(Labels::from_pairs([("problem", automation)])),
        value: None,
        rule_id: None,
        server_id: Some(server),
        incident_id: None,
        count: 1,
        first_seen_at: now,
        last_seen_at: now,
        resolved_at: None,
        ends_at: None,
    };
    scene.hub.store.commit(vec![Store::insert_alert(&alert)]).await.unwrap();
    consider::consider(&scene.hub, &alert).await.unwrap();
    let stored = configure::find::<Automations>(&scene.hub, automation).unwrap();
    let view = <Automations as configure::Noun>::view(&scene.hub, &stored, true).await.unwrap();
    let gate = view.attempts[0].gates.iter().find(|gate| gate.name == "identity").unwrap();
    (gate.passed, gate.reason.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_alerts_whose_right_counts_is_asked_for_too() {
    let scene = scene(None).await;
    let admin = scene.admin().await;
    let (ada, _) = (scene.user("ada", Role::Admin).await, scene.user("eve", Role::Admin).await);
    team(&scene, &admin, &[&ada], json!({"role": "operator"})).await.unwrap();
    for (name, team) in [("own", Value::Null), ("teams", json!("payments"))] {
        let trigger = json!({"matchers": format!("problem={name}")});
        let body =
            json!({"name": name, "mode": "auto", "script": "nightly", "trigger": trigger, "team": team});
        let made = configure::create::<Automations>(&scene.hub, &ada, serde_json::from_value(body).unwrap());
        made.await.unwrap();
        assert!(asked(&scene, name).await.0);
    }
    disable(&scene, &ada).await;
    let (passed, reason) = asked(&scene, "own").await;
    assert!(!passed && reason.contains("ada may not act here any more"), "{reason}");
    assert!(asked(&scene, "teams").await.0);
    team(&scene, &admin, &[], json!({"role": "operator", "servers": "name=web-2"})).await.unwrap();
    let (passed, reason) = asked(&scene, "teams").await;
    assert!(!passed && reason.contains("team payments may not do this on web-1"), "{reason}");
    configure::take_over(&scene.hub, &admin, "own").await.unwrap();
    assert!(asked(&scene, "own").await.0);
}
