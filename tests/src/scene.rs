//! Where deployments are tested: a hub that ships small agents, an operator at a shell, and fresh hosts that let them in as root.

use std::sync::Arc;

use tempfile::TempDir;
use watchtower_testkit::hosts::{Host, Network};

use crate::hub::{Hub, Setup};
use crate::operator::{Operator, small_agents};

/// Who signs in with a password on a host, and needs it for sudo: see [`password_user`].
pub const HOST_USER: &str = "ops";
pub const HOST_PASSWORD: &str = "Zk7 ninety-quiet Otters";

/// All of it; hosts end before their network.
pub struct Scene {
    pub hub: Hub,
    pub operator: Operator,
    pub hosts: Vec<Host>,
    pub network: Arc<Network>,
    /// What the hub ships, to be exchanged by a test.
    pub shipped: TempDir,
}

impl Scene {
    /// `None` if this machine cannot boot hosts, with the reason told.
    ///
    /// # Panics
    /// If hub or hosts do not come up.
    pub fn start(hosts: u8) -> Option<Scene> {
        Scene::with(hosts, Setup::default())
    }

    /// The same with another setup, whose agents and address are the scene's.
    ///
    /// # Panics
    /// If hub or hosts do not come up.
    pub fn with(hosts: u8, setup: Setup) -> Option<Scene> {
        let network = Network::start()?;
        let shipped = small_agents();
        let agents_dir = Some(shipped.path().to_path_buf());
        let hub = Hub::start(Setup { agent_host: network.gateway(), agents_dir, ..setup });
        let operator = Operator::new(&hub.url());
        let hosts = network.hosts(hosts);
        hosts.iter().for_each(|host| operator.may_enter(host, "root"));
        Some(Scene { hub, operator, hosts, network, shipped })
    }
}

/// Makes [`HOST_USER`] on a host.
pub fn password_user(host: &Host) {
    host.must(&format!(
        "useradd -m -s /bin/bash {HOST_USER} && echo '{HOST_USER}:{HOST_PASSWORD}' | chpasswd && usermod -aG sudo {HOST_USER}"
    ));
}
