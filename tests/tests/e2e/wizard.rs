//! The add-server wizard in a real browser, on a real host that wants a password for SSH and for sudo.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use watchtower_testkit::hosts::Network;
use watchtower_testkit::need;
use watchtower_tests::hub::{Hub, Setup};

const HOST_USER: &str = "ops";
const HOST_PASSWORD: &str = "a quiet Otter swims 7";
const USER: &str = "ana";
const PASSWORD: &str = "correct horse battery";
/// The whole suite of the page.
const SUITE_SECONDS: &str = "180";

/// The folder of the browser suites, if this machine can run them.
fn browser() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace");
    let chromium =
        std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    for (place, what) in [
        (chromium, "chromium (Debian package chromium)"),
        (root.join("web/node_modules/playwright-core"), "web/node_modules (make node-modules)"),
        (root.join("web/dist/index.html"), "the built dashboard (make web-dist)"),
    ] {
        if !place.exists() {
            need::lacks(what);
            return None;
        }
    }
    Some(root.join("tests/web"))
}

#[test]
fn the_wizard_deploys_to_a_host() {
    let Some(suite) = browser() else { return };
    let Some(network) = Network::start() else { return };
    let hub = Hub::start(Setup { agent_host: network.gateway(), ..Setup::default() });
    let host = network.host(1);
    host.must(&format!(
        "useradd -m -s /bin/bash {HOST_USER} && echo '{HOST_USER}:{HOST_PASSWORD}' | chpasswd && usermod -aG sudo {HOST_USER}"
    ));
    hub.api().post("/users", &json!({"name": USER, "password": PASSWORD, "role": "admin"}));
    let output = Command::new("timeout")
        .args([SUITE_SECONDS, "node", "--test"])
        .arg(suite.join("deploy.test.mjs"))
        .envs([
            ("WATCHTOWER_URL", hub.url()),
            ("WATCHTOWER_USER", USER.into()),
            ("WATCHTOWER_PASSWORD", PASSWORD.into()),
            ("HOST_ADDRESS", host.address.clone()),
            ("HOST_USER", HOST_USER.into()),
            ("HOST_PASSWORD", HOST_PASSWORD.into()),
        ])
        .output()
        .expect("node and timeout are installed where the dashboard is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
