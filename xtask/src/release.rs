//! The release key and what it signs: programs of the agent that servers may take over by themselves.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use watchtower_model::Timestamp;
use watchtower_protocol::{Purpose, RELEASE_FORMAT, Release, sign};

const DAY_MS: i64 = 86_400_000;

/// A new key, never over an old one.
pub fn make_key() -> Result<(), String> {
    let [path] = words("release-key FILE")?;
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|e| e.to_string())?;
    let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|e| e.to_string())?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| format!("{path}: {e}"))?;
    file.write_all(pkcs8.as_ref()).and_then(|()| file.sync_all()).map_err(|e| format!("{path}: {e}"))?;
    println!("build agents with WATCHTOWER_RELEASE_KEYS={}", STANDARD.encode(key.public_key()));
    Ok(())
}

/// Writes the signed release beside the program.
pub fn sign_agent() -> Result<(), String> {
    let [key, program, arch, version, days] = words("sign-agent KEY PROGRAM ARCH VERSION DAYS")?;
    let bytes = fs::read(&key).map_err(|e| format!("{key}: {e}"))?;
    let key = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|e| format!("{key}: {e}"))?;
    let days: i64 = days.parse().map_err(|_| format!("{days:?} is not a number of days"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| e.to_string())?.as_millis() as i64;
    let bytes = fs::read(&program).map_err(|e| format!("{program}: {e}"))?;
    let release = Release {
        format: RELEASE_FORMAT,
        version,
        arch,
        sha256: digest(&SHA256, &bytes).as_ref().iter().map(|b| format!("{b:02x}")).collect(),
        size: bytes.len() as u64,
        not_after: Timestamp(now + days * DAY_MS),
    };
    let payload = serde_json::to_vec(&release).map_err(|e| e.to_string())?;
    Release::parse(&payload).map_err(|e| e.to_string())?;
    let envelope = serde_json::to_vec(&sign(Purpose::Release, &payload, &key)).map_err(|e| e.to_string())?;
    let path = format!("{program}.release");
    fs::write(&path, envelope).map_err(|e| format!("{path}: {e}"))?;
    println!("{path}: agent {} for {}", release.version, release.arch);
    Ok(())
}

fn words<const N: usize>(usage: &str) -> Result<[String; N], String> {
    let words: Vec<String> = std::env::args().skip(2).collect();
    words.try_into().map_err(|_| format!("usage: cargo run -p xtask -- {usage}"))
}
