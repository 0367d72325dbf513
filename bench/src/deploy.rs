//! Agents on fresh hosts and a command on all of them, beside Ansible doing the like on the same hosts in the same run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use watchtower_model::Timestamp;
use watchtower_testkit::hosts::Host;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::Setup;
use watchtower_tests::operator::Operator;
use watchtower_tests::scene::Scene;

use crate::process::find;
use crate::table::{Table, quantile};

const HOSTS: u8 = 8;
pub const ROUNDS: usize = 15;
pub const SOON: Duration = Duration::from_secs(60);

pub fn measure(table: &mut Table) {
    let setup = Setup { timing: "interval=10s,lost_grace=90s,evaluate=1s".into(), ..Setup::default() };
    let Some(scene) = Scene::with(HOSTS, setup) else { return };
    let Scene { hub, operator, hosts, .. } = &scene;
    let ansible = Ansible::prepare(operator, hosts);

    let list = operator.path().join("hosts.csv");
    let rows = hosts.iter().enumerate().map(|(at, host)| format!("web-{at},{},root\n", host.address));
    fs::write(&list, format!("name,host,user\n{}", rows.collect::<String>())).expect("the folder is ours");
    let began = Instant::now();
    let said =
        operator.run(&["agent", "deploy", "--from", &list.to_string_lossy(), "--parallel", "10", "-y"]);
    let ours = began.elapsed().as_secs_f64();
    assert_eq!(said.exit, 0, "the hosts were not reached: {said:?}");
    let theirs = ansible.as_ref().map(Ansible::deploy);
    table.row(
        "agents on 8 fresh hosts, first reports of all",
        format!("{ours:.1} s"),
        "<= 5 s, <= 0.2 x Ansible",
        &theirs.map_or("Ansible is not installed".into(), |theirs| {
            format!("Ansible, node_exporter and its unit: {theirs:.1} s (ours {:.2} of it)", ours / theirs)
        }),
    );
    everywhere(table, &hub.api(), operator, ansible.as_ref());
}

/// `true` on all of them.
fn everywhere(table: &mut Table, api: &Api, operator: &Operator, ansible: Option<&Ansible>) {
    let mut whole = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        operator.text(&["run", "exec", "--on", "name=~\"web-.*\"", "-o", "json", "--", "true"]);
        whole.push(began.elapsed().as_millis() as i64);
    }
    let mut inside: Vec<i64> = api.list("/runs").iter().filter_map(|run| duration_ms(api, run)).collect();
    let theirs = ansible.map(|ansible| ansible.time(&["-m", "command", "-a", "true", "all"], "ansible"));
    table.row(
        "`true` on 8 servers as transient units, hub-side",
        format!("median {} ms, worst {} ms", quantile(&mut inside, 0.5), quantile(&mut inside, 1.0)),
        "<= 250 ms",
        "",
    );
    table.row(
        "`true` on 8 servers, the whole command",
        format!("median {} ms", quantile(&mut whole, 0.5)),
        "",
        &theirs
            .map_or("Ansible is not installed".into(), |theirs| format!("ansible -m command: {theirs:.1} s")),
    );
}

/// From its creation to its end, by the hub's clock.
pub fn duration_ms(api: &Api, run: &serde_json::Value) -> Option<i64> {
    let number = run["number"].as_i64()?;
    let ended = wait::until(SOON, "the run to end", || {
        Some(api.get(&format!("/runs/{number}"))).filter(|run| run["finished_at"].is_string())
    });
    let at = |name: &str| Timestamp::parse_rfc3339(ended[name].as_str()?).ok();
    Some(at("finished_at")?.since(at("created_at")?))
}

/// An inventory and a play that copies a program and its unit, as people do it.
struct Ansible<'a> {
    folder: &'a Path,
}

impl<'a> Ansible<'a> {
    fn prepare(operator: &'a Operator, hosts: &[Host]) -> Option<Ansible<'a>> {
        let exporter = find("prometheus-node-exporter").filter(|_| find("ansible-playbook").is_some())?;
        hosts.iter().for_each(give_python);
        let folder = operator.path();
        let lines = hosts.iter().map(|host| format!("{} ansible_user=root\n", host.address));
        let key = folder.join(".ssh/id_ed25519");
        let inventory = format!(
            "[all]\n{}[all:vars]\nansible_ssh_private_key_file={}\n",
            lines.collect::<String>(),
            key.display()
        );
        let unit =
            "[Service]\nExecStart=/usr/local/bin/node_exporter\n[Install]\nWantedBy=multi-user.target\n";
        let play = format!(
            "- hosts: all\n  tasks:\n    - copy: {{src: {}, dest: /usr/local/bin/node_exporter, mode: '0755'}}\n    \
             - copy: {{src: {}, dest: /etc/systemd/system/node_exporter.service}}\n    \
             - systemd: {{name: node_exporter, state: started, enabled: true, daemon_reload: true}}\n",
            exporter.display(),
            folder.join("node_exporter.service").display()
        );
        for (name, text) in
            [("inventory", inventory.as_str()), ("node_exporter.service", unit), ("play.yml", &play)]
        {
            fs::write(folder.join(name), text).expect("the folder is ours");
        }
        Some(Ansible { folder })
    }

    fn deploy(&self) -> f64 {
        self.time(&["play.yml"], "ansible-playbook")
    }

    /// Seconds of one of its commands, with as many forks as there are hosts.
    fn time(&self, words: &[&str], program: &str) -> f64 {
        let began = Instant::now();
        let status = Command::new(program)
            .args(["-i", "inventory", "-f", &HOSTS.to_string()])
            .args(words)
            .current_dir(self.folder)
            .env("HOME", self.folder)
            .env("ANSIBLE_HOST_KEY_CHECKING", "False")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "{program} {words:?} failed");
        began.elapsed().as_secs_f64()
    }
}

/// The hosts are of the same Debian as this machine, and have no Python; ours need none.
fn give_python(host: &Host) {
    let copy = |from: &str| {
        let to = host.inside(from);
        let _ = to.parent().map(fs::create_dir_all);
        let done = Command::new("cp").args(["-a", "--no-clobber", from]).arg(&to).status();
        assert!(done.is_ok_and(|status| status.success()), "copying {from}");
    };
    let python = fs::canonicalize("/usr/bin/python3").expect("Ansible runs on it");
    let name = python.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    copy(&python.to_string_lossy());
    copy(&format!("/usr/lib/{name}"));
    let needs = Command::new("ldd").arg(&python).output().expect("ldd is part of libc");
    for word in
        String::from_utf8_lossy(&needs.stdout).split_whitespace().filter(|word| word.starts_with("/lib/"))
    {
        copy_library(host, word);
    }
    host.must(&format!("ln -sf {name} /usr/bin/python3"));
}

/// Behind the links that a library is found by.
fn copy_library(host: &Host, path: &str) {
    let real = fs::canonicalize(path).expect("the loader found it");
    let to = host.inside(&format!("/usr{path}"));
    if !to.exists() {
        fs::copy(real, to).expect("the host's files are ours");
    }
}
