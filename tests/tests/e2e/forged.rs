//! Commands that nobody may give: signed with a key that the agent does not trust, or given a second time.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(60);

/// Starts a command on the server as soon as it is connected; the run's number.
fn exec(api: &Api, command: &str) -> i64 {
    let body = json!({"command": ["sh", "-c", command], "on": "name=\"here\""});
    let run = wait::until(SOON, "the server to be connected", || {
        let answer = api.call("POST", "/api/v1/runs/exec", Some(&body));
        (answer.status < 300).then(|| answer.body["run"].clone())
    });
    run["number"].as_i64().expect("a run has a number")
}

fn execution(api: &Api, run: i64) -> Value {
    api.get(&format!("/runs/{run}"))["executions"][0].clone()
}

fn await_state(api: &Api, run: i64, wanted: &[&str]) -> Value {
    wait::until(SOON, "the execution to get there", || {
        Some(execution(api, run)).filter(|execution| wanted.contains(&text(&execution["state"]).as_str()))
    })
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn a_command_signed_with_another_key_is_refused_and_an_event_tells() {
    let mut hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    let marks = hub.data_dir().join("marks");
    let command = format!("echo x >> {}", marks.display());
    await_state(&api, exec(&api, &command), &["succeeded"]);

    // Whoever has taken everything but the signing key makes one of their own.
    assert_eq!(hub.stop(), Some(0));
    let keys = hub.data_dir().join("keys");
    std::fs::remove_file(keys.join("signing.key")).unwrap();
    assert!(hub.fails_to_start().contains("names the signing key"), "{}", hub.log_tail());
    forget_signing_keys(&hub.data_dir());
    hub.restart();
    let forged = exec(&api, &command);
    let event = wait::until(SOON, "the event of the refused command", || {
        api.list("/events?kind=command.refused").first().cloned()
    });
    assert_eq!(event["labels"]["code"], "bad_signature", "{event}");
    assert_eq!(text(&event["server"]), "here", "{event}");
    assert_ne!(execution(&api, forged)["state"], "succeeded");
    assert_eq!(lines(&marks), 1, "the forged command ran");
}

/// A database that knows of no signing key takes the one that is there.
fn forget_signing_keys(data: &Path) {
    let store = watchtower_store::Store::open_sqlite(&data.join("watchtower.db")).unwrap();
    let forget = watchtower_store::Statement::new("DELETE FROM hub_keys WHERE kind = 'signing'", vec![]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(store.commit(vec![forget])).unwrap();
}

#[test]
fn a_restored_database_repeats_no_work() {
    let mut hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let running = agent.run();
    let api = hub.api();
    let marks = hub.data_dir().join("marks");
    await_state(&api, exec(&api, "true"), &["succeeded"]);
    // What the backup remembers: a command that was sent, and no answer yet.
    signal(running.pid(), "STOP");
    let run = exec(&api, &format!("echo x >> {}", marks.display()));
    await_state(&api, run, &["dispatched"]);
    hub.kill();
    let backup = hub.data_dir().join("backup");
    copy_database(&hub.data_dir(), &backup);
    hub.restart();
    signal(running.pid(), "CONT");
    await_state(&api, run, &["succeeded"]);
    assert_eq!(hub.stop(), Some(0));

    copy_database(&backup, &hub.data_dir());
    hub.restart();
    await_state(&api, run, &["succeeded"]);
    assert_eq!(lines(&marks), 1, "the command ran a second time");
}

#[test]
fn a_restored_database_learns_the_end_of_what_was_running() {
    let mut hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "here", "mode = \"full\"");
    let _running = agent.run();
    let api = hub.api();
    let run = exec(&api, "sleep 2; exit 7");
    await_state(&api, run, &["running"]);
    hub.kill();
    let backup = hub.data_dir().join("backup");
    copy_database(&hub.data_dir(), &backup);
    hub.restart();
    await_state(&api, run, &["failed"]);
    assert_eq!(hub.stop(), Some(0));

    copy_database(&backup, &hub.data_dir());
    hub.restart();
    assert_eq!(await_state(&api, run, &["failed"])["exit_code"], 7);
}

fn signal(pid: i32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the agent is not there any more");
}

/// The database with its journal, as a backup of the files would have it.
fn copy_database(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["watchtower.db", "watchtower.db-wal", "watchtower.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}
