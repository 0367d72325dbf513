//! Idempotent scripts are tried again where nobody knows their end, others never; each try has an id of its own.

use std::collections::HashSet;

use serde_json::{Value, json};
use watchtower_api_types::{Role, UserPatch};
use watchtower_hub::access;
use watchtower_hub::jobs::{halt, runs};
use watchtower_store::{ExecutionRow, ExecutionUpdate, RunRow};
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

/// A run of the script, which differs from the usual one in this, under way on two servers.
async fn under_way(database_url: Option<String>, script: Value, automation: Value) -> (Scene, RunRow) {
    let mut scene = Scene::new(database_url).await;
    scene.server("web-1").await;
    scene.server("web-2").await;
    scene.script(script).await;
    scene.automation(&scene.admin().await, automation).await;
    scene.next_hour().await;
    let run = scene.runs().await.remove(0);
    (scene, run)
}

/// The latest tries, in the order of the run.
async fn present(scene: &Scene, run: &RunRow) -> Vec<ExecutionRow> {
    scene.hub.store.executions_of(run.id).await.unwrap()
}

async fn end(scene: &Scene, execution: &ExecutionRow, state: &'static str) {
    let (reason, finished_at) = (Some("nobody knows".into()), Some(scene.hub.now()));
    let update = ExecutionUpdate { state, reason, finished_at, ..ExecutionUpdate::default() };
    runs::record(&scene.hub, execution, update).await.unwrap();
}

async fn three_tries(database_url: Option<String>) {
    let (mut scene, run) = under_way(database_url, json!({"idempotent": true}), json!({})).await;
    assert_eq!(scene.commands(), 2);
    let mut ids = HashSet::new();
    for number in [1, 2] {
        let execution = present(&scene, &run).await.remove(0);
        assert_eq!((execution.try_number, execution.state.as_str()), (number, "dispatched"));
        ids.insert(execution.id);
        end(&scene, &execution, "lost").await;
        // An agent that was not heard tells it again: that makes no further try.
        end(&scene, &execution, "lost").await;
        assert_eq!(scene.commands(), 1, "one command for the next try");
    }
    let parts = present(&scene, &run).await;
    assert_eq!((parts.len(), parts[0].try_number, parts[1].try_number), (2, 3, 1));
    assert_eq!(parts[0].reason.as_deref(), Some("third try: the second was lost (nobody knows)"));
    ids.insert(parts[0].id);
    assert_eq!(ids.len(), 3);
    end(&scene, &parts[1], "succeeded").await;
    assert_eq!(scene.runs().await[0].state, "running", "a try is under way");
    end(&scene, &parts[0], "lost").await;
    assert_eq!((scene.commands(), scene.runs().await[0].state.as_str()), (0, "partial"), "three are enough");
    let earlier = scene.hub.store.earlier_tries_of(run.id).await.unwrap();
    assert_eq!(earlier.iter().map(|part| part.state.as_str()).collect::<Vec<_>>(), ["lost", "lost"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotent_script_is_tried_three_times() {
    three_tries(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotent_script_is_tried_three_times_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    three_tries(Some(postgres.database())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_try_that_succeeds_makes_the_run_succeed() {
    let (scene, run) = under_way(None, json!({"idempotent": true}), json!({})).await;
    let parts = present(&scene, &run).await;
    end(&scene, &parts[1], "succeeded").await;
    end(&scene, &parts[0], "expired").await;
    let second = present(&scene, &run).await.remove(0);
    end(&scene, &second, "succeeded").await;
    assert_eq!(
        (scene.runs().await[0].state.as_str(), scene.newest().await.0.as_str()),
        ("succeeded", "succeeded")
    );
}

/// What became of the run whose first part ends so: how many tries there were.
async fn tries_after(scene: &Scene, run: &RunRow, state: &'static str) -> i64 {
    let execution = present(scene, run).await.remove(0);
    end(scene, &execution, state).await;
    present(scene, run).await[0].try_number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_never_tried_again() {
    let (scene, run) = under_way(None, json!({}), json!({})).await;
    assert_eq!(tries_after(&scene, &run, "lost").await, 1, "not idempotent");
    for state in ["failed", "timed_out", "cancelled", "rejected"] {
        let (scene, run) = under_way(None, json!({"idempotent": true}), json!({})).await;
        assert_eq!(tries_after(&scene, &run, state).await, 1, "{state}: it is known how it ended");
    }
    let one_at_once = json!({"rollout": {"at_once": "1"}});
    let (scene, run) = under_way(None, json!({"idempotent": true}), one_at_once).await;
    let waits = present(&scene, &run).await.remove(1);
    end(&scene, &waits, "expired").await;
    assert_eq!(present(&scene, &run).await[1].try_number, 1, "its turn did not come");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stopped_stays_stopped() {
    let (scene, run) = under_way(None, json!({"idempotent": true}), json!({})).await;
    runs::cancel(&scene.hub, run.id).await.unwrap();
    assert_eq!(tries_after(&scene, &run, "lost").await, 1, "cancelled");
    let (scene, run) = under_way(None, json!({"idempotent": true}), json!({})).await;
    halt::begin(&scene.hub, "ada", "a fire").await.unwrap();
    assert_eq!(tries_after(&scene, &run, "lost").await, 1, "halted");
    // Whose right it was is asked for at each try.
    let mut scene = Scene::new(None).await;
    scene.server("web-1").await;
    scene.script(json!({"idempotent": true})).await;
    let (ada, _) = (scene.user("ada", Role::Admin).await, scene.user("eve", Role::Admin).await);
    scene.automation(&ada, json!({})).await;
    scene.next_hour().await;
    let user = scene.hub.store.user(ada.user.unwrap()).await.unwrap().unwrap();
    let disabled = UserPatch { disabled: Some(true), ..UserPatch::default() };
    access::patch_user(&scene.hub, user, disabled).await.unwrap();
    let run = scene.runs().await.remove(0);
    assert_eq!(tries_after(&scene, &run, "lost").await, 1, "who started it is gone");
}
