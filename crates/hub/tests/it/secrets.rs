//! Values of secret parameters: never in the clear in the database, whole on the server.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_api_types::KeyKind;
use watchtower_hub::configure::{self, Automations, Noun, Scripts};
use watchtower_hub::keys;
use watchtower_hub::objects::AutomationBody;
use watchtower_protocol::CommandBody;
use watchtower_store::{Statement, Store, objects as stored};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, input};

const SECRET: &str = "Zk7-ninety-quiet-Otters";
const OTHER: &str = "eleven-Loud-Herons-42";

fn script(secret: bool) -> Value {
    json!({"parameters": [
        {"name": "PASSWORD", "kind": "text", "secret": secret, "required": true},
        {"name": "PLAIN", "kind": "text"},
    ]})
}

async fn scene(database_url: Option<String>, secret: bool) -> Scene {
    let mut scene = Scene::new(database_url).await;
    scene.server("web-1").await;
    scene.script(script(secret)).await;
    scene
}

fn values(password: &str) -> Value {
    json!({"parameters": {"PASSWORD": password, "PLAIN": "readable-value"}})
}

/// The values with which the commands since the last look have come to the server.
fn sent(scene: &mut Scene) -> Vec<String> {
    let password = |body| match body {
        CommandBody::Run(run) => run.environment.get("PASSWORD").cloned(),
        _ => None,
    };
    scene.received().into_iter().filter_map(|command| password(command.body)).collect()
}

/// How often this occurs in the files of the database.
fn occurs(scene: &Scene, text: &str) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(scene.dir.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("watchtower.db") {
            let bytes = std::fs::read(entry.path()).unwrap();
            count += bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_never_holds_one_in_the_clear() {
    let mut scene = scene(None, true).await;
    let admin = scene.admin().await;
    let made = scene.automation(&admin, values(SECRET)).await;
    assert_eq!(made.parameters.keys().collect::<Vec<_>>(), ["PLAIN"], "it is not shown");
    scene.next_hour().await;
    assert_eq!(sent(&mut scene), [SECRET]);
    // Left out, it stays; given, it is another, in every version.
    scene.change(&admin, json!({"parameters": {"PLAIN": "readable-value"}})).await;
    scene.end_newest("succeeded").await;
    scene.change(&admin, values(OTHER)).await;
    // A run that waits keeps it sealed.
    configure::update::<Automations>(
        &scene.hub,
        &admin,
        "hourly",
        input(json!({"mode": "approve", "parameters": {"PASSWORD": "", "PLAIN": "readable-value"}})),
    )
    .await
    .unwrap();
    scene.next_hour().await;
    let waiting = scene.runs().await.remove(0);
    assert!(waiting.state == "awaiting_approval" && waiting.sealed.starts_with("v1:"), "{}", waiting.state);
    let ada = scene.user("ada", watchtower_api_types::Role::Admin).await;
    watchtower_hub::jobs::rollout::approve(&scene.hub, &waiting, &ada).await.unwrap();
    assert_eq!(sent(&mut scene), [OTHER]);
    scene.end_newest("succeeded").await;
    assert_eq!(scene.runs().await[0].sealed, "", "it does not outlive its run");
    assert!(occurs(&scene, "readable-value") > 0, "these are the files");
    assert_eq!((occurs(&scene, SECRET), occurs(&scene, OTHER)), (0, 0));
}

/// As an earlier build stored it: readable, in an automation, its history and two runs.
async fn store_readable(scene: &Scene) {
    let automation = configure::find::<Automations>(&scene.hub, "hourly").unwrap();
    let mut body = AutomationBody { sealed: None, ..automation.body.clone() };
    body.parameters.insert("PASSWORD".into(), SECRET.into());
    let now = scene.hub.now();
    let mut statements = stored::update(automation.id, automation.version, &body, "ada", now);
    for run in scene.runs().await {
        let body = run.body.replace("\"PASSWORD\":\"\"", &format!("\"PASSWORD\":\"{SECRET}\""));
        assert!(body.contains(SECRET), "{body}");
        statements.push(Store::conceal_run(&run, &body, ""));
    }
    statements.push(Statement::new("DELETE FROM meta WHERE key = 'run_secrets_sealed'", Vec::new()));
    scene.hub.store.commit(statements).await.unwrap();
}

/// Another hub on this database, which starts now.
async fn started_again(scene: &Scene, database_url: Option<String>) -> Scene {
    if let Some(url) = database_url {
        let mut other = scene.beside(url).await;
        other.connect_all();
        return other;
    }
    let copy = scene.dir.path().join("copy.db");
    scene.hub.store.db().copy_to(&copy).await.unwrap();
    scene.restored(&copy).await
}

async fn documents(scene: &Scene) -> Vec<String> {
    let mut out = Vec::new();
    for past in [false, true] {
        let nil = watchtower_model::Id::NIL;
        let found = scene.hub.store.documents::<AutomationBody>(past, (nil, 0), 100).await.unwrap();
        out.extend(found.into_iter().map(|document| document.text));
    }
    out
}

async fn sealed_later(database_url: Option<String>) {
    let mut scene = scene(database_url.clone(), false).await;
    let admin = scene.admin().await;
    let made = scene.automation(&admin, values(SECRET)).await;
    assert_eq!(made.parameters["PASSWORD"], SECRET, "nobody called it secret");
    let name = json!({"name": "nightly", "body": "true\n"});
    let mut secret = script(true);
    secret.as_object_mut().unwrap().extend(name.as_object().unwrap().clone());
    let secret = serde_json::from_value(secret).unwrap();
    configure::update::<Scripts>(&scene.hub, &admin, "nightly", secret).await.unwrap();
    let texts = documents(&scene).await;
    assert!(texts.len() == 2 && texts.iter().all(|text| !text.contains(SECRET) && text.contains("v1:")));
    // At a start, too: what an earlier build has left, in a run that has ended and one that waits.
    scene.next_hour().await;
    assert_eq!(sent(&mut scene), [SECRET]);
    scene.end_newest("succeeded").await;
    scene.change(&admin, json!({"mode": "approve", "parameters": {"PLAIN": "readable-value"}})).await;
    scene.next_hour().await;
    store_readable(&scene).await;
    let mut scene = started_again(&scene, database_url).await;
    let texts = documents(&scene).await;
    assert!(texts.len() == 4 && texts.iter().all(|text| !text.contains(SECRET) && text.contains("v1:")));
    let runs = scene.runs().await;
    assert!(runs.iter().all(|run| !run.body.contains(SECRET)));
    assert!(runs[0].sealed.starts_with("v1:") && runs[1].sealed.is_empty());
    let ada = scene.user("ada", watchtower_api_types::Role::Admin).await;
    watchtower_hub::jobs::rollout::approve(&scene.hub, &runs[0], &ada).await.unwrap();
    assert_eq!(sent(&mut scene), [SECRET]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_before_is_sealed_later() {
    sealed_later(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_before_is_sealed_later_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    sealed_later(Some(postgres.database())).await;
}

/// A new master key: what is sealed with the old one is sealed anew, in documents, their history and runs that wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_key_takes_them_along() {
    let mut scene = scene(None, true).await;
    let admin = scene.admin().await;
    let mut approve = values(SECRET);
    approve["mode"] = json!("approve");
    scene.automation(&admin, approve).await;
    scene.next_hour().await;
    let run = || async { scene.runs().await.remove(0) };
    let old = run().await.sealed.split(':').nth(1).unwrap().to_string();
    assert_eq!(scene.hub.store.count_sealed_with(&old).await.unwrap(), 3, "document, history, run");
    keys::rotate(&scene.hub, KeyKind::Master, "ada").await.unwrap();
    let mut left = 3;
    for _ in 0..200 {
        left = scene.hub.store.count_sealed_with(&old).await.unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(left, 0);
    let waiting = run().await;
    assert!(waiting.sealed.starts_with("v1:") && !waiting.sealed.contains(&old));
    let ada = scene.user("ada", watchtower_api_types::Role::Admin).await;
    watchtower_hub::jobs::rollout::approve(&scene.hub, &waiting, &ada).await.unwrap();
    assert_eq!(sent(&mut scene), [SECRET]);
    let shown = scene.shown().await;
    assert!(!shown.parameters.contains_key("PASSWORD"));
    let stored = configure::find::<Automations>(&scene.hub, "hourly").unwrap();
    assert!(Automations::view(&scene.hub, &stored, true).await.is_ok());
}
