//! Twenty hosts by one command and one more by the wizard: each reports, and is seen in the dashboard.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::browser::Browser;
use watchtower_tests::hub::Setup;
use watchtower_tests::paging::text;
use watchtower_tests::scene::{HOST_PASSWORD, HOST_USER, Scene, password_user};

const HOSTS: u8 = 20;
const SOON: Duration = Duration::from_secs(30);
/// Many hosts on one machine: none is lost because it is slow for a moment.
const TIMING: &str = "interval=5s,lost_grace=60s,evaluate=1s";

#[test]
fn twenty_hosts_by_one_command_and_one_by_the_wizard() {
    let Some(browser) = Browser::find() else { return };
    let began = Instant::now();
    let setup = Setup { timing: TIMING.into(), ..Setup::default() };
    let Some(scene) = Scene::with(HOSTS + 1, setup) else { return };
    let Scene { hub, operator, hosts, .. } = &scene;
    let (last, fleet) = hosts.split_last().expect("they were booted");
    let booted = began.elapsed();

    let (first, until) = (&fleet[0].address, &fleet[fleet.len() - 1].address);
    let (net, from) = first.rsplit_once('.').expect("an IPv4 address");
    let until = until.rsplit('.').next().expect("an IPv4 address");
    let range = format!("root@{net}.[{from}..{until}]");
    let begun = Instant::now();
    let said = operator.run(&["agent", "deploy", &range, "-y"]);
    let deployed = begun.elapsed();
    assert_eq!(said.exit, 0, "{said:?}");
    let rows = said.json["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(rows.len(), usize::from(HOSTS), "{said:?}");
    assert!(rows.iter().all(|row| row["result"] == "installed"), "{said:?}");

    password_user(last);
    let addresses: Vec<&str> = fleet.iter().map(|host| host.address.as_str()).collect();
    let names = addresses.join(" ");
    let more = [
        ("HOST_ADDRESS", last.address.as_str()),
        ("HOST_USER", HOST_USER),
        ("HOST_PASSWORD", HOST_PASSWORD),
        ("FLEET", &names),
    ];
    browser.run("fleet", hub, &more);
    let all: BTreeSet<String> = hosts.iter().map(|host| host.address.clone()).collect();
    for metric in ["node_load1", "node_memory_MemTotal_bytes", "up == 1"] {
        wait::until(SOON, &format!("{metric} of every host"), || {
            (instances(&hub.api(), metric) == all).then_some(())
        });
    }
    eprintln!(
        "{HOSTS} hosts booted in {booted:?}, deployed to in {deployed:?}, all in {:?}",
        began.elapsed()
    );
}

/// Whose series of a metric there are.
fn instances(api: &Api, query: &str) -> BTreeSet<String> {
    api.promql(query).iter().map(|series| text(&series["metric"]["instance"])).collect()
}
