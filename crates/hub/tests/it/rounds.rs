//! Steps by turns: each has as many turns as the others, whichever hub pages, and a page that was not stored takes none.

use std::collections::HashMap;

use serde_json::{Value, json};
use watchtower_api_types::{Channel, Policy, Role, Service};
use watchtower_hub::configure::{self, Channels, Noun, Policies, Services};
use watchtower_hub::respond::{self, AlertTrigger};
use watchtower_hub::{Hub, HubError, access};
use watchtower_incident::{Actor, Incident, Target};
use watchtower_model::{IncidentId, ServiceId, Urgency, UserId};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, alert};

async fn make<N: Noun>(scene: &Scene, input: Value) -> N::View {
    let input = serde_json::from_value(input).unwrap();
    configure::create::<N>(&scene.hub, &scene.admin().await, input).await.unwrap()
}

async fn person(scene: &Scene, name: &str, reachable: bool) -> UserId {
    let config = json!({"kind": "webhook", "url": "https://chat.example/hook"});
    let input = json!({"name": name, "config": config, "enabled": reachable});
    let channel: Channel = make::<Channels>(scene, input).await;
    let id = scene.user(name, Role::Responder).await.user.unwrap();
    let user = scene.hub.store.user(id).await.unwrap().unwrap();
    let patch = serde_json::from_value(json!({"channels": [channel.id]})).unwrap();
    access::patch_user(&scene.hub, user, patch).await.unwrap();
    id
}

fn policy(people: &[UserId], repeat: u32) -> Value {
    let targets: Vec<Value> = people.iter().map(|id| json!({"kind": "user", "id": id})).collect();
    let step = json!({"delay_seconds": 600, "targets": targets, "strategy": "round_robin"});
    json!({"name": "round", "steps": [step], "repeat": repeat})
}

async fn service(scene: &Scene, people: &[UserId]) -> ServiceId {
    let made: Policy = make::<Policies>(scene, policy(people, 1)).await;
    let service: Service = make::<Services>(scene, json!({"name": "round", "policy_id": made.id})).await;
    service.id
}

async fn trouble(hub: &Hub, service: ServiceId, key: &str) -> Result<IncidentId, HubError> {
    let alert = AlertTrigger { service: Some(service), ..alert(key) };
    respond::trigger(hub, alert, Vec::new()).await.map(|id| id.unwrap())
}

async fn state(hub: &Hub, id: IncidentId) -> Incident {
    respond::read_state(&hub.store.incident(id).await.unwrap().unwrap()).unwrap()
}

async fn asked(hub: &Hub, id: IncidentId) -> Vec<Target> {
    state(hub, id).await.paged.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_has_a_turn_and_who_cannot_be_reached_gives_way() {
    let scene = Scene::new(None).await;
    let hub = &scene.hub;
    let people = [
        person(&scene, "ann", true).await,
        person(&scene, "ben", false).await,
        person(&scene, "zoe", true).await,
    ];
    let service = service(&scene, &people).await;
    let [ann, ben, zoe] = people.map(Target::User);
    let first = trouble(hub, service, "one").await.unwrap();
    assert_eq!(asked(hub, first).await, [ann]);
    let timeline = hub.store.timeline(first).await.unwrap();
    let turn = timeline.iter().find(|entry| entry.kind == "turn").unwrap();
    assert_eq!(turn.text, "step 1 asks ann, one of ann, ben, zoe by turns");
    // It is ben's turn, and nothing reaches him.
    let second = trouble(hub, service, "two").await.unwrap();
    let paged = state(hub, second).await.paged;
    assert!(paged.contains(&ben) && paged.contains(&zoe) && !paged.contains(&ann), "{paged:?}");
    let channels: Vec<_> =
        hub.store.outbox_of(second).await.unwrap().iter().map(|row| row.channel_id).collect();
    assert_eq!(channels.len(), 1);
    let plan = async || {
        let stored = configure::find::<Services>(hub, "round").unwrap();
        respond::page_plan(hub, &stored, Urgency::High, hub.now()).await.unwrap()
    };
    let told = plan().await;
    let next: Vec<_> =
        told.messages.iter().map(|one| (one.person.clone().unwrap(), one.target.clone())).collect();
    assert_eq!(next, [("ann".into(), "one of ann, ben, zoe by turns; next: ann".to_string())]);
    assert!(
        told.warnings.iter().any(|warning| warning.contains("no channel that is switched on reaches ben"))
    );
    // The round that repeats asks the next one.
    respond::escalate(hub, first, Actor::System).await.unwrap();
    respond::escalate(hub, first, Actor::System).await.unwrap();
    assert_eq!(plan().await.messages[0].person.as_deref(), Some("zoe"), "ann had two");
    // Whoever leaves the round is not waited for, and the others go on where they were.
    let admin = scene.admin().await;
    let smaller = serde_json::from_value(policy(&[people[2], people[0]], 0)).unwrap();
    configure::update::<Policies>(hub, &admin, "round", smaller).await.unwrap();
    let third = trouble(hub, service, "three").await.unwrap();
    assert_eq!(asked(hub, third).await, [zoe], "behind ann, who was last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_that_page_at_one_instant_ask_two_people() {
    let Some(postgres) = Postgres::start() else { return };
    let one = Scene::new(Some(postgres.database())).await;
    let people = [person(&one, "ann", true).await, person(&one, "ben", true).await];
    let service = service(&one, &people).await;
    let two = one.beside(one.hub.config.database_url.clone().unwrap()).await;
    let mut turns: HashMap<Target, usize> = HashMap::new();
    for round in 0..15 {
        let keys = [format!("here{round}"), format!("there{round}")];
        let (here, there) =
            tokio::join!(trouble(&one.hub, service, &keys[0]), trouble(&two.hub, service, &keys[1]));
        let both = [asked(&one.hub, here.unwrap()).await, asked(&one.hub, there.unwrap()).await].concat();
        assert!(both.len() == 2 && both[0] != both[1], "round {round}: {both:?}");
        for target in both {
            *turns.entry(target).or_default() += 1;
        }
    }
    assert_eq!(turns.into_values().collect::<Vec<_>>(), [15, 15]);
}
