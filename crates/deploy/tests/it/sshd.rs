//! An sshd of the test's own: its port, its host key, its configuration. Ends with the test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use watchtower_deploy::{Credentials, Key, Secret};
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::{need, port, wait};

const PROGRAM: &str = "/usr/sbin/sshd";

pub struct Sshd {
    pub port: u16,
    pub folder: TempDir,
    _tether: Tether,
}

impl Sshd {
    /// `None` where sshd cannot be run, with the reason told. `config`: more lines; `key`: type of the host key.
    pub fn start_with(config: &str, key: &str) -> Option<Sshd> {
        let root =
            std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        if !root || !Path::new(PROGRAM).exists() {
            need::lacks("root and sshd (Debian package openssh-server)");
            return None;
        }
        std::fs::create_dir_all("/run/sshd").unwrap();
        let folder = TempDir::with_prefix("wt-sshd-").unwrap();
        let at = |name: &str| folder.path().join(name);
        keygen(&at("host"), key, "");
        keygen(&at("id"), "ed25519", "");
        std::fs::copy(at("id.pub"), at("authorized")).unwrap();
        let port = port::free();
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n{config}\n",
            at("host").display(),
            at("authorized").display()
        );
        std::fs::write(at("config"), text).unwrap();
        let tether = Tethered {
            program: Path::new(PROGRAM),
            args: ["-D", "-e", "-f", &at("config").to_string_lossy()].map(String::from).to_vec(),
            envs: vec![],
            ids: None,
            log: Some(at("log")),
            stop_signal: "TERM",
        }
        .spawn();
        wait::until(Duration::from_secs(10), "sshd", || {
            assert!(tether.alive(), "{}", std::fs::read_to_string(at("log")).unwrap_or_default());
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(Sshd { port, folder, _tether: tether })
    }

    pub fn start(config: &str) -> Option<Sshd> {
        Sshd::start_with(config, "ed25519")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The key that is let in.
    pub fn key(&self) -> Credentials {
        let key = key(&self.path("id"), None);
        Credentials { keys: vec![key], ..Credentials::default() }
    }
}

/// Makes a pair of keys.
pub fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

pub fn key(path: &Path, passphrase: Option<&str>) -> Key {
    Key {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        text: Secret::new(std::fs::read_to_string(path).unwrap()),
        passphrase: passphrase.map(Secret::new),
    }
}
