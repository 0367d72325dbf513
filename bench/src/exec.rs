//! A command on agents of this machine, which has no systemd: executions as processes, not as transient units.

use std::path::Path;

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;

use crate::deploy::{ROUNDS, SOON, duration_ms};
use crate::table::{Table, quantile};

const AGENTS: usize = 8;
const POLICY: &str = "mode = \"full\"\n";

pub fn measure(table: &mut Table) {
    if Path::new("/run/systemd/system").is_dir() {
        table.row("`true` on 8 agents as processes", "systemd runs here: units only".into(), "<= 50 ms", "");
        return;
    }
    let hub =
        Hub::start(Setup { timing: "interval=10s,lost_grace=90s,evaluate=1s".into(), ..Setup::default() });
    let agents: Vec<_> = (0..AGENTS).map(|i| LocalAgent::enrol(&hub, &format!("here-{i}"), POLICY)).collect();
    let _running: Vec<_> = agents.iter().map(LocalAgent::run).collect();
    let api = hub.api();
    wait::until(SOON, "all agents to report", || {
        let up = api.list("/servers").iter().filter(|server| server["status"] == "up").count();
        (up == AGENTS).then_some(())
    });
    for _ in 0..ROUNDS {
        let started = api.post("/runs/exec", &json!({"command": ["true"], "on": "name=~\"here-.*\""}));
        duration_ms(&api, &started["run"]);
    }
    let mut inside: Vec<i64> = api.list("/runs").iter().filter_map(|run| duration_ms(&api, run)).collect();
    table.row(
        "`true` on 8 agents as processes, hub-side",
        format!("median {} ms, worst {} ms", quantile(&mut inside, 0.5), quantile(&mut inside, 1.0)),
        "<= 50 ms",
        "",
    );
}
