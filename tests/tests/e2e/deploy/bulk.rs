//! Several hosts by one command: from a list, through one jump host, with one that cannot work.

use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_testkit::hosts::Host;
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;
use watchtower_tests::scene::Scene;

/// Two fresh hosts, debug builds, and a machine that tests beside it.
const SOON: Duration = Duration::from_secs(15);

/// A list of hosts, and an ssh_config that says where they are.
fn write_lists(operator: &Operator, gate: &Host, hosts: &[&Host]) {
    let mut config = format!("Host gate\n  HostName {}\n  User root\n", gate.address);
    let mut list = String::from("name,host,port,env\n");
    for (at, host) in hosts.iter().enumerate() {
        config.push_str(&format!("Host inner-{at}\n  HostName {}\n", host.address));
        list.push_str(&format!("web-{at},inner-{at},,prod\n"));
    }
    config.push_str("Host inner-*\n  User root\n  ProxyJump gate\n");
    list.push_str("gone,127.0.0.1,1,prod\n");
    std::fs::write(operator.path().join(".ssh/config"), config).expect("the folder is ours");
    std::fs::write(operator.path().join("hosts.csv"), list).expect("the folder is ours");
}

#[test]
fn one_host_s_failure_is_its_own() {
    let Some(scene) = Scene::start(3) else { return };
    let operator = &scene.operator;
    let [gate, one, two] = scene.hosts.as_slice() else { panic!("three were booted") };
    write_lists(operator, gate, &[one, two]);

    let list = operator.path().join("hosts.csv");
    let command = [
        "agent",
        "deploy",
        "--from",
        &list.to_string_lossy(),
        "--ssh-config",
        &operator.path().join(".ssh/config").to_string_lossy(),
        "-y",
    ]
    .map(str::to_string);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let said = operator.run(&words);
    let took = begun.elapsed();
    assert_eq!(said.exit, 6, "{said:?}");
    let rows = said.json["items"].as_array().cloned().unwrap_or_default();
    let results: Vec<String> = rows.iter().map(|row| text(&row["result"])).collect();
    assert_eq!(results, ["installed", "installed", "failed"], "{said:?}");
    assert_eq!(rows[2]["failure"]["code"], "E_TCP_REFUSED");
    assert!(took < SOON, "two hosts took {took:?}");
    eprintln!("two fresh hosts through one jump host: {took:?}");
    let entered = gate.must("journalctl -u ssh -o cat | grep -c 'Accepted publickey'");
    assert_eq!(entered.trim(), "1", "the jump host is signed in to once");
    shown(operator);

    for verb in ["upgrade", "rollback"] {
        let again = operator.run(&[&["agent", verb, "inner-[0..1]", "--ssh-config"], &words[5..]].concat());
        let failed: Vec<String> = again.json["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| text(&row["failure"]["code"]))
            .collect();
        assert_eq!(
            (again.exit, failed),
            (1, vec!["E_DUPLICATE".to_string(); 2]),
            "they are web-0 and web-1: {again:?}"
        );
    }
}

/// What the command line says of agents, and what Ansible gets.
fn shown(operator: &Operator) {
    let status = operator.run(&["agent", "status", "--on", "env=prod"]);
    let agents = status.json["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(agents.len(), 2, "a host that failed has no record: {status:?}");
    assert!(agents.iter().all(|agent| agent["agent_version"].is_string()), "{status:?}");
    let inventory = operator.text(&["server", "list", "-o", "ansible"]);
    let inventory: serde_json::Value = serde_json::from_str(&inventory).expect("an inventory is JSON");
    assert_eq!(inventory["env_prod"]["hosts"], json!(["web-0", "web-1"]), "{inventory}");
    assert!(inventory["_meta"]["hostvars"]["web-0"]["ansible_host"].is_string(), "{inventory}");
}
