//! Key files: made once, durable, private, found by what they hold rather than by their names.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rcgen::{KeyPair, PublicKeyData};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use watchtower_api_types::KeyKind;
use watchtower_notify::Vapid;
use watchtower_protocol::key_id_of;
use watchtower_store::master_key_id;

use super::KeyError;
use crate::random;

/// One key file and what it holds.
pub struct Found {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

pub fn file_error(path: &Path, error: std::io::Error) -> KeyError {
    KeyError::File { path: path.display().to_string(), reason: error.to_string() }
}

fn bad(path: &Path) -> KeyError {
    KeyError::Bad { path: path.display().to_string() }
}

pub fn make_dir(dir: &Path) -> Result<(), KeyError> {
    fs::create_dir_all(dir).map_err(|e| file_error(dir, e))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|e| file_error(dir, e))
}

/// The keys of a kind by their ids: `KIND.key`, and `KIND-….key`.
pub fn scan(dir: &Path, kind: KeyKind) -> Result<BTreeMap<String, Found>, KeyError> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(|e| file_error(dir, e))? {
        let path = entry.map_err(|e| file_error(dir, e))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let stem = name.strip_suffix(".key").and_then(|stem| stem.strip_prefix(kind.as_str()));
        if stem.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            let bytes = read(&path)?;
            all.insert(id_of(kind, &path, &bytes)?, Found { path, bytes });
        }
    }
    Ok(all)
}

/// What a key is called: hex digits of a digest, of its public half where it has one.
pub fn id_of(kind: KeyKind, path: &Path, bytes: &[u8]) -> Result<String, KeyError> {
    match kind {
        KeyKind::Ca => {
            let key = KeyPair::try_from(bytes).map_err(|_| bad(path))?;
            Ok(random::hex(&digest(&SHA256, &key.subject_public_key_info()).as_ref()[..8]))
        }
        KeyKind::Signing => {
            let key = Ed25519KeyPair::from_pkcs8(bytes).map_err(|_| bad(path))?;
            Ok(key_id_of(key.public_key().as_ref()))
        }
        KeyKind::Master => bytes.try_into().map(master_key_id).map_err(|_| bad(path)),
    }
}

/// A new key of a kind in a file named after it; its id.
pub fn make(dir: &Path, kind: KeyKind) -> Result<String, KeyError> {
    let bytes = match kind {
        KeyKind::Ca => new_ecdsa(),
        KeyKind::Signing => new_ed25519(),
        KeyKind::Master => random::bytes::<32>().to_vec(),
    };
    let id = id_of(kind, dir, &bytes)?;
    write(&dir.join(format!("{kind}-{id}.key")), &bytes)?;
    Ok(id)
}

/// Deletes a key for good; of a root also the key of its leaf.
pub fn remove(dir: &Path, kind: KeyKind, id: &str) -> Result<(), KeyError> {
    let Some(found) = scan(dir, kind)?.remove(id) else { return Ok(()) };
    if kind == KeyKind::Ca {
        let leaf = leaf_path(&found.path, id);
        match fs::remove_file(&leaf) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(file_error(&leaf, error));
            }
            _ => {}
        }
    }
    fs::remove_file(&found.path).map_err(|e| file_error(&found.path, e))?;
    sync(dir)
}

/// Where the key of the listener's certificate under this root is: the first root's has the plain name.
pub fn leaf_path(root: &Path, id: &str) -> PathBuf {
    let first = root.file_name().is_some_and(|name| name == "ca.key");
    root.with_file_name(if first { "tls.key".to_string() } else { format!("tls-{id}.key") })
}

pub fn ecdsa(path: &Path) -> Result<KeyPair, KeyError> {
    KeyPair::try_from(read_or_make(path, new_ecdsa)?).map_err(|_| bad(path))
}

/// The key that browsers know the hub by, at their push services.
pub fn vapid(path: &Path) -> Result<Vapid, KeyError> {
    Vapid::new(&read_or_make(path, new_ecdsa)?).ok_or_else(|| bad(path))
}

pub fn ed25519(path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    Ed25519KeyPair::from_pkcs8(&read_or_make(path, new_ed25519)?).map_err(|_| bad(path))
}

pub fn secret(path: &Path) -> Result<[u8; 32], KeyError> {
    read_or_make(path, || random::bytes::<32>().to_vec())?.try_into().map_err(|_| bad(path))
}

fn new_ecdsa() -> Vec<u8> {
    KeyPair::generate().expect("P-256 keys need only randomness").serialize_der()
}

fn new_ed25519() -> Vec<u8> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    document.expect("Ed25519 keys need only randomness").as_ref().to_vec()
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let metadata = fs::metadata(path).map_err(|e| file_error(path, e))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::TooOpen { path: path.display().to_string() });
    }
    fs::read(path).map_err(|e| file_error(path, e))
}

/// Never overwrites: a key that is lost cannot be made again. Of several hubs that make one at once, all get the same.
fn read_or_make(path: &Path, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, KeyError> {
    if path.try_exists().map_err(|e| file_error(path, e))? {
        return read(path);
    }
    write(path, &make())?;
    read(path)
}

/// Whole and durable when this returns: the database may name it then. A file that is there already stays.
fn write(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let temporary = path.with_extension(format!("{}.new", random::hex(&random::bytes::<4>())));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(|e| file_error(&temporary, e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| file_error(&temporary, e))?;
    match fs::hard_link(&temporary, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            // A file system without links.
            fs::rename(&temporary, path).map_err(|e| file_error(path, e))?;
        }
        _ => fs::remove_file(&temporary).map_err(|e| file_error(&temporary, e))?,
    }
    sync(path.parent().unwrap_or(path))
}

fn sync(dir: &Path) -> Result<(), KeyError> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| file_error(dir, e))
}
