//! The real `watchtower serve`, with a folder and ports of its own; ended with the test.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::{need, port, wait};

use crate::api::Api;
use crate::small_disk::SmallDisk;

/// Acts as administrator in every test.
pub const BOOTSTRAP: &str = "bootstrap-token-of-the-end-to-end-tests";
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What differs between tests.
#[derive(Debug, Clone)]
pub struct Setup {
    pub database_url: Option<String>,
    pub redis_url: Option<String>,
    /// The address agents dial; the listener is on all interfaces when it is not loopback.
    pub agent_host: String,
    /// What is told to agents, where it is not that address.
    pub agent_url: Option<String>,
    /// Agents to ship, where they are not the built ones.
    pub agents_dir: Option<PathBuf>,
    /// `interval=…,lost_grace=…,evaluate=…,lease=…,audit=…,pace=…`
    pub timing: String,
    /// Percent of the disk at which it pages and refuses: by default not those of the machine that tests.
    pub disk_guard: String,
    /// More options of `serve`.
    pub more: Vec<String>,
    /// More of its environment.
    pub envs: Vec<(String, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            database_url: None,
            redis_url: None,
            agent_host: "127.0.0.1".into(),
            agent_url: None,
            agents_dir: None,
            timing: "interval=1s,lost_grace=2s,evaluate=1s".into(),
            disk_guard: "page=100,logs=100,metrics=100".into(),
            more: vec![],
            envs: vec![],
        }
    }
}

/// A hub that may be killed and started again on the same data and ports.
pub struct Hub {
    setup: Setup,
    data: TempDir,
    people: u16,
    agents: u16,
    tether: Option<Tether>,
    /// Unmounted behind the end of the process.
    disk: Option<SmallDisk>,
}

impl Hub {
    /// Starts a hub and waits until it is ready.
    ///
    /// # Panics
    /// If it is not ready within a minute, with the end of its log.
    pub fn start(setup: Setup) -> Hub {
        let data = TempDir::with_prefix("wt-hub-").expect("the temporary folder is writable");
        Hub::start_in(setup, data, None)
    }

    /// A hub whose data lies on a small disk of its own. `None` if this machine cannot have one.
    ///
    /// # Panics
    /// If it does not start.
    pub fn on_small_disk(setup: Setup, megabytes: u32) -> Option<Hub> {
        let data = TempDir::with_prefix("wt-hub-").expect("the temporary folder is writable");
        let disk = SmallDisk::mount(&data.path().join("data"), megabytes)?;
        Some(Hub::start_in(setup, data, Some(disk)))
    }

    fn start_in(setup: Setup, data: TempDir, disk: Option<SmallDisk>) -> Hub {
        let mut hub = Hub { setup, data, people: 0, agents: 0, tether: None, disk };
        wait::until(START_TIMEOUT, "the hub to start", || {
            // Another process may take a port between finding and using it.
            (hub.people, hub.agents) = (port::free(), port::free());
            hub.launch().then_some(())
        });
        hub
    }

    /// Another hub on the same database and bus, with this one's keys; its metrics and ports are its own.
    ///
    /// # Panics
    /// If the keys cannot be copied, or it does not start.
    pub fn beside(&self) -> Hub {
        let data = TempDir::with_prefix("wt-hub-").expect("the temporary folder is writable");
        let own = data.path().join("data");
        std::fs::create_dir(&own).expect("the temporary folder is writable");
        let copied = Command::new("cp").arg("-a").arg(self.data_dir().join("keys")).arg(own).status();
        assert!(copied.is_ok_and(|status| status.success()), "the keys cannot be copied");
        Hub::start_in(self.setup.clone(), data, None)
    }

    /// A hub whose clock is off by this much, as `+3d`. `None` if this machine cannot do that, with the reason told.
    ///
    /// # Panics
    /// If it does not start.
    pub fn shifted(offset: &str) -> Option<Hub> {
        if !faketime().exists() {
            need::lacks("libfaketime (Debian package libfaketime)");
            return None;
        }
        Some(Hub::start(Setup { envs: clock(offset), ..Setup::default() }))
    }

    /// Its clock from the next start on.
    pub fn shift(&mut self, offset: &str) {
        self.setup.envs = clock(offset);
    }

    /// More options of `serve`, from the next start on.
    pub fn set_more(&mut self, more: Vec<String>) {
        self.setup.more = more;
    }

    /// Starts it again after [`Hub::kill`] or [`Hub::stop`].
    pub fn restart(&mut self) {
        assert!(self.launch(), "the hub did not start again:\n{}", self.log_tail());
    }

    /// Tries to start it on what is there, which must not do: the end of its log.
    ///
    /// # Panics
    /// If it starts.
    pub fn fails_to_start(&mut self) -> String {
        assert!(!self.launch(), "the hub started");
        self.tether = None;
        self.log_tail()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut tether) = self.tether.take() {
            tether.kill();
        }
    }

    /// A hub on a copy of everything that this one has, at its addresses: what a thief starts. This one is killed.
    ///
    /// # Panics
    /// If the copy does not start.
    pub fn stolen(mut self) -> Hub {
        self.kill();
        let data = TempDir::with_prefix("wt-stolen-").expect("the temporary folder is writable");
        let copied = Command::new("cp").arg("-a").arg(self.data_dir()).arg(data.path()).status();
        assert!(copied.is_ok_and(|status| status.success()), "the data directory cannot be copied");
        let mut hub = Hub {
            setup: self.setup.clone(),
            data,
            people: self.people,
            agents: self.agents,
            tether: None,
            disk: None,
        };
        hub.restart();
        hub
    }

    /// SIGTERM; its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.tether.take().and_then(|mut tether| tether.stop()).and_then(|status| status.code())
    }

    /// Waits until it ends by itself; its exit code.
    ///
    /// # Panics
    /// If it goes on.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        self.tether.take().and_then(|mut tether| tether.wait_end(within)).and_then(|status| status.code())
    }

    /// The API as administrator.
    pub fn api(&self) -> Api {
        Api::new(&self.url(), Some(BOOTSTRAP))
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.people)
    }

    /// `host:port` of the agents' listener, from this machine.
    pub fn agent_address(&self) -> String {
        format!("127.0.0.1:{}", self.agents)
    }

    pub fn pid(&self) -> i32 {
        self.tether.as_ref().map_or(0, Tether::pid)
    }

    /// The small disk it was started on.
    ///
    /// # Panics
    /// If it was not.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().expect("the hub was started on a small disk")
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    /// CPU time since its start.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        // `utime` and `stime` of proc(5), the 14th and 15th field, in hundredths.
        fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// Where it keeps databases and keys; to be changed only while it is stopped.
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Everything it writes: its data and its log.
    pub fn folder(&self) -> &std::path::Path {
        self.data.path()
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.data.path().join("hub.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// `false` if it ended instead of becoming ready.
    fn launch(&mut self) -> bool {
        let program = program();
        let mut envs = self.setup.envs.clone();
        envs.push(("WATCHTOWER_BOOTSTRAP_TOKEN".into(), BOOTSTRAP.into()));
        let tether = Tethered {
            program: &program,
            args: self.args(),
            envs,
            ids: None,
            log: Some(self.data.path().join("hub.log")),
            stop_signal: "TERM",
        }
        .spawn();
        let api = self.api();
        let ready = wait::until(START_TIMEOUT, "the hub to be ready", || {
            if !tether.alive() {
                return Some(false);
            }
            (api.status("GET", "/readyz", None) == Some(200)).then_some(true)
        });
        self.tether = Some(tether);
        if !ready {
            eprintln!("the hub ended:\n{}", self.log_tail());
        }
        ready
    }

    fn args(&self) -> Vec<String> {
        let host = if self.setup.agent_host == "127.0.0.1" { "127.0.0.1" } else { "0.0.0.0" };
        let url = format!("https://{}:{}", self.setup.agent_host, self.agents);
        let agents = self.setup.agents_dir.clone().unwrap_or_else(agents_dir);
        let mut args = vec![
            "serve".to_string(),
            format!("--data-dir={}", self.data_dir().display()),
            format!("--listen=127.0.0.1:{}", self.people),
            format!("--agent-listen={host}:{}", self.agents),
            format!("--agent-url={}", self.setup.agent_url.as_ref().unwrap_or(&url)),
            format!("--agents-dir={}", agents.display()),
            "--keep-bootstrap".into(),
            format!("--timing={}", self.setup.timing),
            "--allow-egress=127.0.0.0/8".into(),
            format!("--disk-guard={}", self.setup.disk_guard),
        ];
        args.extend(self.setup.database_url.iter().map(|url| format!("--database-url={url}")));
        args.extend(self.setup.redis_url.iter().map(|url| format!("--redis-url={url}")));
        args.extend(self.setup.more.iter().cloned());
        args
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the hub's log ends with\n{}\n----", self.log_tail());
        }
        // Before the disk below it goes, and the folder around that.
        self.kill();
        self.disk = None;
    }
}

fn faketime() -> PathBuf {
    format!("/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1", std::env::consts::ARCH).into()
}

/// What makes a process believe in another time of day. Its timers go as ever.
fn clock(offset: &str) -> Vec<(String, String)> {
    let library = faketime().display().to_string();
    let envs =
        [("LD_PRELOAD", library.as_str()), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    envs.map(|(name, value)| (name.to_string(), value.to_string())).to_vec()
}

/// The folder that cargo built this test into, two above its `deps`.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.ancestors().find(|path| path.join("deps").is_dir() || path.ends_with("debug"));
    profile.and_then(|path| path.parent()).expect("tests lie in the target folder").to_path_buf()
}

/// The hub's binary: `WATCHTOWER_BIN`, or the debug build beside the tests.
pub fn program() -> PathBuf {
    let path =
        std::env::var_os("WATCHTOWER_BIN").map_or_else(|| target().join("debug/watchtower"), PathBuf::from);
    assert!(path.exists(), "{} is missing: cargo build -p watchtower", path.display());
    path
}

/// The folder of static agents: `WATCHTOWER_AGENTS_DIR`, or what `make agent-debug` made.
pub fn agents_dir() -> PathBuf {
    let given = std::env::var_os("WATCHTOWER_AGENTS_DIR");
    let path = given.map_or_else(|| target().join("agents-debug"), PathBuf::from);
    assert!(path.exists(), "{} is missing: make agent-debug", path.display());
    path
}
