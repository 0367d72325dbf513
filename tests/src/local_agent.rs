//! The real agent on this machine, in a folder of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;
use watchtower_testkit::tether::{Tether, Tethered};

use crate::hub::{Hub, agents_dir};
use crate::paging::text;

/// An enrolled agent of this machine.
pub struct LocalAgent {
    /// What starts it, with its first arguments.
    program: Vec<PathBuf>,
    state: TempDir,
}

impl LocalAgent {
    /// Enrols this machine as the installer would, with what the installer holds. `policy`: text of the local policy file.
    ///
    /// # Panics
    /// If the hub or the agent refuses.
    pub fn enrol(hub: &Hub, name: &str, policy: &str) -> LocalAgent {
        let program = agents_dir().join(format!("watchtower-agent-{}", std::env::consts::ARCH));
        LocalAgent::enrol_as(hub, name, policy, vec![program])
    }

    /// The same with another program, or one that an emulator runs.
    ///
    /// # Panics
    /// If the hub or the agent refuses.
    pub fn enrol_as(hub: &Hub, name: &str, policy: &str, program: Vec<PathBuf>) -> LocalAgent {
        let api = hub.api();
        api.post("/servers", &json!({"name": name, "labels": {}}));
        let token = text(&api.post(&format!("/servers/{name}/enrolment"), &json!({}))["token"]);
        let url = format!("https://{}/install/{token}", hub.agent_address());
        let script = Command::new("curl").args(["-fsS", "-k", &url]).output().expect("curl is installed");
        let script = String::from_utf8_lossy(&script.stdout).into_owned();
        let secret = script.split("<<'SECRET'\n").nth(1).and_then(|rest| rest.split("\nSECRET").next());
        let agent = LocalAgent {
            program,
            state: TempDir::with_prefix("wt-agent-").expect("the temporary folder is writable"),
        };
        let mut enrol = Command::new(&agent.program[0])
            .args(&agent.program[1..])
            .args(["enrol", "--state-dir"])
            .arg(agent.state.path())
            .stdin(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let secret = format!("{}\n", secret.expect("the installer holds the token and the bundle"));
        enrol.stdin.take().expect("it is piped").write_all(secret.as_bytes()).expect("the agent reads");
        assert!(enrol.wait().expect("it is ours").success(), "the agent did not enrol");
        std::fs::write(agent.state.path().join("policy.toml"), policy).expect("the folder is writable");
        agent
    }

    /// Its state directory, with its log.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Starts it, until the tether is dropped.
    pub fn run(&self) -> Tether {
        let state = self.state.path();
        let args = ["run", "--state-dir", &state.to_string_lossy(), "--policy", &path(state, "policy.toml")];
        let first = self.program[1..].iter().map(|word| word.to_string_lossy().into_owned());
        Tethered {
            program: &self.program[0],
            args: first.chain(args.map(String::from)).collect(),
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
