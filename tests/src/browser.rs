//! A suite of the dashboard in a real Chromium, run by node against a hub of the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use watchtower_testkit::need;

use crate::hub::Hub;

const USER: &str = "ana";
const PASSWORD: &str = "correct horse battery";
/// A whole suite.
const SUITE_SECONDS: &str = "180";

/// The folder of the suites, on a machine that can run them.
pub struct Browser {
    suites: PathBuf,
}

impl Browser {
    /// `None` if this machine cannot run them, with the reason told.
    ///
    /// # Panics
    /// With `CI=true` and a lack.
    pub fn find() -> Option<Browser> {
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
        Some(Browser { suites: root.join("tests/web") })
    }

    /// Runs `NAME.test.mjs` as an administrator of the hub.
    ///
    /// # Panics
    /// If one of its tests fails, with what it said.
    pub fn run(&self, name: &str, hub: &Hub, more: &[(&str, &str)]) {
        hub.api().post("/users", &json!({"name": USER, "password": PASSWORD, "role": "admin"}));
        let output = Command::new("timeout")
            .args([SUITE_SECONDS, "node", "--test"])
            .arg(self.suites.join(format!("{name}.test.mjs")))
            .env("WATCHTOWER_URL", hub.url())
            .envs([("WATCHTOWER_USER", USER), ("WATCHTOWER_PASSWORD", PASSWORD)])
            .envs(more.iter().copied())
            .output()
            .expect("node and timeout are installed where the dashboard is built");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
