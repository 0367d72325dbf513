//! One booted host. Commands run inside its namespaces as root; it is stopped, unmounted and removed on drop.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Network, attempt, must, unmount_below};
use crate::tether::{Tether, Tethered};
use crate::wait;

const BOOT_TIMEOUT: Duration = Duration::from_secs(60);
/// No command of a test takes longer inside a host.
const COMMAND_SECONDS: &str = "120";

/// A running host.
pub struct Host {
    /// Its hostname.
    pub name: String,
    /// Its address on the network's bridge.
    pub address: String,
    folder: PathBuf,
    pub(super) leader: i32,
    tether: Tether,
    pub(super) network: Arc<Network>,
}

impl Host {
    pub(super) fn boot(network: Arc<Network>, index: u8) -> Host {
        let name = network.machine(index);
        let address = network.address(index);
        let folder = network.folder().join(&name);
        let root = lay_out(&network, &folder, &name, &address);
        let log = folder.join("console.log");
        let tether = spawn(&network, &name, &root, &log);
        let leader = wait::until(BOOT_TIMEOUT, "the host's init", || {
            assert!(tether.alive(), "{name} ended: {}", tail(&log));
            init_of(tether.pid())
        });
        let host = Host { name, address, folder, leader, tether, network };
        wait::until(BOOT_TIMEOUT, &format!("{} to boot", host.name), || {
            assert!(host.tether.alive(), "{} ended: {}", host.name, tail(&log));
            let state = host.run("systemctl is-system-running");
            let state = String::from_utf8_lossy(&state.stdout).trim().to_string();
            matches!(state.as_str(), "running" | "degraded").then_some(())
        });
        host
    }

    /// Runs a shell script inside, as root.
    pub fn run(&self, script: &str) -> Output {
        Command::new("timeout")
            .args([
                COMMAND_SECONDS,
                "nsenter",
                "-t",
                &self.leader.to_string(),
                "-m",
                "-u",
                "-i",
                "-n",
                "-p",
                "--",
            ])
            .args(["/bin/sh", "-c", script])
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .expect("timeout and nsenter were found before")
    }

    /// Runs a shell script inside: what it printed.
    ///
    /// # Panics
    /// If it fails, with what it said.
    pub fn must(&self, script: &str) -> String {
        let output = self.run(script);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {script}: {}\n{out}\n{err}", self.name, output.status);
        out.into_owned()
    }

    /// Writes a file inside.
    pub fn put(&self, path: &str, content: &str, mode: u32) {
        let file = self.folder.join("root").join(path.trim_start_matches('/'));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).unwrap_or_else(|e| panic!("{}: {e}", parent.display()));
        }
        fs::write(&file, content).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it was just written");
    }

    /// A path inside, as this machine reaches it: sockets and what is mounted there included.
    pub fn inside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.leader))
    }

    /// The end of what the host printed on its console.
    pub fn console(&self) -> String {
        tail(&self.folder.join("console.log"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Without its init the whole host is gone at once; an orderly shutdown would take seconds.
        if let Some(leader) = Pid::from_raw(self.leader) {
            let _ = kill_process(leader, Signal::KILL);
        }
        self.tether.stop();
        leave(&self.name);
        unmount_below(&self.folder);
        attempt("rm", &["-rf", "--one-file-system", &self.folder.to_string_lossy()]);
    }
}

/// The overlay, with the host's address in it.
fn lay_out(network: &Network, folder: &Path, name: &str, address: &str) -> PathBuf {
    let [upper, work, root] = ["upper", "work", "root"].map(|part| folder.join(part));
    for part in [&upper, &work, &root] {
        fs::create_dir_all(part).unwrap_or_else(|e| panic!("{}: {e}", part.display()));
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        network.base.display(),
        upper.display(),
        work.display()
    );
    must("mount", &["-t", "overlay", "overlay", "-o", &options, &root.to_string_lossy()]);
    let config =
        format!("[Match]\nName=host0\n\n[Network]\nAddress={address}/24\nGateway={}\n", network.gateway());
    let folder = root.join("etc/systemd/network");
    fs::create_dir_all(&folder).expect("the overlay is ours");
    fs::write(folder.join("10-host0.network"), config).expect("the overlay is ours");
    // As Debian's installer leaves it: sudo looks up the host's own name.
    let hosts = format!("127.0.0.1 localhost\n127.0.1.1 {name}\n");
    fs::write(root.join("etc/hosts"), hosts).expect("the overlay is ours");
    root
}

/// A control group of its own in every hierarchy, before nspawn takes its place: hosts that shared one would see, and
/// kill, each other's units of the same name.
const ENTER: &str = r#"name=$1; shift
for tree in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    [ -f $tree/cgroup.procs ] || continue
    mkdir -p $tree/$name && echo $$ > $tree/$name/cgroup.procs
done 2>/dev/null
exec systemd-nspawn "$@""#;

/// Removes the host's control groups, innermost first.
fn leave(name: &str) {
    let script = format!(
        "find /sys/fs/cgroup/{name} /sys/fs/cgroup/systemd/{name} /sys/fs/cgroup/unified/{name} -depth -type d -exec rmdir {{}} + 2>/dev/null"
    );
    attempt("/bin/sh", &["-c", &script]);
}

fn spawn(network: &Network, name: &str, root: &Path, log: &Path) -> Tether {
    leave(name);
    let args = [
        "-c",
        ENTER,
        "sh",
        name,
        "-q",
        "-D",
        &root.to_string_lossy(),
        &format!("--machine={name}"),
        "-b",
        "--register=no",
        "--keep-unit",
        // There is no name server on the bridge, and waiting for one would take longer than the test.
        "--resolv-conf=off",
        &format!("--network-bridge={}", network.bridge()),
    ];
    Tethered {
        program: Path::new("/bin/sh"),
        args: args.map(String::from).to_vec(),
        envs: vec![],
        ids: None,
        log: Some(log.to_path_buf()),
        stop_signal: "TERM",
    }
    .spawn()
}

/// The host's init: the only child that stays. Those that prepare its place come and go before it.
fn init_of(nspawn: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    let mut children = children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
    children.find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "systemd")
    })
}

fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let start = text.len().saturating_sub(2000);
    String::from_utf8_lossy(&text[start..]).into_owned()
}
