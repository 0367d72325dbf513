//! known_hosts(5): plain and hashed names, wildcards and negation, `@revoked`; certificates' authorities are passed over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::ssh_config::glob;
use crate::{HostKey, HostKeyState};

/// Lines of a file that are read.
const LINES_MAX: usize = 50_000;

/// The keys of a file.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    names: String,
    key: HostKey,
}

impl KnownHosts {
    /// Lines that are not understood are passed over, as OpenSSH does.
    pub fn parse(text: &str) -> KnownHosts {
        KnownHosts { entries: text.lines().take(LINES_MAX).filter_map(entry).collect() }
    }

    /// The keys of a host, revoked ones too.
    pub fn keys(&self, host: &str, port: u16) -> Vec<HostKey> {
        let place = place(host, port);
        self.entries
            .iter()
            .filter(|entry| names(&entry.names, &place))
            .map(|entry| entry.key.clone())
            .collect()
    }
}

/// A line for a host's key.
pub fn known_hosts_line(host: &str, port: u16, key: &HostKey) -> String {
    format!("{} {} {}\n", place(host, port), key.algorithm, STANDARD.encode(&key.blob))
}

/// As OpenSSH writes it: the port only where it is not the usual one.
fn place(host: &str, port: u16) -> String {
    match port {
        crate::job::PORT_DEFAULT => host.to_lowercase(),
        _ => format!("[{}]:{port}", host.to_lowercase()),
    }
}

fn entry(line: &str) -> Option<Entry> {
    let mut words = line.split_whitespace();
    let mut first = words.next().filter(|word| !word.starts_with('#'))?;
    let mut state = HostKeyState::Pinned;
    if first.starts_with('@') {
        state = (first == "@revoked").then_some(HostKeyState::Revoked)?;
        first = words.next()?;
    }
    let (algorithm, blob) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(blob).ok()?;
    let key = HostKey { algorithm: algorithm.into(), blob, first_seen: None, state };
    Some(Entry { names: first.into(), key })
}

fn names(names: &str, place: &str) -> bool {
    if let Some(hashed) = names.strip_prefix("|1|") {
        return is_hash_of(hashed, place).unwrap_or(false);
    }
    let patterns = || names.split(',');
    let denied =
        patterns().filter_map(|pattern| pattern.strip_prefix('!')).any(|pattern| glob(pattern, place));
    !denied && patterns().any(|pattern| !pattern.starts_with('!') && glob(pattern, place))
}

/// `SALT|HMAC-SHA1`, both in base64.
fn is_hash_of(hashed: &str, place: &str) -> Option<bool> {
    let (salt, sum) = hashed.split_once('|')?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &STANDARD.decode(salt).ok()?);
    Some(hmac::verify(&key, place.as_bytes(), &STANDARD.decode(sum).ok()?).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_openssh_does() {
        let text = "# comment\nweb,10.0.0.1 ssh-ed25519 AAAA\n[web]:2222 ssh-rsa AAAB\n*.example.com,!bad.example.com ssh-ed25519 AAAC\n@revoked web ssh-ed25519 AAAD\n@cert-authority * ssh-ed25519 AAAE\nbroken\n";
        let known = KnownHosts::parse(text);
        let states =
            |host: &str, port| known.keys(host, port).iter().map(|key| key.state).collect::<Vec<_>>();
        assert_eq!(states("WEB", 22), [HostKeyState::Pinned, HostKeyState::Revoked]);
        assert_eq!(known.keys("web", 2222)[0].algorithm, "ssh-rsa");
        assert_eq!(states("a.example.com", 22), [HostKeyState::Pinned]);
        assert!(states("bad.example.com", 22).is_empty() && states("10.0.0.2", 22).is_empty());
    }

    #[test]
    fn hashed_names_are_found_and_lines_are_read_back() {
        // `ssh-keygen -H` over "example.org ssh-ed25519 AAAA".
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"salt of twenty bytes");
        let sum = STANDARD.encode(hmac::sign(&key, b"example.org"));
        let salt = STANDARD.encode("salt of twenty bytes");
        let known = KnownHosts::parse(&format!("|1|{salt}|{sum} ssh-ed25519 AAAA\n"));
        assert_eq!((known.keys("example.org", 22).len(), known.keys("example.com", 22).len()), (1, 0));
        let key = HostKey {
            algorithm: "ssh-ed25519".into(),
            blob: vec![1, 2],
            first_seen: None,
            state: HostKeyState::Pinned,
        };
        let line = known_hosts_line("h", 2222, &key);
        assert_eq!(KnownHosts::parse(&line).keys("h", 2222), [key]);
    }
}
