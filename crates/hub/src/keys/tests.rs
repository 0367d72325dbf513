//! Key files and their rows on a disk: what a start makes, finds, refuses and cleans up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use watchtower_model::{CredentialId, Timestamp};
use watchtower_store::{CredentialRow, Store};

use super::*;

struct Place {
    root: PathBuf,
    dir: PathBuf,
    store: Store,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn place() -> Place {
    let root = std::env::temp_dir().join(format!("watchtower-keys-{}", random::hex(&random::bytes::<8>())));
    fs::create_dir_all(&root).unwrap();
    let store = Store::open_sqlite(&root.join("watchtower.db")).unwrap();
    Place { dir: root.join("keys"), root, store }
}

impl Place {
    async fn open(&self) -> Result<Keys, KeyError> {
        Keys::open(&self.dir, &self.store).await
    }

    /// The row of the only key of a kind in a state.
    async fn id(&self, kind: &str, state: &str) -> String {
        let rows = self.store.hub_keys().await.unwrap();
        rows.into_iter().find(|row| row.kind == kind && row.state == state).unwrap().id
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn keys_are_made_once_and_kept_private() {
    let place = place();
    let first = place.open().await.unwrap();
    let second = place.open().await.unwrap();
    assert_eq!(first.hub_id(), second.hub_id());
    assert_eq!(first.live().certificate.leaf_pin, second.live().certificate.leaf_pin);
    let urls = vec!["https://h".to_string()];
    assert_eq!(first.bundle(urls.clone()), second.bundle(urls.clone()));
    assert_eq!((first.bundle(urls.clone()).version, first.bundle(urls).roots.len()), (1, 2));
    let names = [
        "ca.key",
        "ca-next.key",
        "tls.key",
        "identity.key",
        "signing.key",
        "master.key",
        "tag.key",
        "vapid.key",
    ];
    names.iter().for_each(|name| assert_eq!(mode(&place.dir.join(name)), 0o600, "{name}"));
    assert_eq!(mode(&place.dir), 0o700);
    let master = place.dir.join("master.key");
    fs::set_permissions(&master, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(place.open().await, Err(KeyError::TooOpen { .. })));
}

#[tokio::test]
async fn a_named_key_without_its_file_stops_the_start() {
    let place = place();
    place.open().await.unwrap();
    let id = place.id("ca", "published").await;
    let (file, aside) = (place.dir.join("ca-next.key"), place.dir.join("aside"));
    fs::rename(&file, &aside).unwrap();
    let missing = place.open().await.err().unwrap();
    assert!(matches!(&missing, KeyError::Missing { kind: "ca", id: named, .. } if *named == id), "{missing}");
    assert!(!file.exists(), "a key that is lost is not quietly made again");
    // Under whatever name it comes back.
    fs::rename(&aside, place.dir.join("ca-restored.key")).unwrap();
    place.open().await.unwrap();
}

#[tokio::test]
async fn a_secret_that_no_key_opens_stops_the_start() {
    let place = place();
    let keys = place.open().await.unwrap();
    let id = CredentialId(random::id(Timestamp(0)));
    let row = |sealed: String| CredentialRow {
        id,
        name: "fleet".into(),
        kind: "password".into(),
        user_name: "ops".into(),
        sealed,
        created_by: "ada".into(),
        created_at: Timestamp(0),
        last_used_at: None,
    };
    let sealed = keys.sealer.seal(&format!("credential:{id}"), b"x").unwrap();
    place.store.commit(vec![Store::insert_credential(&row(sealed))]).await.unwrap();
    place.open().await.unwrap();
    place.store.commit(vec![Store::delete_credential(id)]).await.unwrap();
    let foreign = Sealer::new([9; 32], [9; 32]).seal(&format!("credential:{id}"), b"x").unwrap();
    place.store.commit(vec![Store::insert_credential(&row(foreign))]).await.unwrap();
    assert!(matches!(place.open().await, Err(KeyError::Unreadable { count: 1, .. })));
}

#[tokio::test]
async fn what_a_crash_left_of_an_ended_key_is_removed() {
    let place = place();
    place.open().await.unwrap();
    // Root B takes over from A, and the hub dies after the row of A has ended, before its files are gone.
    let (a, b) = (place.id("ca", "active").await, place.id("ca", "published").await);
    let steps = vec![
        Store::relieve_hub_key(&a),
        Store::activate_hub_key(&b, Timestamp(1)),
        Store::end_hub_key(&a, Timestamp(2)),
    ];
    place.store.commit(steps).await.unwrap();
    let keys = place.open().await.unwrap();
    assert!(!place.dir.join("ca.key").exists() && !place.dir.join("tls.key").exists());
    assert!(place.dir.join(format!("tls-{b}.key")).exists(), "the new root has a leaf of its own");
    assert_eq!(keys.bundle(vec!["https://h".into()]).roots.len(), 1);
    assert_eq!(keys.live().certificate.chain.len(), 2);
}
