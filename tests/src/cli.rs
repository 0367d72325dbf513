//! The `watchtower` command as a person starts it: with nothing of the environment that the test itself has.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::hub::{BOOTSTRAP, program};

const BUILT: &str = "the program was built";

/// How a command ended.
#[derive(Debug)]
pub struct Said {
    pub exit: i32,
    /// What stood on standard output.
    pub out: String,
    /// The same as JSON where it is that, else as a string.
    pub json: Value,
    pub errors: String,
}

impl Said {
    /// The only row of a deployment.
    ///
    /// # Panics
    /// If there is none or more than one.
    pub fn row(&self) -> &Value {
        let rows = self.json["items"].as_array().unwrap_or_else(|| panic!("no rows: {self:?}"));
        assert_eq!(rows.len(), 1, "{self:?}");
        &rows[0]
    }
}

/// The command with what its environment says.
#[derive(Debug, Clone)]
pub struct Cli {
    envs: Vec<(String, String)>,
}

impl Cli {
    /// Knows a hub, and nobody to sign in as.
    pub fn nobody(hub_url: &str) -> Cli {
        Cli { envs: Vec::new() }.env("PATH", "/usr/bin:/bin").env("WATCHTOWER_URL", hub_url)
    }

    /// As the hub's first administrator.
    pub fn new(hub_url: &str) -> Cli {
        Cli::nobody(hub_url).env("WATCHTOWER_TOKEN", BOOTSTRAP)
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Cli {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// With a folder for what a person has on their machine.
    #[must_use]
    pub fn at_home(self, folder: &Path) -> Cli {
        self.env("HOME", &folder.to_string_lossy())
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(words).env_clear().envs(self.envs.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `watchtower WORDS` to its end, with `input` on standard input.
    ///
    /// # Panics
    /// If the program cannot be run.
    pub fn run(&self, words: &[&str], input: &str) -> Said {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect(BUILT);
        let mut stdin = child.stdin.take().expect("it is piped");
        // What ends without reading it does not want it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("it was started");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        Said {
            exit: output.status.code().unwrap_or(-1),
            json: serde_json::from_str(&out).unwrap_or_else(|_| out.clone().into()),
            out,
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same with what it says.
    ///
    /// # Panics
    /// If it fails.
    pub fn good(&self, words: &[&str], input: &str) -> String {
        let said = self.run(words, input);
        assert_eq!(said.exit, 0, "{words:?}: {said:?}");
        said.out
    }
}
