//! What the database says of the keys, and the files that must be there for it.

use std::collections::BTreeMap;
use std::path::Path;

use rcgen::KeyPair;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use watchtower_api_types::{KeyKind, KeyState};
use watchtower_model::Timestamp;
use watchtower_protocol::Pin;
use watchtower_store::{HubKeyRow, Sealer, Store};

use super::certificate::pin;
use super::files::{self, Found};
use super::plan::in_state;
use super::{Certificate, KeyError, Live};

/// Meta: the version of the trust bundle.
pub const BUNDLE_VERSION: &str = "bundle_version";
/// What every installation begins with, and what agents without a word about it are taken to have.
pub const FIRST_VERSION: u64 = 1;

pub async fn bundle_version(store: &Store) -> Result<u64, KeyError> {
    match store.meta(BUNDLE_VERSION).await? {
        None => Ok(FIRST_VERSION),
        Some(text) => text.parse().map_err(|_| KeyError::Rows(format!("{BUNDLE_VERSION} is {text:?}"))),
    }
}

/// The rows; a kind without any gets those of a new hub, or of one from before there were rows.
pub async fn load(dir: &Path, store: &Store) -> Result<Vec<HubKeyRow>, KeyError> {
    let rows = store.hub_keys().await?;
    let mut new = Vec::new();
    for kind in KeyKind::ALL {
        if rows.iter().all(|row| row.kind != kind.as_str()) {
            new.extend(first(dir, *kind, store.clock().now())?);
        }
    }
    if new.is_empty() {
        return Ok(rows);
    }
    store.commit(new.iter().map(Store::insert_hub_key).collect()).await?;
    Ok(store.hub_keys().await?)
}

/// The files that a hub makes at its first start.
fn first(dir: &Path, kind: KeyKind, now: Timestamp) -> Result<Vec<HubKeyRow>, KeyError> {
    let path = |name: &str| dir.join(name);
    match kind {
        KeyKind::Ca => {
            files::ecdsa(&path("ca.key"))?;
            files::ecdsa(&path("ca-next.key"))?;
        }
        KeyKind::Signing => {
            files::ed25519(&path("signing.key"))?;
        }
        KeyKind::Master => {
            files::secret(&path("master.key"))?;
        }
    }
    let row = |(id, found): (String, Found)| {
        let spare = found.path.file_name().is_some_and(|name| name == "ca-next.key");
        let state = if spare { KeyState::Published } else { KeyState::Active };
        HubKeyRow {
            id,
            kind: kind.as_str().into(),
            state: state.as_str().into(),
            bundle_version: if kind == KeyKind::Master { 0 } else { FIRST_VERSION as i64 },
            created_at: now,
            switched_at: None,
            ended_at: None,
        }
    };
    let named = [format!("{kind}.key"), "ca-next.key".into()];
    let ours = |found: &Found| named.iter().any(|name| found.path.ends_with(name));
    Ok(files::scan(dir, kind)?.into_iter().filter(|(_, found)| ours(found)).map(row).collect())
}

/// A crash between the end of a key and the removal of its file leaves the file.
pub fn remove_ended(dir: &Path, rows: &[HubKeyRow]) -> Result<(), KeyError> {
    for kind in KeyKind::ALL {
        for row in in_state(rows, *kind, KeyState::Retired) {
            files::remove(dir, *kind, &row.id)?;
        }
    }
    Ok(())
}

/// Secrets that no key here opens would be found out when somebody needs them.
pub async fn check_secrets(dir: &Path, store: &Store, in_force: &InForce) -> Result<(), KeyError> {
    let present = in_force.master.0.as_str();
    let other = in_force.leaving_master.as_ref().map_or(present, |(id, _)| id.as_str());
    match store.count_sealed_otherwise([present, other]).await? {
        0 => Ok(()),
        count => Err(KeyError::Unreadable { count, dir: dir.display().to_string() }),
    }
}

/// Ids and states of the keys that have not ended.
pub fn known(rows: &[HubKeyRow]) -> Vec<(String, String)> {
    let lasting = rows.iter().filter(|row| row.state != KeyState::Retired.as_str());
    lasting.map(|row| (row.id.clone(), row.state.clone())).collect()
}

/// The key files that the rows name.
pub struct InForce {
    roots: Vec<Pin>,
    certificate: Certificate,
    command_keys: Vec<Vec<u8>>,
    signing: Ed25519KeyPair,
    pub master: (String, [u8; 32]),
    pub leaving_master: Option<(String, [u8; 32])>,
    known: Vec<(String, String)>,
}

impl InForce {
    pub fn read(dir: &Path, rows: &[HubKeyRow]) -> Result<InForce, KeyError> {
        let roots = Kind::read(dir, rows, KeyKind::Ca)?;
        let (root_id, root) = roots.active()?;
        let leaf = files::ecdsa(&files::leaf_path(&root.path, root_id))?;
        let ecdsa = |found: &Found| {
            KeyPair::try_from(found.bytes.as_slice())
                .map_err(|_| KeyError::Bad { path: found.path.display().to_string() })
        };
        let signing = Kind::read(dir, rows, KeyKind::Signing)?;
        let ed25519 = |found: &Found| files::ed25519(&found.path);
        let masters = Kind::read(dir, rows, KeyKind::Master)?;
        Ok(InForce {
            certificate: Certificate::new(&ecdsa(root)?, &leaf)?,
            roots: roots
                .trusted
                .values()
                .map(|found| ecdsa(found).map(|key| pin(&key)))
                .collect::<Result<_, _>>()?,
            command_keys: signing
                .trusted
                .values()
                .map(|found| ed25519(found).map(|key| key.public_key().as_ref().to_vec()))
                .collect::<Result<_, _>>()?,
            signing: ed25519(signing.active()?.1)?,
            master: master(masters.active()?)?,
            leaving_master: masters.others().next().map(master).transpose()?,
            known: known(rows),
        })
    }

    /// Gives the sealer the master keys.
    pub fn arm(&self, sealer: &Sealer) {
        let leaving: Vec<[u8; 32]> = self.leaving_master.iter().map(|(_, key)| *key).collect();
        sealer.set_masters(self.master.1, &leaving);
    }

    pub fn live(self, version: u64) -> Live {
        Live {
            version,
            certificate: self.certificate,
            roots: self.roots,
            command_keys: self.command_keys,
            signing: self.signing,
            leaving_master: self.leaving_master.map(|(id, _)| id),
            known: self.known,
        }
    }
}

fn master((id, found): (&String, &Found)) -> Result<(String, [u8; 32]), KeyError> {
    Ok((id.clone(), files::secret(&found.path)?))
}

/// The files of one kind that are not at their end.
struct Kind {
    kind: KeyKind,
    active: Option<String>,
    trusted: BTreeMap<String, Found>,
}

impl Kind {
    fn read(dir: &Path, rows: &[HubKeyRow], kind: KeyKind) -> Result<Kind, KeyError> {
        let mut files = files::scan(dir, kind)?;
        let mut trusted = BTreeMap::new();
        let wanted = rows.iter().filter(|row| row.kind == kind.as_str());
        for row in wanted.filter(|row| row.state != KeyState::Retired.as_str()) {
            let missing = || KeyError::Missing {
                kind: kind.as_str(),
                id: row.id.clone(),
                dir: dir.display().to_string(),
            };
            trusted.insert(row.id.clone(), files.remove(&row.id).ok_or_else(missing)?);
        }
        for found in files.values() {
            tracing::warn!(path = %found.path.display(), "this key is not one that the database names; it is left alone");
        }
        let active = in_state(rows, kind, KeyState::Active).first().map(|row| row.id.clone());
        Ok(Kind { kind, active, trusted })
    }

    fn active(&self) -> Result<(&String, &Found), KeyError> {
        let active = self.active.as_ref().and_then(|id| self.trusted.get_key_value(id));
        active.ok_or_else(|| KeyError::Rows(format!("no {} key is in use", self.kind)))
    }

    fn others(&self) -> impl Iterator<Item = (&String, &Found)> {
        self.trusted.iter().filter(|(id, _)| self.active.as_ref() != Some(id))
    }
}
