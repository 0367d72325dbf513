//! The add-server wizard in a real browser, on a real host that wants a password for SSH and for sudo.

use std::time::Duration;

use watchtower_testkit::wait;
use watchtower_tests::browser::Browser;
use watchtower_tests::operator::AGENT;
use watchtower_tests::release::called;
use watchtower_tests::scene::{HOST_PASSWORD, HOST_USER, Scene, password_user};

/// Until the browser has put the first agent on the host.
const INSTALLED: Duration = Duration::from_secs(120);
const NEWER: &str = "0.1.9";

/// Ships another agent once the one that is shipped has reported: what the browser then installs is an upgrade.
fn ship_newer(scene: &Scene) {
    let api = scene.hub.api();
    wait::until(INSTALLED, "the first report", || {
        api.list("/servers").first().filter(|server| server["status"] == "up").map(drop)
    });
    let path = scene.shipped.path().join(AGENT);
    let program = std::fs::read(&path).expect("it was put there");
    std::fs::write(path, called(&program, NEWER)).expect("the folder is ours");
}

#[test]
fn the_wizard_deploys_to_a_host() {
    let Some(browser) = Browser::find() else { return };
    let Some(scene) = Scene::start(1) else { return };
    let host = &scene.hosts[0];
    password_user(host);
    let target = [
        ("HOST_ADDRESS", host.address.as_str()),
        ("HOST_USER", HOST_USER),
        ("HOST_PASSWORD", HOST_PASSWORD),
        ("NEWER_AGENT", NEWER),
    ];
    std::thread::scope(|scope| {
        scope.spawn(|| ship_newer(&scene));
        browser.run("deploy", &scene.hub, &target);
    });
}
