//! The hub's keys: files of their own, outside the database, readable by the hub alone; which key is good for what is a row.
//!
//! Roots of the agents' TLS (`ca`), the key of commands (`signing`) and the key of secrets at rest (`master`) can be
//! rotated; the identity, which vouches for every trust bundle, cannot. Certificates are minted from the keys: only keys are kept.

mod files;
mod certificate;
mod plan;
mod records;

mod holders;
mod reseal;
mod rotate;
mod show;
mod watch;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use watchtower_notify::Vapid;
use watchtower_protocol::{Envelope, Pin, Purpose, SigningKey, TrustBundle, sign};
use watchtower_store::{DbError, Sealer, Store};

use crate::random;
pub use certificate::Certificate;
pub(crate) use records::FIRST_VERSION;
use records::InForce;
pub(crate) use reseal::run as reseal;
pub use rotate::{Rotated, abort, retire, rotate, switch};
pub use show::show;
pub use watch::LOOK_EVERY;
pub(crate) use watch::run as watch;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("{path} is readable by others: run chmod 600 on it")]
    TooOpen { path: String },
    #[error("{path} is not a key of the expected kind")]
    Bad { path: String },
    #[error("cannot make the agents' certificate: {0}")]
    Certificate(String),
    #[error(
        "the database names the {kind} key {id}, which is not in {dir}: restore the key files that belong to this database"
    )]
    Missing { kind: &'static str, id: String, dir: String },
    #[error(
        "{count} secrets in the database were sealed with a master key that is not in {dir}: restore the master key that belongs to this database"
    )]
    Unreadable { count: i64, dir: String },
    #[error("the database's rows about keys are damaged: {0}")]
    Rows(String),
    #[error("database: {0}")]
    Database(#[from] DbError),
}

/// What is in force now; replaced whole when a key is rotated.
pub struct Live {
    /// Of the trust bundle.
    pub version: u64,
    pub certificate: Certificate,
    roots: Vec<Pin>,
    command_keys: Vec<Vec<u8>>,
    signing: Ed25519KeyPair,
    /// Secrets are being sealed anew because this master key leaves.
    pub leaving_master: Option<String>,
    /// Ids and states of the rows that this was made from.
    known: Vec<(String, String)>,
}

pub struct Keys {
    dir: PathBuf,
    identity: Ed25519KeyPair,
    pub sealer: Sealer,
    /// For push services of browsers.
    pub vapid: Arc<Vapid>,
    live: RwLock<Arc<Live>>,
}

impl Keys {
    /// Reads the keys that the database names. Makes those of a new hub, and ends what a crash left of a rotation.
    ///
    /// # Errors
    /// If a named key has no file, or a secret no key.
    pub async fn open(dir: &Path, store: &Store) -> Result<Keys, KeyError> {
        files::make_dir(dir)?;
        let rows = records::load(dir, store).await?;
        records::remove_ended(dir, &rows)?;
        let in_force = InForce::read(dir, &rows)?;
        let sealer = Sealer::new(in_force.master.1, files::secret(&dir.join("tag.key"))?);
        in_force.arm(&sealer);
        records::check_secrets(dir, store, &in_force).await?;
        let live = RwLock::new(Arc::new(in_force.live(records::bundle_version(store).await?)));
        let identity = files::ed25519(&dir.join("identity.key"))?;
        let vapid = Arc::new(files::vapid(&dir.join("vapid.key"))?);
        Ok(Keys { dir: dir.to_path_buf(), identity, sealer, vapid, live })
    }

    /// Takes up what the rows say now.
    async fn reload(&self, store: &Store) -> Result<(), KeyError> {
        let in_force = InForce::read(&self.dir, &store.hub_keys().await?)?;
        in_force.arm(&self.sealer);
        let live = Arc::new(in_force.live(records::bundle_version(store).await?));
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(())
    }

    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The hub's own id: the digest of its identity key.
    pub fn hub_id(&self) -> String {
        random::hex(&digest(&SHA256, self.identity.public_key().as_ref()).as_ref()[..16])
    }

    pub fn sign_identity(&self, bytes: &[u8]) -> Vec<u8> {
        self.identity.sign(bytes).as_ref().to_vec()
    }

    /// Signs with the key that commands to agents are signed with, and nothing else.
    pub fn sign_command(&self, payload: &[u8]) -> Envelope {
        sign(Purpose::Command, payload, &self.live().signing)
    }

    /// What agents trust.
    pub fn bundle(&self, urls: Vec<String>) -> TrustBundle {
        let live = self.live();
        let key = |purpose, public_key: &[u8]| SigningKey { purpose, public_key: public_key.to_vec() };
        let identity = self.identity.public_key().as_ref();
        let commands = live.command_keys.iter().map(|public_key| key(Purpose::Command, public_key));
        TrustBundle {
            version: live.version,
            hub_id: self.hub_id(),
            urls,
            roots: live.roots.clone(),
            identity_key: identity.to_vec(),
            signing_keys: commands.chain([key(Purpose::Bundle, identity)]).collect(),
        }
    }

    /// The bundle as agents take it over: vouched for by the identity that they trust.
    pub fn signed_bundle(&self, urls: Vec<String>) -> Envelope {
        let bundle = self.bundle(urls);
        let payload = serde_json::to_vec(&bundle).expect("a bundle holds only strings and numbers");
        sign(Purpose::Bundle, &payload, &self.identity)
    }
}
