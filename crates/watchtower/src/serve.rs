//! Runs the hub until SIGTERM, Ctrl-C, or a newer hub beside it that leaves it nothing to work on.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use clap::ArgMatches;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;
use watchtower_http::{Listeners, Options as HttpOptions, Tls};
use watchtower_hub::{Hub, access};

use crate::local_agent;
use crate::options::Options;

/// Time for the local agent to say goodbye and end.
const AGENT_STOP_WAIT: Duration = Duration::from_secs(8);

pub fn run(matches: &ArgMatches) -> ExitCode {
    let options = match Options::resolve(matches) {
        Ok(options) => options,
        Err(message) => return fail(&message, 2),
    };
    let filter = EnvFilter::try_from_env("WATCHTOWER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return fail("TLS cannot be set up", 1);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    match runtime.block_on(serve(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message, 1),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}

async fn serve(mut options: Options) -> Result<(), String> {
    let mut signals = Signals::catch().map_err(|e| format!("signals cannot be caught: {e}"))?;
    let tls = match &options.tls {
        Some((certificates, key)) => Some(Tls::from_files(certificates, key).map_err(|e| e.to_string())?),
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let http = HttpOptions { people: options.listen, agents: options.agent_listen, tls };
    let listeners = Listeners::bind(http).await.map_err(|e| e.to_string())?;
    let (people, agents) = listeners.addresses();
    options.hub.public_url_is_set = options.public_url.is_some();
    options.hub.public_url =
        options.public_url.clone().unwrap_or_else(|| format!("{scheme}://{}", reachable(people)));
    options.hub.agent_url =
        options.agent_url.clone().unwrap_or_else(|| format!("https://{}", reachable(agents)));
    let with_local_agent = options.with_local_agent;
    let (stop_agent, agent_stopped) = watch::channel(false);
    let (agent_done, mut agent_ended) = watch::channel(!with_local_agent);
    let ready = |hub: Hub| async move {
        announce(&hub).await;
        if with_local_agent {
            let local_url =
                format!("https://{}", SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), agents.port()));
            tokio::spawn(async move {
                local_agent::run(hub, local_url, agent_stopped).await;
                agent_done.send_replace(true);
            });
        }
    };
    // The agent first, so that its goodbye finds a hub that still listens.
    let stop = |hub: Hub| async move {
        let outdated = tokio::select! {
            () = signals.received() => None,
            version = hub.outdated() => Some(version),
        };
        stop_agent.send_replace(true);
        let _ = tokio::time::timeout(AGENT_STOP_WAIT, agent_ended.wait_for(|ended| *ended)).await;
        outdated
    };
    match watchtower_http::serve(options.hub, listeners, stop, ready).await.map_err(|e| e.to_string())? {
        None => Ok(()),
        Some(version) => Err(format!(
            "a newer Watchtower has made schema version {version} of the database, on which this one cannot work: start the newer version here, too"
        )),
    }
}

/// The signals that ask the hub to end. Caught from the start on: one that comes while it starts, or right when it is ready, would end it
/// without a word to anybody.
struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Signals> {
        Ok(Signals { term: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        tracing::info!("stopping");
    }
}

/// What a person does next, on standard output.
async fn announce(hub: &Hub) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "Watchtower {} is ready: {}", env!("CARGO_PKG_VERSION"), hub.config.public_url);
    match access::setup_link(hub).await {
        Ok(Some(link)) => {
            let _ = writeln!(out, "Make the first administrator within the hour:\n  {}", link.url);
        }
        Ok(None) => {}
        Err(error) => tracing::error!("making the setup link: {error}"),
    }
    let _ = out.flush();
}

/// An address that others can dial: an unspecified one stands for the interface that leads outside.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    // Nothing is sent: connecting a datagram socket only asks the routing table.
    let outside = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let ip = outside.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip());
    SocketAddr::new(ip, address.port())
}
