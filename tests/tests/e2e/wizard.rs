//! The add-server wizard in a real browser, on a real host that wants a password for SSH and for sudo.

use watchtower_tests::browser::Browser;
use watchtower_tests::scene::{HOST_PASSWORD, HOST_USER, Scene, password_user};

#[test]
fn the_wizard_deploys_to_a_host() {
    let Some(browser) = Browser::find() else { return };
    let Some(scene) = Scene::start(1) else { return };
    let host = &scene.hosts[0];
    password_user(host);
    let target =
        [("HOST_ADDRESS", host.address.as_str()), ("HOST_USER", HOST_USER), ("HOST_PASSWORD", HOST_PASSWORD)];
    browser.run("deploy", &scene.hub, &target);
}
