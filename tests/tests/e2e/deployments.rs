//! Deployments that the hub does: batches on real hosts, secrets that are nowhere, and a hub that is killed in the middle.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::hosts::{Host, Network};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;
use watchtower_tests::release::Shelf;
use watchtower_tests::scene::{HOST_PASSWORD, HOST_USER, password_user};

/// A deployment to a host that answers, on a busy machine.
const DEPLOYED: Duration = Duration::from_secs(90);
const SOON: Duration = Duration::from_secs(30);

const NEWER: &str = "0.1.9";

/// Where nobody is: refused at once by this machine itself.
const DEAD: &str = "127.0.0.1";
const DEAD_PORT: u16 = 9;

/// A key that the hosts' root accepts.
fn key(hosts: &[&Host]) -> String {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let file = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&file)
        .status()
        .expect("openssh-client is installed where hosts boot");
    assert!(made.success());
    let public = std::fs::read_to_string(file.with_extension("pub")).expect("ssh-keygen wrote it");
    for host in hosts {
        host.must(&format!("mkdir -p -m 700 ~/.ssh && echo '{}' >> ~/.ssh/authorized_keys", public.trim()));
    }
    std::fs::read_to_string(file).expect("ssh-keygen wrote it")
}

fn batch_of(made: &Value) -> String {
    text(&made["items"][0]["batch_id"])
}

fn deployments(api: &Api, batch: &str) -> Vec<Value> {
    api.list(&format!("/deployments?batch={batch}"))
}

/// Every deployment of a batch, once all have ended, by server.
fn ended(api: &Api, batch: &str, server: &str) -> Value {
    let all = wait::until(DEPLOYED, "the batch to end", || {
        let all = deployments(api, batch);
        (!all.is_empty() && all.iter().all(|one| one["finished_at"].is_string())).then_some(all)
    });
    let one = all.iter().find(|one| one["server"] == server);
    one.unwrap_or_else(|| panic!("{server} is not in the batch: {all:#?}")).clone()
}

fn target(host: &Host) -> Value {
    json!({"host": host.address, "server": host.name, "labels": {"env": "a"}})
}

fn code(deployment: &Value) -> String {
    text(&deployment["failure"]["code"])
}

/// No file below the folder, database and log among them, holds the text.
fn nowhere(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).expect("the hub's folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            nowhere(&path, secret);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{} holds the secret", path.display());
    }
}

/// Two hosts that their key opens, beside one that nobody is at.
struct Scene {
    hub: Hub,
    api: Api,
    hosts: [Host; 2],
    key: String,
}

#[test]
fn a_batch_reaches_its_hosts_and_tells_why_one_failed() {
    let Some(network) = Network::start() else { return };
    let hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let (api, hosts) = (hub.api(), [network.host(1), network.host(2)]);
    let key = key(&[&hosts[0], &hosts[1]]);
    let scene = Scene { hub, api, hosts, key };
    planned(&scene);
    let batch = installed(&scene);
    only_what_failed_is_done_again(&scene, &batch);
    nowhere(scene.hub.folder(), scene.key.lines().nth(2).expect("a key has lines"));
    uninstalled(&scene);
}

fn planned(Scene { api, hosts, key, .. }: &Scene) {
    let input = json!({"targets": [target(&hosts[0])], "ssh": {"private_key": key}, "dry_run": true});
    let plan = ended(api, &batch_of(&api.post("/deployments", &input)), &hosts[0].name);
    assert_eq!(
        (text(&plan["status"]), text(&plan["change"])),
        ("succeeded".into(), "planned".into()),
        "{plan}"
    );
    assert!(plan["remarks"].as_array().is_some_and(|lines| lines.len() >= 3), "{plan}");
    let record = format!("/api/v1/servers/{}", hosts[0].name);
    assert_eq!(api.status("GET", &record, None), Some(404), "a plan makes no record");
}

/// The batch's id.
fn installed(Scene { api, hosts, key, .. }: &Scene) -> String {
    let dead = json!({"host": DEAD, "port": DEAD_PORT, "server": "dead"});
    let input = json!({
        "targets": [target(&hosts[0]), target(&hosts[1]), dead],
        "ssh": {"private_key": key}, "policy": "monitor",
    });
    let batch = batch_of(&api.post("/deployments", &input));
    for host in hosts {
        let one = ended(api, &batch, &host.name);
        assert_eq!(
            (text(&one["status"]), text(&one["change"])),
            ("succeeded".into(), "installed".into()),
            "{one}"
        );
        let server = api.get(&format!("/servers/{}", host.name));
        assert_eq!((&server["status"], &server["labels"]["env"]), (&json!("up"), &json!("a")), "{server}");
        let steps = api.get(&format!("/deployments/{}", one["number"]))["steps"].clone();
        let steps = steps.as_array().cloned().unwrap_or_default();
        let names: Vec<String> = steps.iter().map(|step| text(&step["name"])).collect();
        assert_eq!((names[0].as_str(), names[names.len() - 1].as_str()), ("connect", "first_report"));
        let good = |step: &Value| step["status"] == "succeeded" && step["ended_at"].is_string();
        assert!(steps.iter().all(good), "{steps:#?}");
        host.must("grep -q monitor /etc/watchtower/policy.toml");
    }
    let failed = ended(api, &batch, "dead");
    assert_eq!(
        (text(&failed["status"]), code(&failed)),
        ("failed".into(), "E_TCP_REFUSED".into()),
        "{failed}"
    );
    assert!(!text(&failed["failure"]["fix"]).is_empty(), "{failed}");
    batch
}

fn only_what_failed_is_done_again(Scene { api, .. }: &Scene, batch: &str) {
    let again = api.post(&format!("/deployments/{batch}/retry"), &json!({}));
    let items = again["items"].as_array().cloned().unwrap_or_default();
    let servers: Vec<String> = items.iter().map(|one| text(&one["server"])).collect();
    assert_eq!(servers, ["dead"]);
    assert_eq!(code(&ended(api, &batch_of(&again), "dead")), "E_TCP_REFUSED");
}

fn uninstalled(Scene { api, hosts, key, .. }: &Scene) {
    let input = json!({
        "action": "uninstall", "targets": [target(&hosts[0])], "ssh": {"private_key": key}, "remove_server": true,
    });
    let gone = ended(api, &batch_of(&api.post("/deployments", &input)), &hosts[0].name);
    assert_eq!(text(&gone["change"]), "uninstalled", "{gone}");
    assert_eq!(api.status("GET", &format!("/api/v1/servers/{}", hosts[0].name), None), Some(404));
    hosts[0].must("test ! -e /opt/watchtower && test ! -e /etc/watchtower");
}

#[test]
fn a_password_goes_to_a_confirmed_host_and_is_nowhere_after_a_kill() {
    let Some(network) = Network::start() else { return };
    let mut hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let (api, host) = (hub.api(), network.host(1));
    password_user(&host);
    let ssh = json!({"user": HOST_USER, "password": HOST_PASSWORD});
    let input = json!({"targets": [target(&host)], "ssh": ssh});

    let refused = ended(&api, &batch_of(&api.post("/deployments", &input)), &host.name);
    assert_eq!(code(&refused), "E_HOSTKEY_UNKNOWN", "{refused}");
    confirm(&api, &host);

    let batch = batch_of(&api.post("/deployments", &input));
    killed_while_running(&mut hub, &api, &batch);
    let lost = ended(&api, &batch, &host.name);
    assert_eq!((text(&lost["status"]), code(&lost)), ("failed".into(), "E_HUB_RESTARTED".into()), "{lost}");
    let path = format!("/api/v1/deployments/{batch}/retry");
    let answer = api.call("POST", &path, Some(&json!({})));
    assert_eq!(answer.status, 409, "the hub has let go of the password: {}", answer.body);
    let again = api.post(&format!("/deployments/{batch}/retry"), &json!({"ssh": ssh}));
    let done = ended(&api, &batch_of(&again), &host.name);
    assert_eq!(text(&done["status"]), "succeeded", "{done}");
    nowhere(hub.folder(), HOST_PASSWORD);
}

#[test]
fn with_a_saved_credential_a_killed_hub_goes_on() {
    let Some(network) = Network::start() else { return };
    let shelf = Shelf::default();
    let agents_dir = Some(shelf.path());
    let mut hub = Hub::start(Setup { agent_host: network.gateway(), agents_dir, ..Setup::default() });
    let (api, host) = (hub.api(), network.host(1));
    password_user(&host);
    confirm(&api, &host);
    let saved =
        api.post("/credentials", &json!({"name": "fleet", "user": HOST_USER, "password": HOST_PASSWORD}));
    assert!(!saved.to_string().contains(HOST_PASSWORD), "{saved}");
    let input = json!({"targets": [target(&host)], "ssh": {"credential": "fleet"}});
    let batch = batch_of(&api.post("/deployments", &input));
    killed_while_running(&mut hub, &api, &batch);
    assert!(hub.log_tail().contains("go on after the restart"), "{}", hub.log_tail());
    let done = ended(&api, &batch, &host.name);
    assert_eq!(text(&done["status"]), "succeeded", "{done}");
    nowhere(hub.folder(), HOST_PASSWORD);
    rolled_back(&mut hub, &api, &host, &shelf);

    let gone = api.call("DELETE", "/api/v1/credentials/fleet", None);
    assert_eq!(gone.status, 204);
    assert_eq!(api.call("POST", "/api/v1/deployments", Some(&input)).status, 404);
}

/// An upgrade is put back by a hub that is killed in the middle of it, which goes back once and not twice.
fn rolled_back(hub: &mut Hub, api: &Api, host: &Host, shelf: &Shelf) {
    shelf.offer(&shelf.newer(NEWER), NEWER, |_| ());
    let input =
        |action: &str| json!({"action": action, "targets": [target(host)], "ssh": {"credential": "fleet"}});
    let version = |one: &Value| [&one["status"], &one["change"], &one["version"]].map(text);
    let upgrade = ended(api, &batch_of(&api.post("/deployments", &input("install"))), &host.name);
    assert_eq!(version(&upgrade), ["succeeded", "upgraded", NEWER], "{upgrade}");

    let batch = batch_of(&api.post("/deployments", &input("rollback")));
    let number = deployments(api, &batch)[0]["number"].clone();
    wait::until(SOON, "the versions to change places", || {
        let steps = api.get(&format!("/deployments/{number}"))["steps"].clone();
        steps.as_array()?.iter().any(|step| step["name"] == "roll_back").then_some(())
    });
    hub.kill();
    hub.restart();
    let back = ended(api, &batch, &host.name);
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(version(&back), ["succeeded", "rolled_back", own], "{back}");
    assert_eq!((&back["action"], &back["failure"]), (&json!("rollback"), &Value::Null), "{back}");
    assert!(host.must("/opt/watchtower/bin/watchtower-agent --version").contains(own));
    wait::until(SOON, "a report of the older agent", || {
        (api.get(&format!("/servers/{}", host.name))["agent_version"] == own).then_some(())
    });
}

#[test]
fn what_has_not_ended_is_cancelled() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    // It takes connections and says nothing: the key exchange waits for its whole time limit.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("it is bound").port();
    let targets: Vec<Value> =
        (0..12).map(|n| json!({"host": "127.0.0.1", "port": port, "server": format!("s{n}")})).collect();
    let batch =
        batch_of(&api.post("/deployments", &json!({"targets": targets, "ssh": {"password": HOST_PASSWORD}})));
    let count = |status: &str| deployments(&api, &batch).iter().filter(|one| one["status"] == status).count();
    let steps = |status: &str| {
        let asked = deployments(&api, &batch);
        let of = |one: &Value| api.get(&format!("/deployments/{}", one["number"]))["steps"].clone();
        let steps: Vec<Value> =
            asked.iter().flat_map(|one| of(one).as_array().expect("steps").clone()).collect();
        steps.iter().filter(|step| step["status"] == status).count()
    };
    wait::until(SOON, "ten to be worked on", || (steps("running") == 10).then_some(()));
    assert_eq!((count("running"), count("pending")), (10, 2));
    let twice = json!({"targets": [targets[0]], "ssh": {"password": HOST_PASSWORD}});
    assert_eq!(
        api.call("POST", "/api/v1/deployments", Some(&twice)).status,
        409,
        "one server, one deployment"
    );
    api.post(&format!("/deployments/{batch}/cancel"), &json!({}));
    wait::until(SOON, "all to be cancelled", || (count("cancelled") == 12).then_some(()));
    assert_eq!(steps("running"), 0, "no step goes on for ever");
}

/// The fingerprint, as a person compares it with the host's own console.
fn confirm(api: &Api, host: &Host) {
    let query = json!({"host": host.address});
    let offered = api.post("/deployments/host-key", &query);
    assert_eq!(text(&offered["known"]), "unknown", "{offered}");
    let own = host.must("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done");
    let fingerprint = text(&offered["fingerprint"]);
    assert!(own.contains(&fingerprint), "{fingerprint} is none of\n{own}");
    let other = format!("SHA256:{}", "A".repeat(43));
    let wrong = json!({"host": host.address, "fingerprint": other});
    assert_eq!(
        api.call("POST", "/api/v1/host-keys", Some(&wrong)).status,
        409,
        "another key than the host's"
    );
    api.post("/host-keys", &json!({"host": host.address, "fingerprint": fingerprint}));
    assert_eq!(text(&api.post("/deployments/host-key", &query)["known"]), "pinned");
}

/// kill -9 once the deployment has begun, and a start on the same data.
fn killed_while_running(hub: &mut Hub, api: &Api, batch: &str) {
    wait::until(SOON, "the deployment to begin", || {
        deployments(api, batch).iter().any(|one| one["status"] == "running").then_some(())
    });
    hub.kill();
    hub.restart();
}
