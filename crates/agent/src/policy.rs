//! What this server lets a hub do: a file that only the server's own administrator can change.
//!
//! Invariant: whatever is missing, unreadable, badly owned or not understood means `monitor`, with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;
use watchtower_protocol::{RunScript, SshKey};

use crate::approval;

/// Bytes of the file.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Interpreters that may run an allowed script: the script's hash does not cover them.
const INTERPRETERS: [&str; 7] = [
    "/bin/sh",
    "/bin/bash",
    "/usr/bin/sh",
    "/usr/bin/bash",
    "/usr/bin/python3",
    "/usr/bin/perl",
    "/usr/bin/env",
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is ever run.
    #[default]
    Monitor,
    /// Only scripts and users named in the file.
    Allowlist,
    /// Whatever the hub signs.
    Full,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Monitor => "monitor",
            Mode::Allowlist => "allowlist",
            Mode::Full => "full",
        }
    }
}

/// The file: deny by default in each list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    mode: Mode,
    scripts: BTreeSet<String>,
    users: BTreeSet<String>,
    approvers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Policy {
    pub mode: Mode,
    /// `allowlist`: hex SHA-256 of script bodies.
    pub scripts: BTreeSet<String>,
    /// `allowlist`: users that scripts may run as, the agent's own included.
    pub users: BTreeSet<String>,
    /// `allowlist`: public keys, `ssh-ed25519 AAAA…`, whose signature stands for a script's hash.
    pub approvers: Vec<String>,
    /// Why the file does not count, when it does not.
    pub reason: Option<String>,
}

impl Policy {
    pub fn load(path: &Path) -> Policy {
        match read(path) {
            Ok(File { mode, scripts, users, approvers }) => {
                Policy { mode, scripts, users, approvers, reason: None }
            }
            Err(reason) => Policy { reason: Some(reason), ..Policy::default() },
        }
    }

    /// Whether a script may run as `user` (the agent's own where the command names none) at this time.
    pub fn allows(&self, run: &RunScript, user: &str, now: Timestamp) -> Result<(), String> {
        match self.mode {
            Mode::Monitor => Err(match &self.reason {
                Some(reason) => format!("the local policy is monitor: {reason}"),
                None => "the local policy is monitor: nothing is run on this server".into(),
            }),
            Mode::Full => Ok(()),
            Mode::Allowlist if run.ad_hoc => Err("ad-hoc commands need the local policy full".into()),
            Mode::Allowlist if !self.users.contains(user) => {
                Err(format!("user {user:?} is not in users of the local policy"))
            }
            Mode::Allowlist => match (&run.approval, self.scripts.contains(&run.script_sha256)) {
                (_, true) => plain_interpreter(run),
                (Some(approval), false) => approval::check(approval, &self.approvers, run, now),
                (None, false) => Err(format!(
                    "script {} is neither in scripts of the local policy nor signed by one of its approvers",
                    run.script_sha256
                )),
            },
        }
    }
}

/// A hash in the list covers the script alone: the interpreter must be one that does nothing by itself.
fn plain_interpreter(run: &RunScript) -> Result<(), String> {
    let known = |program: &String| INTERPRETERS.contains(&program.as_str());
    let plain = match run.interpreter.as_slice() {
        // `env` runs whatever it is given.
        [env, program] if env == "/usr/bin/env" => {
            matches!(program.as_str(), "sh" | "bash" | "python3" | "perl")
        }
        [program] => known(program) && program != "/usr/bin/env",
        [program, options @ ..] => {
            known(program)
                && program != "/usr/bin/env"
                && options.iter().all(|o| matches!(o.as_str(), "-e" | "-u" | "-x" | "-eu" | "-eux"))
        }
        [] => false,
    };
    if plain {
        Ok(())
    } else {
        Err(format!("interpreter {:?} is not one that an allowlist permits", run.interpreter))
    }
}

/// Owner and mode are those of the opened file, so that a swap after the check gains nothing.
fn read(path: &Path) -> Result<File, String> {
    let shown = path.display();
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(format!("{shown} cannot be read: {error}")),
    };
    let metadata = file.metadata().map_err(|error| format!("{shown} cannot be read: {error}"))?;
    check_owner(&metadata).map_err(|why| format!("{shown} {why}"))?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let metadata = fs::metadata(parent).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        check_owner(&metadata).map_err(|why| format!("{} {why}", parent.display()))?;
    }
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(format!("{shown} must be a file of at most {FILE_BYTES_MAX} bytes"));
    }
    let text = io::read_to_string(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let first = error.message().lines().next().unwrap_or("").to_string();
        format!("{shown} is not understood: {first}")
    })?;
    for (i, line) in file.approvers.iter().enumerate() {
        SshKey::from_line(line).map_err(|why| format!("{shown} is not understood: approvers[{i}]: {why}"))?;
    }
    Ok(file)
}

/// Root's own or ours, and not writable by others.
pub(crate) fn check_owner(metadata: &fs::Metadata) -> Result<(), String> {
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != own {
        return Err(format!("belongs to user {}; it must belong to root", metadata.uid()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("can be written by others; run chmod go-w on it".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: Timestamp = Timestamp(0);

    fn policy(text: &str) -> Policy {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Policy::load(&path)
    }

    fn run(interpreter: &[&str], ad_hoc: bool) -> RunScript {
        RunScript {
            execution_id: watchtower_model::Id::NIL.into(),
            script_name: "x".into(),
            script_sha256: "ab".into(),
            interpreter: interpreter.iter().map(|s| (*s).to_string()).collect(),
            body: String::new(),
            environment: Default::default(),
            secrets: Vec::new(),
            timeout_ms: 1,
            user: None,
            ad_hoc,
            approval: None,
            update: None,
        }
    }

    #[test]
    fn missing_means_monitor_and_anything_odd_says_why() {
        let missing = Policy::load(Path::new("/nonexistent/policy.toml"));
        assert_eq!((missing.mode, missing.reason), (Mode::Monitor, None));
        for text in [
            "mode = \"ful\"",
            "mode = 3",
            "moed = \"full\"",
            "mode = \"full\"\nx = 1",
            "mode = \"full\"\napprovers = [\"ssh-rsa AAAA\"]",
        ] {
            let policy = policy(text);
            assert_eq!(policy.mode, Mode::Monitor, "{text}");
            assert!(policy.reason.unwrap().contains("is not understood"), "{text}");
        }
        assert_eq!(policy("mode = \"full\"").mode, Mode::Full);
    }

    #[test]
    fn a_file_that_others_can_write_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        fs::write(&path, "mode = \"full\"").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let policy = Policy::load(&path);
        assert_eq!(policy.mode, Mode::Monitor);
        assert!(policy.reason.unwrap().contains("chmod go-w"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(Policy::load(&path).mode, Mode::Monitor);
    }

    #[test]
    fn an_allowlist_denies_by_default_in_each_list() {
        let policy = policy("mode = \"allowlist\"\nscripts = [\"ab\"]\nusers = [\"deploy\"]\n");
        let sh = run(&["/bin/sh"], false);
        assert_eq!(policy.allows(&sh, "deploy", NOW), Ok(()));
        assert_eq!(policy.allows(&run(&["/usr/bin/env", "bash"], false), "deploy", NOW), Ok(()));
        assert!(policy.allows(&sh, "root", NOW).unwrap_err().contains("users"));
        assert!(policy.allows(&run(&["/bin/sh"], true), "deploy", NOW).unwrap_err().contains("full"));
        assert!(policy.allows(&RunScript { script_sha256: "cd".into(), ..sh }, "deploy", NOW).is_err());
        for interpreter in [&["/bin/sh", "-c", "evil"][..], &["/tmp/x"], &["/usr/bin/env", "x"], &[]] {
            assert!(policy.allows(&run(interpreter, false), "deploy", NOW).is_err(), "{interpreter:?}");
        }
    }
}
