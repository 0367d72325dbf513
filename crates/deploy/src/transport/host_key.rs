//! Whether a host is the one it was: a comparison of bytes, and nothing is remembered here.

use crate::{Code, Failure, Fingerprint, HostKey, HostKeyCheck, HostKeyPolicy, HostKeyState, Step};

/// How well a host is known once its key was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Seen before, or confirmed by its fingerprint: passwords may be sent.
    Confirmed,
    /// Seen for the first time: signing in by key gives nothing away, a password would.
    New,
}

/// The keys whose algorithms may be offered: those that could be accepted.
pub(super) fn acceptable<'a>(check: &HostKeyCheck, known: &'a [HostKey]) -> Vec<&'a HostKey> {
    let pinned = || known.iter().filter(|key| key.state == HostKeyState::Pinned);
    match &check.expected {
        // What a person confirmed may be of another type than what was pinned before.
        Some(expected) => pinned().filter(|key| key.fingerprint() == *expected).collect(),
        None => pinned().collect(),
    }
}

/// Judges the key that the host `place` showed.
pub(super) fn judge(
    place: &str,
    check: &HostKeyCheck,
    known: &[HostKey],
    shown: &HostKey,
) -> Result<Standing, Failure> {
    let fingerprint = shown.fingerprint();
    let of = |state| known.iter().filter(move |key| key.state == state);
    if of(HostKeyState::Revoked).any(|key| key.blob == shown.blob) {
        return Err(Failure::new(
            Step::HostKey,
            Code::HostKeyRevoked,
            format!("{place} shows the key {fingerprint}, which was revoked"),
            "do not connect: find out who answers at this address, and give the host a new key",
        ));
    }
    if let Some(expected) = &check.expected {
        return match *expected == fingerprint {
            true => Ok(Standing::Confirmed),
            false => Err(changed(place, &format!("{expected} as given"), &fingerprint)),
        };
    }
    if of(HostKeyState::Pinned).any(|key| key.blob == shown.blob) {
        return Ok(Standing::Confirmed);
    }
    let pinned: Vec<String> = of(HostKeyState::Pinned).map(described).collect();
    match (pinned.is_empty(), check.policy) {
        (false, _) => Err(changed(place, &pinned.join(" or "), &fingerprint)),
        (true, HostKeyPolicy::AcceptNew) => Ok(Standing::New),
        (true, HostKeyPolicy::Strict) => Err(unknown(place, &fingerprint, "unknown hosts are refused")),
    }
}

fn described(key: &HostKey) -> String {
    match key.first_seen {
        Some(at) => format!("{} ({}, first seen {at})", key.fingerprint(), key.algorithm),
        None => format!("{} ({})", key.fingerprint(), key.algorithm),
    }
}

fn changed(place: &str, before: &str, now: &Fingerprint) -> Failure {
    Failure::new(
        Step::HostKey,
        Code::HostKeyChanged,
        format!("the key of {place} is not {before}: it shows {now}"),
        format!(
            "if the host was rebuilt, compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on it and confirm {now}; else somebody is in between"
        ),
    )
}

/// The host offered no key of a type that is pinned.
pub(super) fn other_type(place: &str, known: &[&HostKey], offered: &[String]) -> Failure {
    let pinned: Vec<String> = known.iter().map(|key| described(key)).collect();
    Failure::new(
        Step::HostKey,
        Code::HostKeyChanged,
        format!(
            "{place} no longer has the key {}: it offers only {}",
            pinned.join(" or "),
            offered.join(", ")
        ),
        "if the host was rebuilt, confirm its new fingerprint; else somebody is in between",
    )
}

/// A key that nobody confirmed yet; `why` says what needs it.
pub(crate) fn unknown(place: &str, fingerprint: &Fingerprint, why: &str) -> Failure {
    Failure::new(
        Step::HostKey,
        Code::HostKeyUnknown,
        format!("{place} was never seen before and {why}; its key is {fingerprint}"),
        format!(
            "compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the host, then confirm it: --host-key {fingerprint}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(blob: &[u8], state: HostKeyState) -> HostKey {
        HostKey { algorithm: "ssh-ed25519".into(), blob: blob.into(), first_seen: None, state }
    }

    fn verdict(policy: HostKeyPolicy, expected: Option<&[u8]>, known: &[HostKey]) -> Result<Standing, Code> {
        let check = HostKeyCheck { policy, expected: expected.map(Fingerprint::of) };
        judge("h", &check, known, &key(b"shown", HostKeyState::Pinned)).map_err(|failure| failure.code)
    }

    #[test]
    fn keys_are_judged() {
        use HostKeyPolicy::*;
        let (same, other) = (key(b"shown", HostKeyState::Pinned), key(b"other", HostKeyState::Pinned));
        let revoked = key(b"shown", HostKeyState::Revoked);
        for (policy, expected, known, result) in [
            (AcceptNew, None, vec![], Ok(Standing::New)),
            (Strict, None, vec![], Err(Code::HostKeyUnknown)),
            (Strict, None, vec![same.clone()], Ok(Standing::Confirmed)),
            (AcceptNew, None, vec![other.clone()], Err(Code::HostKeyChanged)),
            (AcceptNew, None, vec![other.clone(), same], Ok(Standing::Confirmed)),
            (Strict, Some(b"shown".as_slice()), vec![other], Ok(Standing::Confirmed)),
            (AcceptNew, Some(b"else".as_slice()), vec![], Err(Code::HostKeyChanged)),
            (AcceptNew, Some(b"shown".as_slice()), vec![revoked.clone()], Err(Code::HostKeyRevoked)),
            (AcceptNew, None, vec![revoked], Err(Code::HostKeyRevoked)),
        ] {
            assert_eq!(verdict(policy, expected, &known), result, "{policy:?} {expected:?} {known:?}");
        }
    }

    #[test]
    fn a_changed_key_shows_both() {
        let check = HostKeyCheck { policy: HostKeyPolicy::AcceptNew, expected: None };
        let (old, new) = (key(b"old", HostKeyState::Pinned), key(b"new", HostKeyState::Pinned));
        let failure = judge("h", &check, std::slice::from_ref(&old), &new).unwrap_err();
        assert!(
            failure.cause.contains(old.fingerprint().as_str())
                && failure.cause.contains(new.fingerprint().as_str())
        );
    }
}
