//! The agent that is shipped for another architecture than this machine's, run by an emulator.

use std::path::{Path, PathBuf};
use std::time::Duration;

use watchtower_testkit::wait;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;

fn other() -> &'static str {
    if std::env::consts::ARCH == "x86_64" { "aarch64" } else { "x86_64" }
}

/// The emulator sees no program of its own architecture, so no executor either: `monitor`.
#[test]
#[ignore = "needs the other agent in WATCHTOWER_OTHER_AGENT: make soak"]
fn it_enrols_and_reports() {
    let program =
        PathBuf::from(std::env::var_os("WATCHTOWER_OTHER_AGENT").expect("the test is given an agent"));
    let emulator = Path::new("/usr/bin").join(format!("qemu-{}-static", other()));
    let hub = Hub::start(Setup { timing: "interval=1s".into(), ..Setup::default() });
    let agent = LocalAgent::enrol_as(&hub, "other", "mode = \"monitor\"\n", vec![emulator, program]);
    let _running = agent.run();
    let api = hub.api();
    wait::until(Duration::from_secs(30), "a report", || {
        (!api.promql("node_load1{instance=\"other\"}").is_empty()).then_some(())
    });
    assert_eq!(api.get("/servers/other")["facts"]["arch"], other());
}
