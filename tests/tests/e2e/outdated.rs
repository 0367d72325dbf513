//! An older hub on a database that a newer one has brought further.

use std::time::Duration;

use watchtower_store::{Statement, Store};
use watchtower_tests::hub::{Hub, Setup};

const SOON: Duration = Duration::from_secs(30);

/// As the migrations of a newer Watchtower would leave it.
fn bring_further(hub: &Hub, version: i64) {
    let store = Store::open_sqlite(&hub.data_dir().join("watchtower.db")).unwrap();
    let newer = "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, 'later', 'x')";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(store.commit(vec![Statement::new(newer, vec![version.into()])])).unwrap();
}

#[test]
fn a_hub_works_on_what_a_newer_one_added_and_ends_when_it_cannot() {
    let mut hub = Hub::start(Setup::default());
    bring_further(&hub, 999);
    assert_eq!(hub.api().list("/servers").len(), 0);
    assert_eq!(hub.stop(), Some(0));
    hub.restart();
    assert!(hub.log_tail().contains("schema version 999"), "{}", hub.log_tail());
    assert_eq!(hub.api().list("/servers").len(), 0);

    bring_further(&hub, 1000);
    assert_eq!(hub.ended(SOON), Some(1), "{}", hub.log_tail());
    assert!(hub.log_tail().contains("start the newer version here, too"), "{}", hub.log_tail());
    assert!(hub.fails_to_start().contains("made by a newer Watchtower"), "{}", hub.log_tail());
}
