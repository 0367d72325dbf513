//! A person with a shell: the `watchtower` command with a home folder, a key of its own, and hosts that take it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use watchtower_testkit::hosts::Host;

use crate::cli::{Cli, Said};
use crate::hub::agents_dir;

/// The program that hosts of this architecture get.
pub const AGENT: &str = "watchtower-agent-x86_64";

/// One operator.
pub struct Operator {
    pub home: TempDir,
    cli: Cli,
}

impl Operator {
    /// # Panics
    /// If ssh-keygen is missing.
    pub fn new(hub_url: &str) -> Operator {
        let home = TempDir::with_prefix("wt-operator-").expect("the temporary folder is writable");
        std::fs::create_dir_all(home.path().join(".ssh")).expect("it was just made");
        let cli = Cli::new(hub_url).at_home(home.path()).env("USER", "root");
        let operator = Operator { home, cli };
        operator.keygen("id_ed25519", &["-t", "ed25519", "-N", ""]);
        operator
    }

    /// Makes a key below `.ssh`.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn keygen(&self, name: &str, options: &[&str]) -> PathBuf {
        let path = self.home.path().join(".ssh").join(name);
        let made = Command::new("ssh-keygen").args(["-q", "-f"]).arg(&path).args(options).status();
        assert!(made.is_ok_and(|status| status.success()), "ssh-keygen {options:?}");
        path
    }

    /// The public half of a key.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn public(&self, name: &str) -> String {
        let path = self.home.path().join(".ssh").join(format!("{name}.pub"));
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Lets the operator's key in as this user of a host.
    pub fn may_enter(&self, host: &Host, user: &str) {
        let key = self.public("id_ed25519");
        let script = format!(
            "home=$(getent passwd {user} | cut -d: -f6); mkdir -p -m 700 $home/.ssh; echo '{}' >> $home/.ssh/authorized_keys; chown -R {user}: $home/.ssh",
            key.trim()
        );
        host.must(&script);
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// Runs `watchtower WORDS -o json` to its end.
    pub fn run(&self, words: &[&str]) -> Said {
        self.run_with(words, "")
    }

    /// The same with lines on standard input.
    ///
    /// # Panics
    /// If the program cannot be run.
    pub fn run_with(&self, words: &[&str], input: &str) -> Said {
        self.cli.run(&[words, &["-o", "json"]].concat(), input)
    }

    /// Runs `watchtower WORDS` as they are: standard output.
    ///
    /// # Panics
    /// If it fails.
    pub fn text(&self, words: &[&str]) -> String {
        self.cli.good(words, "")
    }

    /// Starts `watchtower WORDS`, to be killed.
    ///
    /// # Panics
    /// If the program cannot be run.
    pub fn start(&self, words: &[&str]) -> Child {
        self.cli
            .command(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program was built")
    }
}

/// The built agent without its debug information, in a folder for `--agents-dir`: a fifth of the bytes to send around.
///
/// # Panics
/// If it was not built, or there is no `strip`.
pub fn small_agents() -> TempDir {
    let folder = TempDir::with_prefix("wt-agents-").expect("the temporary folder is writable");
    let made =
        Command::new("strip").arg("-o").arg(folder.path().join(AGENT)).arg(agents_dir().join(AGENT)).status();
    assert!(made.is_ok_and(|status| status.success()), "strip (Debian package binutils)");
    folder
}

/// Everything of a host that a deployment could leave behind: path, kind, mode, owner, size of files, target of links. Not the copies
/// that the system's own tools keep of the account files before each change (`/etc/passwd-`), nor what systemd makes for itself: it leaves an
/// empty `/tmp/namespace-dev-*` when a service is stopped while its private `/dev` is being set up.
pub fn files(host: &Host) -> Vec<String> {
    let script = "find /etc /opt /usr /var/lib /var/tmp /tmp /root /home /srv -xdev \
        \\( -path /var/lib/systemd -o -path /var/lib/sudo -o -path '/tmp/systemd-*' -o -path '/tmp/namespace-dev-*' -o -path '/var/tmp/systemd-*' -o -path '/etc/*-' \\) -prune -o \
        -not -type s \\( -type f -printf '%p f %m %U %s\\n' -o -not -type f -printf '%p %y %m %U %l\\n' \\) | sort";
    host.must(script).lines().map(String::from).collect()
}

/// What differs between two such lists.
pub fn difference(before: &[String], after: &[String]) -> Vec<String> {
    use std::collections::BTreeSet;
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
    let gone = before.difference(&after).map(|line| format!("gone: {line}"));
    gone.chain(after.difference(&before).map(|line| format!("new: {line}"))).collect()
}
