//! The first steps of the README, as somebody takes them: a hub whose folder is named by a relative path, with this machine as its first
//! server, and a person at the command line.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::{port, wait};
use watchtower_tests::cli::{Cli, Said};
use watchtower_tests::hub::{agents_dir, program};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct horse battery staple";

/// A hub that was started in its own folder, as `make run` does.
struct Home {
    dir: TempDir,
    url: String,
    _hub: Tether,
}

impl Home {
    fn start() -> Home {
        let dir = TempDir::with_prefix("wt-home-").unwrap();
        let (people, agents) = (port::free(), port::free());
        let serve = format!(
            "cd {} && exec {} serve --with-local-agent --data-dir ./data --listen 127.0.0.1:{people} \
             --agent-listen 127.0.0.1:{agents} --agents-dir {}",
            dir.path().display(),
            program().display(),
            agents_dir().display(),
        );
        let hub = Tethered {
            program: Path::new("/bin/sh"),
            args: vec!["-c".into(), serve],
            envs: vec![],
            ids: None,
            log: Some(dir.path().join("hub.log")),
            stop_signal: "TERM",
        };
        Home { url: format!("http://127.0.0.1:{people}"), _hub: hub.spawn(), dir }
    }

    /// The token of the link that the hub prints.
    fn setup_token(&self) -> String {
        wait::until(SOON, "the setup link", || {
            let log = std::fs::read_to_string(self.dir.path().join("hub.log")).unwrap_or_default();
            let token = log.split("/setup?token=").nth(1)?.lines().next()?.trim().to_string();
            Some(token).filter(|token| !token.is_empty())
        })
    }

    fn make_first(&self, name: &str) {
        let body = json!({"token": self.setup_token(), "name": name, "password": PASSWORD}).to_string();
        let url = format!("{}/api/v1/setup", self.url);
        let answer = ureq::post(&url).header("content-type", "application/json").send(body.as_bytes());
        assert!(answer.is_ok(), "{answer:?}");
    }

    fn watchtower(&self, words: &[&str], input: &str) -> Said {
        Cli::nobody(&self.url).at_home(self.dir.path()).run(words, input)
    }

    fn json(&self, words: &[&str]) -> Value {
        let said = self.watchtower(&[words, &["--json"]].concat(), "");
        assert_eq!(said.exit, 0, "{words:?}: {said:?}");
        said.json
    }
}

#[test]
fn a_person_signs_in_runs_a_command_and_answers_a_drill_by_their_own_name() {
    let home = Home::start();
    home.make_first("ada");
    let said = home.watchtower(&["login", "--name", "ada", "--password-stdin"], PASSWORD);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(home.json(&["whoami"])["name"], "ada");
    let nobody = home.watchtower(&["user", "create", "ben", "--role", "responder", "--no-input"], "");
    let why = nobody.errors;
    assert!(why.contains("password: is required") && why.contains("--password-file"), "{why}");
    let server = wait::until(SOON, "this machine to report", || {
        let all = home.json(&["server", "list"])["items"].clone();
        all.as_array()?.iter().find(|one| one["status"] == "up").map(|one| text(&one["name"]))
    });
    let run =
        home.watchtower(&["run", "exec", "--on", &format!("name=\"{server}\""), "--", "echo", "made it"], "");
    assert!(run.exit == 0 && run.out.contains("made it"), "{run:?}");
    home.json(&["incident", "test", "--server", &server]);
    assert_eq!(home.json(&["incident", "ack", "1"])["acknowledged_by"], "ada");
    assert_eq!(home.watchtower(&["logout"], "").exit, 0);
    assert_ne!(home.watchtower(&["server", "list"], "").exit, 0);
}
