//! Many changes of configuration in one request: all of them or none, in few transactions, by whom each is for.

use serde_json::{Value, json};
use watchtower_api_types::{ConfigApplied, ConfigChange, Role};
use watchtower_hub::access::Principal;
use watchtower_hub::configure::{self, Integrations, Routes, Rules, Services, Teams};
use watchtower_hub::{Hub, HubError, objects::TeamBody};
use watchtower_store::objects as stored;
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn create(noun: &str, number: usize, input: Value) -> Value {
    json!({"action": "create", "noun": noun, "id": id(number), "input": input})
}

fn rule(number: usize) -> Value {
    create("rule", number, json!({"name": format!("rule {number}"), "kind": "metric", "expr": "up == 0"}))
}

async fn apply(hub: &Hub, by: &Principal, changes: Vec<Value>) -> Result<ConfigApplied, HubError> {
    let changes: Vec<ConfigChange> = serde_json::from_value(changes.into()).unwrap();
    configure::apply(hub, by, changes).await
}

async fn audited(hub: &Hub, action: &str) -> Vec<String> {
    let rows = hub.store.audit(i64::MAX, None, Some(action), 1000).await.unwrap();
    rows.into_iter().map(|row| row.object).collect()
}

fn whole() -> Vec<Value> {
    let step = json!({"delay_seconds": 60, "targets": [{"kind": "team", "id": id(1)}]});
    let route = |number, env: &str, place| {
        let matchers = format!("env=\"{env}\"");
        create("route", number, json!({"matchers": matchers, "service_id": id(3), "position": place}))
    };
    vec![
        create("team", 1, json!({"name": "ops"})),
        create("policy", 2, json!({"name": "climb", "steps": [step]})),
        create("service", 3, json!({"name": "payments", "policy_id": id(2), "team_id": id(1)})),
        route(4, "a", 0),
        route(5, "b", 0),
        route(6, "c", 1),
        create("integration", 7, json!({"name": "grafana", "kind": "grafana", "service_id": id(3)})),
        rule(8),
    ]
}

async fn makes_all_in_one_go(database_url: Option<String>) {
    let scene = Scene::new(database_url).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let applied = apply(hub, &admin, whole()).await.unwrap();
    assert_eq!((applied.done.len(), &applied.stopped), (8, &None));
    let key = applied.done[6].key.as_deref().unwrap();
    let integration = configure::find::<Integrations>(hub, "grafana").unwrap();
    assert_eq!(integration.body.key_hash.as_deref(), Some(&*watchtower_hub::random::hash_secret(key)));
    assert!(applied.done.iter().enumerate().all(|(at, done)| at == 6 || done.key.is_none()));
    let service = configure::find::<Services>(hub, "payments").unwrap();
    assert_eq!(
        (service.id, integration.body.service_id.map(|id| id.0)),
        (applied.done[2].id, Some(service.id))
    );
    assert_eq!(service.body.0.policy_id.0, applied.done[1].id);
    let routes = configure::view_all::<Routes>(hub).await.unwrap();
    let order: Vec<&str> = routes.iter().map(|route| route.matchers.as_str()).collect();
    assert_eq!(order[..3], ["{env=\"b\"}", "{env=\"c\"}", "{env=\"a\"}"]);
    assert_eq!(audited(hub, "service.create").await, ["payments"]);
    assert_eq!(hub.store.verify_audit().await.unwrap(), None);

    // Changed, moved and removed in one request, against what was read; what a step moves is not a change by somebody else.
    let versions = configure::versions(hub);
    let read = |at: usize| versions.items.iter().find(|one| one.id == applied.done[at].id).unwrap().version;
    let update = |noun: &str, at: usize, input: Value| json!({"action": "update", "noun": noun, "id": applied.done[at].id, "input": input, "read": read(at)});
    let to = |place, env: &str| json!({"matchers": format!("env=\"{env}\""), "service_id": service.id, "position": place});
    let described = |text| json!({"name": "payments", "policy_id": applied.done[1].id, "description": text});
    let changes = vec![
        update("route", 3, to(0, "a")),
        update("route", 5, to(1, "c")),
        update("service", 2, described("who is awake")),
        update("service", 2, described("who is asleep")),
        json!({"action": "delete", "noun": "rule", "id": applied.done[7].id, "read": read(7)}),
    ];
    let again = apply(hub, &admin, changes).await.unwrap();
    assert_eq!((again.done.len(), again.stopped), (5, None));
    let routes = configure::view_all::<Routes>(hub).await.unwrap();
    let order: Vec<&str> = routes.iter().map(|route| route.matchers.as_str()).collect();
    assert_eq!(order[..3], ["{env=\"a\"}", "{env=\"c\"}", "{env=\"b\"}"]);
    assert_eq!(configure::find::<Services>(hub, "payments").unwrap().body.0.description, "who is asleep");
    assert!(configure::find::<Rules>(hub, "rule 8").is_err());
    // The database says the same.
    hub.reload_objects().await.unwrap();
    assert_eq!(configure::view_all::<Routes>(hub).await.unwrap(), routes);
}

#[tokio::test]
async fn changes_refer_to_those_before_them_and_are_made_together() {
    makes_all_in_one_go(None).await;
    if let Some(postgres) = Postgres::start() {
        makes_all_in_one_go(Some(postgres.database())).await;
    }
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_named_and_nothing_is_written() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    let made = apply(hub, &admin, whole()).await.unwrap();
    let input = json!({"name": "payments", "policy_id": made.done[1].id, "description": "mine"});
    let service =
        json!({"action": "update", "noun": "service", "id": made.done[2].id, "input": input, "read": 1});
    apply(hub, &admin, vec![service.clone()]).await.unwrap();
    let refused = apply(hub, &admin, vec![rule(20), service, rule(21)]).await.unwrap_err();
    let HubError::Conflict(text) = &refused else { panic!("{refused}") };
    assert_eq!(text, "nothing was written; service \"payments\": it was changed by somebody else meanwhile");
    assert!(configure::find::<Rules>(hub, "rule 20").is_err());
    let gone = json!({"action": "delete", "noun": "rule", "id": id(99), "read": 1});
    let text = apply(hub, &admin, vec![rule(20), gone, rule(8)]).await.unwrap_err().to_string();
    assert!(
        text.contains("does not exist any more") && text.contains("rule \"rule 8\" exists already"),
        "{text}"
    );
    // Neither is anything written that is wrong: the change and its field are told.
    let wrong = create("rule", 22, json!({"name": "bad", "kind": "metric", "expr": "sum("}));
    let refused = apply(hub, &admin, vec![rule(20), wrong]).await.unwrap_err();
    assert!(matches!(&refused, HubError::Invalid { field, .. } if field == "changes[1].expr"), "{refused}");
    assert!(configure::find::<Rules>(hub, "rule 20").is_err());
}

#[tokio::test]
async fn each_change_needs_the_right_of_its_own_request() {
    let scene = Scene::new(None).await;
    scene.script(json!({})).await;
    let operator = scene.user("olga", Role::Operator).await;
    let automation = create("automation", 2, serde_json::to_value(crate::scene::input(json!({}))).unwrap());
    let refused = apply(&scene.hub, &operator, vec![rule(1), automation]).await.unwrap_err();
    let HubError::Forbidden(text) = &refused else { panic!("{refused}") };
    assert_eq!(text, "automation \"hourly\": needs the role admin; you are operator");
    assert!(configure::find::<Rules>(&scene.hub, "rule 1").is_err());
    assert_eq!(apply(&scene.hub, &operator, vec![rule(1)]).await.unwrap().done.len(), 1);
    let responder = scene.user("rita", Role::Responder).await;
    assert!(apply(&scene.hub, &responder, vec![rule(2)]).await.is_err());
}

/// Changes a team as another hub would, of which this one has not heard yet.
async fn changed_elsewhere(hub: &Hub) {
    let team = hub.store.find_object::<TeamBody>("ops").await.unwrap().unwrap();
    let statements = stored::update(team.id, team.version, &team.body, "eve", hub.now());
    hub.store.commit(statements).await.unwrap();
}

#[tokio::test]
async fn who_is_faster_at_another_hub_stops_it_and_what_is_done_is_told() {
    let scene = Scene::new(None).await;
    let (hub, admin) = (&scene.hub, scene.admin().await);
    apply(hub, &admin, vec![create("team", 1, json!({"name": "ops"}))]).await.unwrap();
    // A hub hears of another's changes each second: only what comes just before that is not seen before it is written.
    for round in 1..10 {
        let team = configure::find::<Teams>(hub, "ops").unwrap();
        let late = json!({"action": "delete", "noun": "team", "id": team.id, "read": team.version});
        let changes = (0..501).map(|number| rule(round * 1000 + number)).chain([late]).collect();
        changed_elsewhere(hub).await;
        let applied = match apply(hub, &admin, changes).await {
            Err(HubError::Conflict(_)) => continue,
            other => other.unwrap(),
        };
        let stopped = applied.stopped.unwrap();
        assert_eq!((applied.done.len(), stopped.index), (500, 501));
        assert!(stopped.message.contains("changed by somebody else"), "{}", stopped.message);
        assert!(configure::find::<Rules>(hub, &format!("rule {}", round * 1000 + 499)).is_ok());
        assert!(configure::find::<Rules>(hub, &format!("rule {}", round * 1000 + 500)).is_err());
        assert!(hub.store.find_object::<TeamBody>("ops").await.unwrap().is_some());
        assert_eq!(audited(hub, "rule.create").await.len(), 500);
        assert_eq!(hub.store.verify_audit().await.unwrap(), None);
        return;
    }
    panic!("each time the change elsewhere was seen first");
}

#[tokio::test]
async fn a_request_has_a_bound() {
    let scene = Scene::new(None).await;
    let admin = scene.admin().await;
    let refused = apply(&scene.hub, &admin, (0..10_001).map(rule).collect()).await.unwrap_err();
    assert!(refused.to_string().contains("at most 10000"), "{refused}");
}
