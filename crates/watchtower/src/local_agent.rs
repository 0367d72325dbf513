//! `--with-local-agent`: this machine as the first server, watched by an agent that is a child of the hub.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use watchtower_api_types::ServerInput;
use watchtower_hub::{Hub, fleet, link};
use watchtower_model::Labels;
use watchtower_protocol::TrustBundle;

/// Before an agent that ended is started again.
const RESTART_AFTER: Duration = Duration::from_secs(5);
/// Time to say goodbye.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Enrols the agent if it is new, and keeps it running until told to stop.
pub async fn run(hub: Hub, url: String, mut stop: watch::Receiver<bool>) {
    let state = hub.config.data_dir.join("local-agent");
    let program = match program(&hub, &state) {
        Ok(program) => program,
        Err(error) => return tracing::error!("--with-local-agent: {error}"),
    };
    while !*stop.borrow() {
        if let Err(error) = enrol(&hub, &program, &state, &url).await {
            tracing::error!("local agent: {error}");
        } else {
            keep_address(&hub, &state, &url);
            supervise(&program, &state, &mut stop).await;
        }
        let _ = tokio::time::timeout(RESTART_AFTER, stop.wait_for(|stop| *stop)).await;
    }
}

/// The agent in the folder, else the one that is built in, written where it can be started, else one beside this program.
fn program(hub: &Hub, state: &Path) -> Result<PathBuf, String> {
    let (programs, arch) = (&hub.config.programs, std::env::consts::ARCH);
    if let Some(path) = programs.path(arch).filter(|path| path.is_file()) {
        return Ok(path);
    }
    if let Ok(bytes) = programs.bytes(arch) {
        let path = state.join("watchtower-agent");
        place(&path, &bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        return Ok(path);
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("watchtower-agent")));
    beside.filter(|path| path.is_file()).ok_or_else(|| {
        format!("no watchtower-agent-{arch} in --agents-dir or built into this hub, nor watchtower-agent beside it")
    })
}

/// A program that runs cannot be written to: a new one takes its place.
fn place(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let new = path.with_extension("new");
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(&new, bytes)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755))?;
    std::fs::rename(&new, path)
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name
        .trim()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '-' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { "this-machine".into() }
}

async fn enrol(hub: &Hub, program: &Path, state: &Path, url: &str) -> Result<(), String> {
    let bundle = hub.keys.bundle(vec![url.to_string()]);
    if state.join("bundle.json").exists() {
        return point_to(state, &bundle).map_err(|e| format!("writing its bundle: {e}"));
    }
    let name = host_name();
    let server = match hub.servers.find(&name) {
        Some(server) => server,
        None => {
            let input = ServerInput { name: name.clone(), labels: Labels::empty() };
            fleet::add(hub, input).await.map_err(|e| e.to_string())?
        }
    };
    write_policy(state).map_err(|e| format!("writing its policy: {e}"))?;
    let token = link::make_token(hub, server.id, "watchtower").await.map_err(|e| e.to_string())?.token;
    let mut child = Command::new(program)
        .arg("enrol")
        .arg("--state-dir")
        .arg(state)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        let secret = format!("{token}\n{}\n", bundle.to_line());
        stdin.write_all(secret.as_bytes()).await.map_err(|e| e.to_string())?;
    }
    let status = child.wait().await.map_err(|e| e.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("enrolment ended with {status}")) }
}

/// Trust bundles that it is sent later must go on naming the address it can reach, which may not be that of all the others.
fn keep_address(hub: &Hub, state: &Path, url: &str) {
    match link::agent_id_in(state) {
        Some(agent) => hub.links.set_url(agent, url),
        None => tracing::warn!("local agent: its key cannot be read"),
    }
}

/// The hub may listen on another port than last time: its own agent is told where.
fn point_to(state: &Path, bundle: &TrustBundle) -> std::io::Result<()> {
    let new = state.join("bundle.json.new");
    std::fs::write(&new, serde_json::to_vec(bundle)?)?;
    std::fs::rename(new, state.join("bundle.json"))
}

/// The person who starts the hub on this machine may run things on it: the policy says so where the agent looks.
fn write_policy(state: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(state)?;
    let path = state.join("policy.toml");
    if path.exists() {
        return Ok(());
    }
    std::fs::write(
        &path,
        "# What the hub may do on this machine: monitor, allowlist or full.\nmode = \"full\"\n",
    )
}

async fn supervise(program: &Path, state: &Path, stop: &mut watch::Receiver<bool>) {
    let spawned = Command::new(program)
        .arg("run")
        .arg("--state-dir")
        .arg(state)
        .arg("--policy")
        .arg(state.join("policy.toml"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return tracing::error!("local agent: {}: {error}", program.display()),
    };
    let ended = tokio::select! {
        _ = stop.changed() => None,
        status = child.wait() => Some(status),
    };
    match ended {
        None => end(&mut child).await,
        Some(Ok(status)) => tracing::warn!("the local agent ended with {status}"),
        Some(Err(error)) => tracing::warn!("the local agent: {error}"),
    }
}

/// SIGTERM, so that it says goodbye; SIGKILL if it does not go.
async fn end(child: &mut Child) {
    if let Some(pid) = child.id() {
        terminate(pid);
    }
    if tokio::time::timeout(STOP_WAIT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

#[expect(unsafe_code, reason = "kill(2) has no safe wrapper among our dependencies")]
fn terminate(pid: u32) {
    // SAFETY: the process is our child and has not been waited for, so the id is still its own.
    unsafe {
        libc::kill(pid as libc::pid_t, libc::SIGTERM);
    }
}
