//! kill -9 of the agent, and a hub that is away: the spool leaves no gap.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup, agents_dir};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(60);
/// One report a second; an agent that starts again, and one that is busy, may miss some.
const GAP_SECONDS_MAX: f64 = 4.0;

struct LocalAgent {
    program: PathBuf,
    state: TempDir,
}

impl LocalAgent {
    /// Enrols this machine as the installer would, with what the installer holds.
    fn enrol(hub: &Hub, name: &str) -> LocalAgent {
        let api = hub.api();
        api.post("/servers", &json!({"name": name, "labels": {}}));
        let token = text(&api.post(&format!("/servers/{name}/enrolment"), &json!({}))["token"]);
        let url = format!("https://{}/install/{token}", hub.agent_address());
        let script = Command::new("curl").args(["-fsS", "-k", &url]).output().expect("curl is installed");
        let script = String::from_utf8_lossy(&script.stdout).into_owned();
        let secret = script.split("<<'SECRET'\n").nth(1).and_then(|rest| rest.split("\nSECRET").next());
        let agent = LocalAgent {
            program: agents_dir().join(format!("watchtower-agent-{}", std::env::consts::ARCH)),
            state: TempDir::with_prefix("wt-agent-").expect("the temporary folder is writable"),
        };
        let mut enrol = Command::new(&agent.program)
            .args(["enrol", "--state-dir"])
            .arg(agent.state.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let secret = format!("{}\n", secret.expect("the installer holds the token and the bundle"));
        enrol.stdin.take().expect("it is piped").write_all(secret.as_bytes()).expect("the agent reads");
        assert!(enrol.wait().expect("it is ours").success(), "the agent did not enrol");
        agent
    }

    fn run(&self) -> Tether {
        let state = self.state.path();
        let args = ["run", "--state-dir", &state.to_string_lossy(), "--policy", &path(state, "policy.toml")];
        Tethered {
            program: &self.program,
            args: args.map(String::from).to_vec(),
            envs: vec![],
            ids: None,
            log: Some(state.join("agent.log")),
            stop_signal: "TERM",
        }
        .spawn()
    }
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_string_lossy().into_owned()
}

/// Times of the samples, in seconds.
fn times(api: &Api, name: &str) -> Vec<f64> {
    let series = api.promql(&format!("node_time_seconds{{instance=\"{name}\"}}[10m]"));
    let values = series.first().and_then(|series| series["values"].as_array().cloned()).unwrap_or_default();
    values.iter().filter_map(|pair| pair[0].as_f64()).collect()
}

fn await_samples(api: &Api, name: &str, more: usize) {
    let before = times(api, name).len();
    wait::until(SOON, "more samples", || (times(api, name).len() >= before + more).then_some(()));
}

fn largest_gap(times: &[f64]) -> f64 {
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
}

#[test]
fn neither_a_killed_agent_nor_an_absent_hub_leaves_a_gap() {
    // The grace of production: it outlasts the agent's longest wait between two attempts to connect.
    let timing = "interval=1s,lost_grace=90s,evaluate=1s".into();
    let mut hub = Hub::start(Setup { timing, ..Setup::default() });
    let api = hub.api();
    let agent = LocalAgent::enrol(&hub, "here");
    let mut running = agent.run();
    await_samples(&api, "here", 3);

    running.kill();
    let _running = agent.run();
    await_samples(&api, "here", 3);

    let away = std::time::Instant::now();
    hub.kill();
    std::thread::sleep(Duration::from_secs(12));
    hub.restart();
    let absent = away.elapsed().as_secs_f64();
    wait::until(SOON, "the absence to be filled", || {
        let times = times(&api, "here");
        let now = watchtower_tests::agents::now_ms() as f64 / 1000.0;
        let fresh = times.last().is_some_and(|last| now - last < 3.0);
        (fresh && times.len() > 10 && largest_gap(&times) <= GAP_SECONDS_MAX).then_some(())
    });
    assert!(absent > GAP_SECONDS_MAX, "the hub was not away for long enough to tell");
    // What was only spooled pages nobody and is told as history.
    let kinds: Vec<String> =
        api.list("/events?server=here").iter().map(|event| text(&event["kind"])).collect();
    assert!(!kinds.iter().any(|kind| kind == "server.lost"), "{kinds:?}");
}
