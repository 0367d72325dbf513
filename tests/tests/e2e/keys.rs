//! The hub's keys are rotated while agents come and go: nobody is left behind unseen, and no secret is lost.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_store::{Sealer, Statement, Store};
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(60);
/// Enough for a kill in the middle of them.
const CREDENTIALS: usize = 150;

/// The key of this kind in this state.
fn key(keys: &Value, kind: &str, state: &str) -> Value {
    let items = keys["items"].as_array().expect("keys are listed");
    let found = items.iter().find(|key| key["kind"] == kind && key["state"] == state);
    found.unwrap_or_else(|| panic!("no {state} {kind} key in {keys}")).clone()
}

fn await_keys(api: &Api, what: &str, good: impl Fn(&Value) -> bool) -> Value {
    wait::until(SOON, what, || Some(api.get("/keys")).filter(&good))
}

fn step(api: &Api, kind: &str, verb: &str) -> Value {
    api.post(&format!("/keys/{kind}/{verb}"), &json!({}))
}

/// Runs a command on a server and waits for its end.
fn runs_on(api: &Api, server: &str) {
    let run = exec(api, server);
    wait::until(SOON, &format!("a command on {server} to succeed"), || {
        let execution = api.get(&format!("/runs/{run}"))["executions"][0].clone();
        assert_ne!(execution["state"], "rejected", "{execution}");
        (execution["state"] == "succeeded").then_some(())
    });
}

fn exec(api: &Api, server: &str) -> i64 {
    let body = json!({"command": ["true"], "on": format!("name={server:?}")});
    wait::until(SOON, &format!("{server} to be connected"), || {
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        answer.body["run"]["number"].as_i64().filter(|_| answer.status < 300)
    })
}

fn signal(pid: i32, name: &str) {
    let sent = std::process::Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill -{name} {pid}");
}

fn bundle_of(agent: &LocalAgent) -> Value {
    let text = std::fs::read_to_string(agent.state().join("bundle.json")).expect("an agent keeps its bundle");
    serde_json::from_str(&text).expect("a bundle is JSON")
}

fn log_of(agent: &LocalAgent) -> String {
    std::fs::read_to_string(agent.state().join("agent.log")).unwrap_or_default()
}

/// Opens the database of a hub that is stopped.
fn in_database<T>(hub: &Hub, url: Option<&str>, work: impl AsyncFnOnce(Store) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = match url {
            Some(url) => Store::connect_postgres(url).await,
            None => Store::open_sqlite(&hub.data_dir().join("watchtower.db")),
        };
        work(store.expect("the database opens")).await
    })
}

#[test]
fn commands_go_over_to_a_new_key_and_the_old_one_is_worth_nothing() {
    let mut hub = Hub::start(Setup::default());
    let (one, two) = (
        LocalAgent::enrol(&hub, "one", "mode = \"full\""),
        LocalAgent::enrol(&hub, "two", "mode = \"full\""),
    );
    let (api, running) = (hub.api(), one.run());
    let first_of_two = two.run();
    ["one", "two"].iter().for_each(|server| runs_on(&api, server));
    let stolen = std::fs::read(hub.data_dir().join("keys/signing.key")).unwrap();

    // One is connected and hears nothing, two is away.
    signal(running.pid(), "STOP");
    drop(first_of_two);
    let published = key(&step(&api, "signing", "rotate"), "signing", "published");
    assert_eq!((&published["agents_holding"], &published["lacking"]), (&json!(0), &json!(["one", "two"])));
    assert_eq!(api.call("POST", "/api/v1/keys/signing/rotate", None).status, 409, "one at a time");
    assert_eq!(api.call("POST", "/api/v1/keys/signing/retire", None).status, 409, "not before the switch");
    wait::until(SOON, "a refusal that names the connected one, and what force would cost", || {
        let refused = api.call("POST", "/api/v1/keys/signing/switch", None);
        assert_eq!(refused.status, 409, "{}", refused.body);
        let why = text(&refused.body["detail"]);
        (why.contains("yet: one. ") && why.contains("bad_signature")).then_some(())
    });
    signal(running.pid(), "CONT");
    await_keys(&api, "one to confirm", |keys| key(keys, "signing", "published")["lacking"] == json!(["two"]));
    let _second_of_two = two.run();
    await_keys(&api, "two to confirm", |keys| key(keys, "signing", "published")["agents_lacking"] == 0);
    assert_eq!(
        bundle_of(&two)["signing_keys"].as_array().unwrap().len(),
        3,
        "old, new, and the bundles' own"
    );

    let operator = Operator::new(&hub.url());
    let said = operator.run(&["config", "keys", "switch", "signing"]);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(key(&said.json, "signing", "active")["id"], published["id"]);
    ["one", "two"].iter().for_each(|server| runs_on(&api, server));
    step(&api, "signing", "retire");
    await_keys(&api, "both to trust the old key no longer", |keys| keys["agents_behind"] == 0);
    ["one", "two"].iter().for_each(|server| runs_on(&api, server));
    assert!(!hub.data_dir().join("keys/signing.key").exists(), "a retired key is deleted");
    let kinds: Vec<String> =
        api.list("/events?kind=key.*").iter().map(|event| text(&event["kind"])).collect();
    assert_eq!(kinds, ["key.retired", "key.switched", "key.published"]);
    let audited: Vec<String> = api
        .list("/audit")
        .iter()
        .map(|entry| text(&entry["action"]))
        .filter(|a| a.starts_with("key."))
        .collect();
    assert_eq!(audited, ["key.retire", "key.switch", "key.rotate"]);

    // A thief of the old key who sits in the hub's place.
    assert_eq!(hub.stop(), Some(0));
    std::fs::write(hub.data_dir().join("keys/signing.key"), stolen).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(hub.data_dir().join("keys/signing.key"), private).unwrap();
    let forget = Statement::new("DELETE FROM hub_keys WHERE kind = 'signing'", vec![]);
    in_database(&hub, None, async |store| store.commit(vec![forget]).await.map(drop)).unwrap();
    hub.restart();
    exec(&api, "one");
    let event = wait::until(SOON, "the event of the refused command", || {
        api.list("/events?kind=command.refused").first().cloned()
    });
    assert_eq!(event["labels"]["code"], "bad_signature", "{event}");
}

#[test]
fn a_root_is_changed_under_connected_agents_and_one_that_missed_two_is_told_what_to_do() {
    let hub = Hub::start(Setup::default());
    let agents = ["one", "two", "three"].map(|name| LocalAgent::enrol(&hub, name, "mode = \"full\""));
    let (api, [one, two, three]) = (hub.api(), &agents);
    let running = one.run();
    runs_on(&api, "one");
    let before = bundle_of(one)["roots"].as_array().unwrap().clone();

    let rotated = step(&api, "ca", "rotate");
    let spare = key(&rotated, "ca", "published");
    step(&api, "ca", "switch");
    let connected = log_of(one).matches("connected").count();
    wait::until(SOON, "one to come back through the new root", || {
        (log_of(one).matches("connected").count() > connected).then_some(())
    });
    runs_on(&api, "one");
    step(&api, "ca", "retire");
    await_keys(&api, "one to know the new roots", |keys| keys["behind"] == json!(["three", "two"]));
    let after = bundle_of(one)["roots"].as_array().unwrap().clone();
    assert_eq!(after.len(), 2);
    assert_eq!(before.iter().filter(|root| after.contains(root)).count(), 1, "the spare is the root in use");
    assert_eq!(key(&api.get("/keys"), "ca", "active")["id"], spare["id"], "{rotated}");
    // It trusts nothing but the new roots now.
    drop(running);
    let _running = one.run();
    runs_on(&api, "one");
    // Away since before the publication, and back after the old root is gone.
    let away = two.run();
    runs_on(&api, "two");
    await_keys(&api, "two to know the new roots", |keys| keys["behind"] == json!(["three"]));
    drop(away);

    for verb in ["rotate", "switch", "retire"] {
        if verb == "switch" {
            await_keys(&api, "one to know the spare", |keys| {
                key(keys, "ca", "published")["lacking"].as_array().is_some_and(|l| !l.contains(&json!("one")))
            });
        }
        step(&api, "ca", verb);
    }
    runs_on(&api, "one");
    let _lost = three.run();
    wait::until(SOON, "three to say how it comes back", || {
        log_of(three).contains("make a new installer in the hub").then_some(())
    });
}

#[test]
fn a_key_that_is_withdrawn_leaves_no_trace() {
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "one", "mode = \"full\"");
    let (api, _running) = (hub.api(), agent.run());
    runs_on(&api, "one");
    let keys_there = || {
        let entries = std::fs::read_dir(hub.data_dir().join("keys")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = keys_there();
    for kind in ["ca", "signing"] {
        let roots = bundle_of(&agent)["roots"].clone();
        step(&api, kind, "rotate");
        await_keys(&api, "the agent to confirm", |keys| keys["agents_behind"] == 0);
        step(&api, kind, "abort");
        await_keys(&api, "the agent to have forgotten it", |keys| keys["agents_behind"] == 0);
        assert_eq!(bundle_of(&agent)["roots"], roots);
        assert_eq!(api.call("POST", &format!("/api/v1/keys/{kind}/abort"), None).status, 409);
    }
    assert_eq!(keys_there(), before);
    assert_eq!(api.call("POST", "/api/v1/keys/master/abort", None).status, 422);
    assert_eq!(api.call("POST", "/api/v1/keys/house/rotate", None).status, 404);
    runs_on(&api, "one");
}

#[test]
fn the_hubs_own_agent_keeps_the_address_that_it_can_reach() {
    let setup = Setup {
        agent_url: Some("https://192.0.2.1:8401".into()),
        more: vec!["--with-local-agent".into()],
        ..Setup::default()
    };
    let hub = Hub::start(setup);
    let api = hub.api();
    let name = wait::until(SOON, "the hub's own agent to report", || {
        let servers = api.list("/servers");
        servers.iter().find(|server| server["status"] == "up").map(|server| text(&server["name"]))
    });
    step(&api, "signing", "rotate");
    await_keys(&api, "it to confirm", |keys| keys["agents"] == 1 && keys["agents_behind"] == 0);
    let kept = std::fs::read_to_string(hub.data_dir().join("local-agent/bundle.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["urls"], json!([format!("https://{}", hub.agent_address())]));
    step(&api, "signing", "switch");
    runs_on(&api, &name);
}

#[test]
fn secrets_are_sealed_anew_through_a_kill_9() {
    reseal(Setup::default());
}

#[test]
fn and_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    reseal(Setup { database_url: Some(postgres.database()), ..Setup::default() });
}

fn reseal(setup: Setup) {
    let database = setup.database_url.clone();
    let mut hub = Hub::start(setup);
    let api = hub.api();
    for n in 0..CREDENTIALS {
        api.post(
            "/credentials",
            &json!({"name": format!("c{n}"), "user": "ops", "password": format!("secret {n}")}),
        );
    }
    api.post(
        "/channels",
        &json!({"name": "hook", "config": {"kind": "webhook", "url": "https://192.0.2.1/x"}}),
    );
    let old = key(&step(&api, "master", "rotate"), "master", "retiring");
    assert_eq!(api.call("POST", "/api/v1/keys/master/rotate", None).status, 409, "one at a time");
    await_keys(&api, "some secrets to be sealed anew", |keys| key(keys, "master", "active")["secrets"] != 0);
    hub.kill();
    let left = in_database(&hub, database.as_deref(), async |store| {
        store.count_sealed_with(&text(&old["id"])).await.unwrap()
    });
    assert!(left > 0 && left < CREDENTIALS as i64, "{left} were left: the kill was not in the middle");
    hub.restart();
    // Both keys open what they sealed, and new secrets are taken.
    api.post("/credentials", &json!({"name": "late", "user": "ops", "password": "secret late"}));
    assert_eq!(api.list("/channels").len(), 1);
    let done = await_keys(&api, "the old key to be deleted", |keys| {
        keys["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["id"] == old["id"] && key["state"] == "retired")
    });
    let new = text(&key(&done, "master", "active")["id"]);
    wait::until(SOON, "the audit log to tell who deleted it", || {
        let last = api.list("/audit?action=key.retire").first().cloned()?;
        (last["actor"] == "hub" && text(&last["object"]).contains(&text(&old["id"]))).then_some(())
    });
    assert_eq!(api.list("/channels").len(), 1, "it opens with the new key alone");

    assert_eq!(hub.stop(), Some(0));
    let keys = hub.data_dir().join("keys");
    assert!(!keys.join("master.key").exists());
    let file = keys.join(format!("master-{new}.key"));
    all_open_with(&hub, database.as_deref(), &file);
    // Nor does a hub start without it.
    let aside = keys.join("aside");
    std::fs::rename(&file, &aside).unwrap();
    let log = hub.fails_to_start();
    assert!(log.contains(&format!("names the master key {new}")), "{log}");
    std::fs::rename(&aside, &file).unwrap();
    hub.restart();
    assert_eq!(api.list("/credentials?limit=500").len(), CREDENTIALS + 1);
}

fn all_open_with(hub: &Hub, database: Option<&str>, file: &Path) {
    let master = std::fs::read(file).unwrap().try_into().unwrap();
    let sealer = Sealer::new(master, [0; 32]);
    let credentials = in_database(hub, database, async |store| store.credentials().await.unwrap());
    assert_eq!(credentials.len(), CREDENTIALS + 1);
    for row in credentials {
        let plain = sealer.open(&format!("credential:{}", row.id), &row.sealed).unwrap();
        let expected = format!("secret {}", row.name.trim_start_matches('c'));
        assert!(String::from_utf8(plain).unwrap().contains(&expected), "{}", row.name);
    }
}
