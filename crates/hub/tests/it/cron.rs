//! Automations with a cron trigger: they fire once, and when they do not it is said why.

use serde_json::json;
use watchtower_api_types::{Role, UserPatch};
use watchtower_hub::HubError;
use watchtower_hub::access;
use watchtower_hub::configure::{self, Automations, Noun};
use watchtower_hub::jobs::{cron, halt, rollout};
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const HOUR_MS: i64 = 3_600_000;

async fn scene() -> Scene {
    let mut scene = Scene::new(None).await;
    scene.server("web-1").await;
    scene.server("web-2").await;
    scene.script(json!({})).await;
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_fires_when_due_and_says_how_it_ended() {
    let mut scene = scene().await;
    let admin = scene.admin().await;
    let made = scene.automation(&admin, json!({"rollout": {"at_once": "1"}})).await;
    assert_eq!(made.words.as_deref(), Some("every hour, on the hour, Europe/Berlin"));
    assert_eq!(made.next.len(), 5);
    let due = scene.due().await;
    assert_eq!(made.next[0].at.0, due);
    cron::tick(&scene.hub, due.plus_ms(-1)).await.unwrap();
    assert!(scene.firings().await.is_empty(), "its time has not come");
    scene.next_hour().await;
    let run = scene.runs().await.remove(0);
    assert_eq!((run.state.as_str(), run.started_by.as_str()), ("running", "automation hourly"));
    assert!(run.body.contains("WATCHTOWER_DUE_AT"), "{}", run.body);
    assert_eq!(scene.commands(), 1, "one at once");
    assert_eq!(scene.newest().await.0, "running");
    scene.end_newest("succeeded").await;
    assert_eq!(scene.newest().await.0, "succeeded");
    // The same moment again changes nothing.
    cron::tick(&scene.hub, due.plus_ms(2000)).await.unwrap();
    assert_eq!((scene.runs().await.len(), scene.due().await), (1, due.plus_ms(HOUR_MS)));
}

/// In real time: the hub's own clockwork looks, nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hub_looks_by_itself() {
    let scene = scene().await;
    let id = scene.automation(&scene.admin().await, json!({})).await.id;
    let due = watchtower_store::Store::set_due(id, scene.hub.now());
    scene.hub.store.commit(vec![due]).await.unwrap();
    for _ in 0..100 {
        if scene.newest().await.0 == "running" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("not fired within 10 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_firings_are_skipped_queued_or_allowed() {
    let scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    scene.next_hour().await;
    scene.next_hour().await;
    assert_eq!(scene.newest().await, ("skipped".into(), "the run of an earlier firing is not over".into()));
    let failed: Vec<String> =
        scene.firings().await[0].gates.iter().filter(|g| !g.passed).map(|g| g.name.clone()).collect();
    assert_eq!(failed, ["overlap"]);
    scene.change(&admin, json!({"trigger": {"overlap": "queue"}})).await;
    let waits = scene.next_hour().await;
    assert_eq!(scene.newest().await.0, "waiting");
    let late = scene.next_hour().await;
    assert!(scene.newest().await.1.contains("waits for the end of the earlier run already"));
    assert_eq!(scene.runs().await.len(), 1);
    scene.end_newest("succeeded").await;
    cron::tick(&scene.hub, late.plus_ms(5000)).await.unwrap();
    let firings = scene.firings().await;
    let waited = firings.iter().find(|firing| firing.due_at.0 == waits).unwrap();
    assert_eq!((waited.state.as_str(), scene.runs().await.len()), ("running", 2));
    scene.change(&admin, json!({"trigger": {"overlap": "allow"}})).await;
    scene.next_hour().await;
    assert_eq!((scene.newest().await.0.as_str(), scene.runs().await.len()), ("running", 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_is_asked_again_when_its_turn_comes() {
    let scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({"trigger": {"overlap": "queue"}})).await;
    scene.next_hour().await;
    let waits = scene.next_hour().await;
    scene.change(&admin, json!({"trigger": {"overlap": "queue"}, "enabled": false})).await;
    scene.end_newest("succeeded").await;
    cron::tick(&scene.hub, waits.plus_ms(5000)).await.unwrap();
    assert_eq!(scene.newest().await, ("skipped".into(), "the automation was disabled meanwhile".into()));
    assert_eq!((scene.runs().await.len(), scene.events("automation.missed").await), (1, 0));
}

/// A hub that has just started has no agents yet: what is due waits for them, but not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_may_come_back_before_what_is_due_goes_on_without_them() {
    let mut scene = scene().await;
    let admin = scene.admin().await;
    let id = scene.automation(&admin, json!({})).await.id;
    let started = scene.hub.started_at;
    let due = |ms: i64| vec![watchtower_store::Store::set_due(id, started.plus_ms(ms))];
    scene.disconnect_all();
    scene.hub.store.commit(due(1000)).await.unwrap();
    cron::tick(&scene.hub, started.plus_ms(3000)).await.unwrap();
    assert!(scene.firings().await.is_empty());
    scene.connect_all();
    cron::tick(&scene.hub, started.plus_ms(6000)).await.unwrap();
    assert_eq!(scene.newest().await.0, "running");
    scene.end_newest("succeeded").await;
    scene.disconnect_all();
    scene.hub.store.commit(due(2000)).await.unwrap();
    cron::tick(&scene.hub, started.plus_ms(44_000)).await.unwrap();
    assert_eq!(scene.firings().await.len(), 1);
    cron::tick(&scene.hub, started.plus_ms(46_000)).await.unwrap();
    let newest = scene.firings().await.remove(0);
    assert_eq!(newest.reason, "none of 2 servers that match can take the run now");
    assert_eq!(newest.left_out, ["web-1 is not connected", "web-2 is not connected"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_its_turn_waits_for_the_agents_too() {
    let mut scene = scene().await;
    let admin = scene.admin().await;
    let id = scene.automation(&admin, json!({"trigger": {"overlap": "queue"}})).await.id;
    let started = scene.hub.started_at;
    for ms in [1000, 2000] {
        let due = watchtower_store::Store::set_due(id, started.plus_ms(ms));
        scene.hub.store.commit(vec![due]).await.unwrap();
        cron::tick(&scene.hub, started.plus_ms(ms + 500)).await.unwrap();
    }
    assert_eq!(scene.newest().await.0, "waiting");
    scene.disconnect_all();
    scene.end_newest("succeeded").await;
    cron::tick(&scene.hub, started.plus_ms(10_000)).await.unwrap();
    assert_eq!(scene.newest().await.0, "waiting", "the agents may come back");
    scene.connect_all();
    cron::tick(&scene.hub, started.plus_ms(12_000)).await.unwrap();
    assert_eq!(scene.newest().await.0, "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_hub_saw_is_skipped_with_its_reason_or_made_up_for_once() {
    let scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    let due = scene.due().await;
    // Nobody looked for three hours and ten minutes.
    cron::tick(&scene.hub, due.plus_ms(3 * HOUR_MS + 600_000)).await.unwrap();
    let firings = scene.firings().await;
    let missed = &firings[0];
    assert_eq!((firings.len(), missed.state.as_str(), missed.passed), (1, "missed", 3));
    assert_eq!(missed.reason, "no hub ran: 10m late, at most 1m is made up for");
    assert_eq!((missed.due_at.0, scene.runs().await.len()), (due.plus_ms(3 * HOUR_MS), 0));
    assert_eq!(scene.events("automation.missed").await, 1);
    scene.change(&admin, json!({"trigger": {"missed_grace_seconds": 1800}})).await;
    let due = scene.due().await;
    cron::tick(&scene.hub, due.plus_ms(2 * HOUR_MS + 600_000)).await.unwrap();
    let newest = scene.firings().await.remove(0);
    assert_eq!((newest.state.as_str(), newest.passed), ("running", 2));
    assert!(newest.reason.starts_with("made up for, 10m late"), "{}", newest.reason);
    assert_eq!((scene.runs().await.len(), scene.due().await), (1, due.plus_ms(3 * HOUR_MS)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_makers_automation_stops_and_is_told_of_once() {
    let scene = scene().await;
    let ada = scene.user("ada", Role::Admin).await;
    scene.user("eve", Role::Admin).await;
    scene.automation(&ada, json!({})).await;
    let user = scene.hub.store.user(ada.user.unwrap()).await.unwrap().unwrap();
    let patch = UserPatch { disabled: Some(true), ..UserPatch::default() };
    access::patch_user(&scene.hub, user, patch).await.unwrap();
    scene.next_hour().await;
    assert_eq!(scene.newest().await, ("skipped".into(), "ada may not act here any more".into()));
    scene.next_hour().await;
    assert_eq!((scene.firings().await.len(), scene.runs().await.len()), (2, 0));
    assert_eq!(scene.events("automation.refused").await, 1, "not at every due time");
    // Who takes it over, or saves it, stands for it.
    assert_eq!(scene.shown().await.stands_for.as_deref(), Some("ada"));
    let taken = configure::take_over(&scene.hub, &scene.admin().await, "hourly").await.unwrap();
    assert_eq!(taken.stands_for.as_deref(), Some("bootstrap"));
    scene.next_hour().await;
    assert_eq!(scene.newest().await.0, "running");
    let eve = scene.user("eva", Role::Admin).await;
    assert_eq!(scene.change(&eve, json!({})).await.stands_for.as_deref(), Some("eva"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_do_not_cover_a_server_any_more_stop_it() {
    let scene = scene().await;
    let ada = scene.user("ada", Role::Admin).await;
    scene.user("eve", Role::Admin).await;
    scene.automation(&ada, json!({})).await;
    let user = || async { scene.hub.store.user(ada.user.unwrap()).await.unwrap().unwrap() };
    let some = UserPatch { servers: Some("name=web-1".into()), ..UserPatch::default() };
    access::patch_user(&scene.hub, user().await, some).await.unwrap();
    scene.next_hour().await;
    let (state, reason) = scene.newest().await;
    assert!(state == "skipped" && reason.contains("ada may not do this on web-2"), "{state}: {reason}");
    // Who may not see that server does not read of it either.
    let mut seen = scene.shown().await;
    Automations::restrict(&scene.hub, &mut seen, &"name=web-1".parse().unwrap());
    assert_eq!(seen.firings[0].reason, "who stands for it may not do this any more");
    assert!(!serde_json::to_string(&seen).unwrap().contains("web-2"), "{seen:?}");
    let less = UserPatch { servers: Some(String::new()), role: Some(Role::Operator), ..UserPatch::default() };
    access::patch_user(&scene.hub, user().await, less).await.unwrap();
    scene.next_hour().await;
    assert!(scene.newest().await.1.contains("needs the role admin"), "{:?}", scene.newest().await);
    assert!(scene.runs().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_gate_is_asked_and_its_answer_kept() {
    let scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    halt::begin(&scene.hub, "ada", "a drill").await.unwrap();
    scene.next_hour().await;
    assert!(scene.newest().await.1.contains("halted by ada (a drill)"), "{:?}", scene.newest().await);
    halt::end(&scene.hub, "ada").await.unwrap();
    scene.change(&admin, json!({"on": "env=staging"})).await;
    scene.next_hour().await;
    assert_eq!(scene.newest().await, ("skipped".into(), "no server matches".into()));
    scene.change(&admin, json!({"on": "name=web-1", "mode": "observe"})).await;
    scene.next_hour().await;
    assert_eq!(scene.newest().await.0, "observed");
    assert!(scene.runs().await.is_empty());
    for field in ["on", "trigger.cron", "trigger.timezone"] {
        let more = match field {
            "on" => json!({"on": ""}),
            "trigger.cron" => json!({"trigger": {"cron": "30 2 30 2 *"}}),
            _ => json!({"trigger": {"timezone": "Mars"}}),
        };
        let refused =
            configure::update::<Automations>(&scene.hub, &admin, "hourly", crate::scene::input(more));
        let refused = refused.await.err();
        assert!(matches!(&refused, Some(HubError::Invalid { field: f, .. }) if f == field), "{refused:?}");
    }
    scene.change(&admin, json!({"enabled": false})).await;
    let id = scene.shown().await.id;
    assert_eq!(scene.hub.store.due_of(id).await.unwrap(), None);
    assert!(scene.shown().await.next.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_open_the_breaker_and_a_person_is_asked() {
    let scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    for _ in 0..3 {
        scene.next_hour().await;
        scene.end_newest("failed").await;
        assert_eq!(scene.newest().await.0, "failed");
    }
    assert!(scene.shown().await.breaker_open);
    assert_eq!(scene.events("automation.failed").await, 3);
    scene.next_hour().await;
    let after = scene.newest().await;
    // The virtual hours are ahead of the breaker's own clock, which is the time of the end of the run.
    assert_eq!(after.0, "awaiting_approval", "half-open after an hour: {after:?}");
    let run = scene.runs().await.remove(0);
    rollout::approve(&scene.hub, &run, &admin).await.unwrap();
    scene.end_newest("succeeded").await;
    assert!(!scene.shown().await.breaker_open);
}

/// Whoever demands two people gets them: the maker cannot say yes to what the clock started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_demands_approval_waits_for_somebody_else() {
    let mut scene = Scene::new(None).await;
    scene.server("web-1").await;
    scene.script(json!({"needs_approval": true})).await;
    let ada = scene.user("ada", Role::Admin).await;
    let bob = scene.user("bob", Role::Operator).await;
    scene.automation(&ada, json!({})).await;
    scene.next_hour().await;
    assert_eq!((scene.newest().await.0.as_str(), scene.commands()), ("awaiting_approval", 0));
    let run = scene.runs().await.remove(0);
    let own = rollout::approve(&scene.hub, &run, &ada).await;
    assert!(matches!(own, Err(HubError::Forbidden(_))), "{own:?}");
    rollout::approve(&scene.hub, &run, &bob).await.unwrap();
    assert_eq!((scene.newest().await.0.as_str(), scene.commands()), ("running", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_hand_it_does_what_the_clock_would() {
    let mut scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    let operator = scene.user("olga", Role::Operator).await;
    let stored = configure::find::<Automations>(&scene.hub, "hourly").unwrap();
    let fired = configure::fire(&scene.hub, &stored, &operator).await.unwrap();
    assert_eq!((fired.state.as_str(), fired.by.as_deref()), ("running", Some("olga")));
    assert_eq!((scene.commands(), scene.runs().await[0].started_by.as_str()), (2, "olga"));
    let again = configure::fire(&scene.hub, &stored, &operator).await.unwrap();
    assert_eq!(again.state.as_str(), "skipped", "its own earlier run is not over");
    let viewer = scene.user("vera", Role::Viewer).await;
    let refused = configure::fire(&scene.hub, &stored, &viewer).await.unwrap();
    assert!(refused.reason.contains("needs the role operator"), "{}", refused.reason);
}

/// A database from before the firing: it may fire again, and the ids are those that every agent's journal knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_derives_the_same_ids() {
    let mut scene = scene().await;
    let admin = scene.admin().await;
    scene.automation(&admin, json!({})).await;
    let backup = scene.dir.path().join("backup.db");
    scene.hub.store.db().copy_to(&backup).await.unwrap();
    scene.next_hour().await;
    let ids = |scene: &Scene| {
        let hub = scene.hub.clone();
        async move {
            let run = hub.store.runs(&watchtower_store::RunFilter { limit: 1, ..Default::default() }).await;
            let run = run.unwrap().remove(0);
            let mut all: Vec<String> = vec![run.id.to_string()];
            let executions = hub.store.executions_of(run.id).await.unwrap();
            all.extend(executions.iter().map(|execution| execution.id.to_string()));
            all
        }
    };
    let first = ids(&scene).await;
    assert_eq!((first.len(), scene.commands()), (3, 2));
    let restored = scene.restored(&backup).await;
    assert!(restored.runs().await.is_empty());
    restored.next_hour().await;
    assert_eq!(ids(&restored).await, first);
}

/// Two hubs on one PostgreSQL look at each due time at once: each is answered once, and starts one run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hubs_fire_each_due_time_once() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.database();
    let mut one = Scene::new(Some(url.clone())).await;
    one.server("web-1").await;
    one.script(json!({})).await;
    let admin = one.admin().await;
    let trigger = json!({"trigger": {"cron": "* * * * *", "overlap": "allow"}, "mode": "auto"});
    let made = one.automation(&admin, trigger).await;
    let mut two = one.beside(url).await;
    two.connect_all();
    let start = one.due().await.plus_ms(HOUR_MS * 24);
    one.hub.store.commit(vec![watchtower_store::Store::set_due(made.id, start)]).await.unwrap();
    const TIMES: i64 = 30;
    for n in 0..TIMES {
        let now = start.plus_ms(n * 60_000 + 500);
        let (first, second) = tokio::join!(cron::tick(&one.hub, now), cron::tick(&two.hub, now));
        first.unwrap();
        second.unwrap();
        one.end_newest("succeeded").await;
    }
    let firings = one.firings().await;
    let mut due: Vec<i64> = firings.iter().map(|firing| firing.due_at.0.0).collect();
    due.sort_unstable();
    assert_eq!(due, (0..TIMES).map(|n| start.0 + n * 60_000).collect::<Vec<_>>());
    assert!(firings.iter().all(|firing| firing.state.as_str() == "succeeded"), "{firings:?}");
    assert_eq!(one.runs().await.len() as i64, TIMES);
    assert_eq!((one.commands() + two.commands()) as i64, TIMES, "one command for each");
}
