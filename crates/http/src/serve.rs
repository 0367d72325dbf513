//! Both listeners around one hub, from start to stop.

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use watchtower_hub::{Hub, HubConfig, StartError};

use crate::listen::{ListenError, Listener, Tls, bind};
use crate::{agents, router};

/// Where to listen.
pub struct Options {
    pub people: SocketAddr,
    pub agents: SocketAddr,
    /// TLS for people; without it only loopback, or behind a proxy that has it.
    pub tls: Option<Tls>,
}

/// Bound, so that their ports are known.
pub struct Listeners {
    people: TcpListener,
    agents: TcpListener,
    tls: Option<Tls>,
}

impl Listeners {
    pub async fn bind(options: Options) -> Result<Listeners, ListenError> {
        Ok(Listeners {
            people: bind(options.people).await?,
            agents: bind(options.agents).await?,
            tls: options.tls,
        })
    }

    /// The addresses, with the ports that the system chose for 0.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        (self.people.local_addr().unwrap_or(unspecified), self.agents.local_addr().unwrap_or(unspecified))
    }
}

/// Starts the hub, calls `ready`, serves until `stop` resolves, then stops the hub: with what `stop` said.
pub async fn serve<R, F, S>(
    config: HubConfig,
    listeners: Listeners,
    stop: impl FnOnce(Hub) -> S,
    ready: R,
) -> Result<S::Output, ServeError>
where
    R: FnOnce(Hub) -> F,
    F: Future<Output = ()>,
    S: Future,
{
    let (people, for_agents) = listeners.addresses();
    let hub = Hub::start(config, vec![people, for_agents]).await?;
    let tls = Tls::for_agents(hub.clone())?;
    let people = Listener { socket: listeners.people, tls: listeners.tls, router: router(hub.clone()) };
    let agents = Listener { socket: listeners.agents, tls: Some(tls), router: agents::router(hub.clone()) };
    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let wait = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stopping| *stopping).await;
    };
    let people = tokio::spawn(people.serve(wait(stopped.clone())));
    let agents = tokio::spawn(agents.serve(wait(stopped)));
    ready(hub.clone()).await;
    let why = stop(hub.clone()).await;
    hub.stop().await;
    stopping.send_replace(true);
    let _ = tokio::join!(people, agents);
    Ok(why)
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{0}")]
    Start(#[from] StartError),
    #[error("{0}")]
    Listen(#[from] ListenError),
}
