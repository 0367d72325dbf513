//! Commands on a real systemd host: the executor decides, whatever the hub or the collector say, and nothing that it
//! started is lost sight of, run twice or left behind.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_model::{AgentId, Id, Timestamp};
use watchtower_protocol::{Command, CommandBody, Purpose, SigningKey, TrustBundle};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::approver::Approver;
use watchtower_tests::managed::Managed;
use watchtower_tests::paging::text;
use watchtower_tests::thief::{Thief, sha256};

const SOON: Duration = Duration::from_secs(30);

/// How often one command is sent.
const REPEATS: usize = 1_000;

/// How an agent was installed when it was one process: as root, with the journal among its own files.
const ONE_PROCESS: &str = "systemctl disable --now watchtower-agent.service watchtower-executor.socket \
    && cd /var/lib && mv watchtower-executor/journal watchtower/journal && rm -r watchtower-executor \
    && chown -R root: watchtower && userdel watchtower && rm /etc/systemd/system/watchtower-* \
    && printf '[Service]\\nExecStart=/opt/watchtower/bin/watchtower-agent run\\n' > /etc/systemd/system/watchtower-agent.service \
    && systemctl daemon-reload && systemctl start watchtower-agent.service";

#[test]
fn the_collector_has_no_rights_and_the_executor_comes_and_goes() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    let collector = host.must("ps -o user= -o rss= -C watchtower-agent | head -1; systemctl show -p MainPID --value watchtower-agent");
    assert!(collector.starts_with("watcht"), "{collector}");
    let caps = host.must(
        "grep -E 'Cap(Eff|Prm|Bnd|Amb)' /proc/$(systemctl show -p MainPID --value watchtower-agent)/status",
    );
    assert!(caps.lines().all(|line| line.ends_with("\t0000000000000000")), "{caps}");
    let memory = host.must("sed -n 's/RssAnon:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$(systemctl show -p MainPID --value watchtower-agent)/status");
    assert!(memory.trim().parse::<u64>().unwrap() <= 3 * 1024, "{memory} kB");
    // Nothing listens that was not there before: a server needs no open port.
    let ports = host.must("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" { sub(\".*:\", \"\", $2); print $2 }' | sort -u");
    assert_eq!(ports, "0016\n", "more than sshd listens");
    // What the executor believes is out of the collector's reach.
    for file in ["journal", "bundle.json", "agent.id"] {
        let touched = host.run(&format!("setpriv --reuid watchtower --regid watchtower --clear-groups sh -c 'cat /var/lib/watchtower-executor/{file} >/dev/null || echo x > /var/lib/watchtower-executor/{file}'"));
        assert!(!touched.status.success(), "{file}");
    }
    let readonly = scene.api.promql("node_filesystem_readonly{mountpoint=\"/\"}");
    assert!(readonly.iter().all(|sample| text(&sample["value"][1]) == "0"), "{readonly:?}");

    let run = scene.exec("id -u; cat /proc/self/cgroup", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");
    let said = scene.output(run);
    assert!(said.starts_with("0\n") && said.contains("watchtower-exec-"), "{said}");
    wait::until(Duration::from_secs(60), "the idle executor to end", || {
        (host.run("systemctl is-active watchtower-executor.service").stdout.starts_with(b"inactive"))
            .then_some(())
    });
    let run = scene.exec("echo again", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");
    assert_eq!(scene.output(run), "again\n");
    // A stranger's connection is closed before anything is said.
    host.must("useradd stranger && chmod 666 /run/watchtower-executor.sock");
    let said = host.run("setpriv --reuid stranger --clear-groups --regid stranger curl -sS -m 3 --unix-socket /run/watchtower-executor.sock http://x/ 2>&1");
    assert!(!String::from_utf8_lossy(&said.stdout).contains("status"), "{said:?}");
    host.must("/opt/watchtower/bin/watchtower-agent halt");
    let run = scene.exec("true", 20);
    let execution = scene.ended(run);
    assert!(text(&execution["reason"]).starts_with("halted"), "{execution}");
    scene.refused("halted");
    wait::until(SOON, "the halt to show", || {
        (scene.api.get(&format!("/servers/{}", host.name))["facts"]["refuses"] == "halted").then_some(())
    });
    host.must("/opt/watchtower/bin/watchtower-agent halt --clear");
    let run = scene.exec("echo cleared", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");
    host.must("/opt/watchtower/bin/watchtower-agent uninstall --yes");
    let left = host.must("ls -d /var/lib/watchtower* /etc/watchtower /opt/watchtower /etc/systemd/system/watchtower* /run/watchtower* 2>/dev/null; getent passwd watchtower; true");
    assert_eq!(left, "");
}

#[test]
fn executions_die_whole_stay_bounded_and_outlive_the_agent() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    // A daemon that leaves session and group, and a fork bomb, end with their execution.
    let daemon = scene.exec("setsid sh -c 'trap \"\" TERM HUP; echo $$ > /run/daemon; exec sleep 600' >/dev/null 2>&1 & sleep 600", 600);
    wait::until(SOON, "the daemon", || host.run("test -s /run/daemon").status.success().then_some(()));
    scene.api.post(&format!("/runs/{daemon}/cancel"), &json!({}));
    assert_eq!(scene.ended(daemon)["state"], "cancelled");
    wait::until(SOON, "the daemon to be gone", || {
        host.run("! kill -0 $(cat /run/daemon)").status.success().then_some(())
    });

    let bomb = scene.exec("b() { b | b & }; b; sleep 600", 3);
    assert_eq!(scene.ended(bomb)["state"], "timed_out");
    wait::until(SOON, "the bomb's unit to be gone", || scene.units().is_empty().then_some(()));

    // Both processes are restarted under a running script: nothing is lost, repeated or interrupted.
    let long = scene.exec("echo x >> /run/once; echo one; sleep 6; echo two", 60);
    scene.wait_state(long, &["running"]);
    host.must("systemctl restart watchtower-agent watchtower-executor");
    let execution = scene.ended(long);
    assert_eq!(execution["state"], "succeeded", "{execution}");
    wait::until(SOON, "all output", || (scene.output(long) == "one\ntwo\n").then_some(()));
    assert_eq!(host.must("cat /run/once"), "x\n");
    wait::until(SOON, "delivered executions to be removed", || {
        let left = "cd /var/lib/watchtower-executor && find executions scripts -mindepth 1";
        host.must(left).is_empty().then_some(())
    });

    // No room for the end: not begun.
    host.must("mkdir -p /full && mount -t tmpfs -o size=6m tmpfs /full && systemctl stop watchtower-executor.socket watchtower-executor && cp -a /var/lib/watchtower-executor/. /full/ && mount --bind /full /var/lib/watchtower-executor && (head -c 8m /dev/zero > /full/fill; true) && systemctl start watchtower-executor.socket");
    let full = scene.exec("touch /run/never", 20);
    let execution = scene.ended(full);
    assert!(text(&execution["reason"]).starts_with("journal_unwritable"), "{execution}");
    scene.refused("journal_unwritable");
    assert!(host.run("test -e /run/never").status.code() == Some(1));
}

#[test]
fn the_executor_believes_neither_hub_nor_collector() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    let mut thief = Thief::new(&scene.hub.data_dir(), host);
    let never = thief.script("echo x >> /run/never");

    // Tampered with on the way, for another agent, too late, too early: refused by the executor itself.
    let mut tampered = thief.signed(never.clone());
    tampered
        .payload_b64
        .replace_range(100..101, if &tampered.payload_b64[100..101] == "A" { "B" } else { "A" });
    assert_eq!(Thief::refusal(&thief.ask(&tampered, 0)), "bad_signature");
    let command = |agent_id, from: i64, until: i64| Command {
        agent_id,
        issued_at: Timestamp(from),
        not_after: Timestamp(until),
        body: CommandBody::Run(never.clone()),
    };
    let now = watchtower_tests::agents::now_ms();
    let other = thief.signed_as(command(AgentId(Id::from_bytes([9; 16])), now, now + 60_000));
    let said = thief.ask(&other, 0);
    assert_eq!(Thief::refusal(&said), "wrong_agent");
    assert!(said.iter().all(|say| say["message"]["type"] != "execution"), "an answer for another: {said:?}");
    let hour = 3_600_000;
    let late = thief.signed_as(command(thief.agent_id, now - 2 * hour, now - hour));
    assert_eq!(Thief::refusal(&thief.ask(&late, -2 * hour)), "expired", "a lie about the clock helped");

    // The same command again and again runs once.
    let once = thief.script("echo x >> /run/once");
    let envelope = thief.signed(once);
    for _ in 0..REPEATS {
        thief.ask(&envelope, 0);
    }
    wait::until(SOON, "the script", || host.run("test -s /run/once").status.success().then_some(()));
    host.must("systemctl kill -s KILL watchtower-executor.service");
    let mut thief = Thief::new(&scene.hub.data_dir(), host);
    thief.ask(&envelope, 0);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(host.must("cat /run/once"), "x\n");

    // Under allowlist and monitor the stolen key says when, never what.
    let listed = "echo x >> /run/listed";
    let policy = format!("mode = \"allowlist\"\nscripts = [{:?}]\nusers = [\"root\"]\n", sha256(listed));
    host.put("/etc/watchtower/policy.toml", &policy, 0o644);
    let mut altered = thief.script(listed);
    altered.body.push_str("; echo x >> /run/never");
    assert_eq!(Thief::refusal(&thief.ask(&thief.signed(altered), 0)), "bad_command");
    let typed = watchtower_protocol::RunScript { ad_hoc: true, ..thief.script(listed) };
    let evil = watchtower_protocol::RunScript {
        interpreter: vec!["/bin/sh".into(), "-c".into(), "echo x >> /run/never".into()],
        ..thief.script(listed)
    };
    let as_other = watchtower_protocol::RunScript { user: Some("daemon".into()), ..thief.script(listed) };
    for run in [never.clone(), typed, evil, as_other] {
        let run = watchtower_protocol::RunScript { execution_id: thief.script("").execution_id, ..run };
        assert_eq!(Thief::refusal(&thief.ask(&thief.signed(run), 0)), "policy");
    }
    thief.ask(&thief.signed(thief.script(listed)), 0);
    wait::until(SOON, "the listed script", || host.run("test -s /run/listed").status.success().then_some(()));
    host.put("/etc/watchtower/policy.toml", "mode = \"monitor\"\n", 0o644);
    assert_eq!(Thief::refusal(&thief.ask(&thief.signed(thief.script(listed)), 0)), "policy");
    assert!(host.run("test -e /run/never").status.code() == Some(1), "something of the thief's own ran");
}

/// Rotates the command key to its end: everybody goes by the last bundle then.
fn rotate_signing(api: &Api) -> Value {
    for verb in ["rotate", "switch", "retire"] {
        api.post(&format!("/keys/signing/{verb}"), &json!({}));
        wait::until(SOON, &format!("all to confirm after {verb}"), || {
            (api.get("/keys")["agents_behind"] == 0).then_some(())
        });
    }
    api.get("/keys")
}

#[test]
fn the_executor_learns_keys_for_itself_and_a_stolen_one_is_worth_nothing_after_the_rotation() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    let loot = tempfile::tempdir().unwrap();
    std::fs::create_dir(loot.path().join("keys")).unwrap();
    let stolen = loot.path().join("keys/signing.key");
    std::fs::copy(scene.hub.data_dir().join("keys/signing.key"), &stolen).unwrap();
    let keys = rotate_signing(&scene.api);
    let own = "/var/lib/watchtower-executor/bundle.json";
    assert_eq!(host.must(&format!("stat -c '%U %a' {own}")), "root 600\n");
    let bundle: TrustBundle = serde_json::from_str(&host.must(&format!("cat {own}"))).unwrap();
    assert_eq!(keys["bundle_version"], bundle.version);
    let run = scene.exec("echo x >> /run/new", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");

    // The thief has also taken over the collector, and names the stolen key in a bundle of its own making.
    let mut thief = Thief::new(loot.path(), host);
    let script = thief.script("echo x >> /run/stolen");
    assert_eq!(Thief::refusal(&thief.ask(&thief.signed(script.clone()), 0)), "bad_signature");
    let key = SigningKey { purpose: Purpose::Command, public_key: thief.public_key() };
    let forged = TrustBundle { version: u64::MAX, signing_keys: vec![key], ..bundle.clone() };
    thief.bundle(&forged);
    assert_eq!(Thief::refusal(&thief.ask(&thief.signed(script), 0)), "bad_signature");
    assert_eq!(serde_json::from_str::<TrustBundle>(&host.must(&format!("cat {own}"))).unwrap(), bundle);
    assert!(host.run("test -e /run/stolen").status.code() == Some(1), "the stolen key ran something");
}

#[test]
fn where_nothing_may_run_the_collector_alone_confirms_keys() {
    let Some(scene) = Managed::start("monitor") else { return };
    assert!(scene.host.run("test -S /run/watchtower-executor.sock").status.code() == Some(1));
    rotate_signing(&scene.api);
}

#[test]
fn an_agent_of_one_process_becomes_two_and_remembers_what_it_ran() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    host.must(ONE_PROCESS);
    let run = scene.exec("echo x >> /run/old", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");
    let mut entries = host.must("grep -ac execution_id /var/lib/watchtower/journal");
    assert_eq!(entries, "1\n");
    let server = scene.api.get(&format!("/servers/{}", host.name));
    let enrolment = scene.api.post(&format!("/servers/{}/enrolment", text(&server["id"])), &json!({}));
    host.must(&text(&enrolment["command"]).replace("sudo sh", "sh"));
    let run = scene.exec("id -un", 20);
    assert_eq!(scene.ended(run)["state"], "succeeded");
    entries = host.must("grep -ac execution_id /var/lib/watchtower-executor/journal; ls /var/lib/watchtower/journal 2>&1 || true");
    assert!(entries.contains("No such file"), "{entries}");
    assert_eq!(
        host.must("ps -o user= $(systemctl show -p MainPID --value watchtower-agent)").trim(),
        "watchtower"
    );
}

#[test]
fn an_approver_signs_a_script_and_nobody_else_can() {
    let Some(scene) = Managed::start("full") else { return };
    let host = &scene.host;
    let (approver, stranger) = (Approver::new(), Approver::new());
    let policy = format!("mode = \"allowlist\"\nusers = [\"root\"]\napprovers = [{:?}]\n", approver.public());
    host.put("/etc/watchtower/policy.toml", &policy, 0o644);
    wait::until(SOON, "the policy to be known", || {
        (scene.api.get(&format!("/servers/{}", host.name))["facts"]["policy"] == "allowlist").then_some(())
    });
    let script = json!({
        "name": "note", "body": "echo \"$WHAT\" >> /run/notes\n", "timeout_seconds": 20,
        "parameters": [{"name": "WHAT", "kind": "text", "required": true}],
    });
    scene.api.post("/scripts", &script);
    let run = |what: &str| {
        let on = format!("name={:?}", host.name);
        let body = json!({"script": "note", "on": on, "parameters": {"WHAT": what}});
        let number = scene.api.post("/runs", &body)["run"]["number"].as_i64().unwrap();
        scene.ended(number)
    };
    assert_eq!(run("unsigned")["state"], "rejected");
    stranger.sign(&scene.hub, "note");
    let execution = run("stranger");
    assert!(text(&execution["reason"]).contains("not in approvers"), "{execution}");
    approver.sign(&scene.hub, "note");
    let execution = run("signed");
    assert_eq!(execution["state"], "succeeded", "{execution}");
    // What the thief has of the hub includes the approval; it fits nothing but what was signed.
    let stored = scene.api.get("/scripts/note");
    assert!(text(&stored["approval"]["key"]).starts_with("SHA256:"), "{stored}");
    let edited = json!({"name": "note", "body": "echo other >> /run/notes\n", "timeout_seconds": 20});
    scene.api.put("/scripts/note", &edited);
    assert!(scene.api.get("/scripts/note")["approval"].is_null(), "an approval of another text was kept");
    assert_eq!(host.must("cat /run/notes"), "signed\n");
}
