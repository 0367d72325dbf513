//! Releases of the agent: what a server may replace its own program by. Signed by a key that was never on a hub.
//!
//! Pure: whose keys count, what is older and what time it is are arguments.

use serde::{Deserialize, Serialize};
use watchtower_model::Timestamp;

use crate::envelope::{Envelope, EnvelopeError, Purpose, verify};

/// The shape below.
pub const RELEASE_FORMAT: u16 = 1;
/// Where the agents' listener has the program of an update: `/agent/v1/program/EXECUTION/ARCH`, for `Authorization: Bearer TOKEN`.
pub const PROGRAM_PATH: &str = "/agent/v1/program";

/// A field that this build does not know makes a release unreadable: it may restrict something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub format: u16,
    /// `MAJOR.MINOR.PATCH`
    pub version: String,
    /// `x86_64` or `aarch64`.
    pub arch: String,
    /// Hex, of the program.
    pub sha256: String,
    /// Bytes of the program.
    pub size: u64,
    /// Not installed after this.
    pub not_after: Timestamp,
}

/// Why a release is not installed; [`ReleaseError::code`] is stable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    #[error("this build of the agent knows no release key: bring it up to date over SSH")]
    Off,
    #[error("the release is not signed by a key that this agent knows: {0}")]
    Signature(#[from] EnvelopeError),
    #[error("the release is not understood: {0}")]
    Unreadable(String),
    #[error("there is no release for {arch}")]
    OtherArch { arch: String },
    #[error("release {offered} is not newer than {own}, which runs here")]
    NotNewer { offered: String, own: String },
    #[error("release {version} was to be installed by {not_after}")]
    Expired { version: String, not_after: Timestamp },
}

impl ReleaseError {
    pub fn code(&self) -> &'static str {
        match self {
            ReleaseError::Off => "update_off",
            ReleaseError::Signature(_) => "release_signature",
            ReleaseError::Unreadable(_) => "release_unreadable",
            ReleaseError::OtherArch { .. } => "release_arch",
            ReleaseError::NotNewer { .. } => "release_not_newer",
            ReleaseError::Expired { .. } => "release_expired",
        }
    }
}

impl Release {
    /// The release for `arch` among these, if it may take the place of version `own`. All must be signed by one of `keys`.
    pub fn accept(
        envelopes: &[Envelope],
        keys: &[Vec<u8>],
        own: &str,
        arch: &str,
        now: Timestamp,
    ) -> Result<Release, ReleaseError> {
        if keys.is_empty() {
            return Err(ReleaseError::Off);
        }
        let mut ours = None;
        for envelope in envelopes {
            let payload = verify(Purpose::Release, envelope, keys.iter().map(Vec::as_slice))?;
            let release = Release::parse(&payload)?;
            if release.arch == arch {
                ours = Some(release);
            }
        }
        let release = ours.ok_or_else(|| ReleaseError::OtherArch { arch: arch.into() })?;
        if numbers(&release.version)? <= numbers(own)? {
            return Err(ReleaseError::NotNewer { offered: release.version, own: own.into() });
        }
        if now > release.not_after {
            return Err(ReleaseError::Expired { version: release.version, not_after: release.not_after });
        }
        Ok(release)
    }

    /// Of bytes whose signature was verified, or does not matter.
    pub fn parse(payload: &[u8]) -> Result<Release, ReleaseError> {
        let release: Release =
            serde_json::from_slice(payload).map_err(|e| ReleaseError::Unreadable(e.to_string()))?;
        if release.format != RELEASE_FORMAT {
            return Err(ReleaseError::Unreadable(format!("format {}", release.format)));
        }
        numbers(&release.version)?;
        Ok(release)
    }
}

fn numbers(version: &str) -> Result<[u64; 3], ReleaseError> {
    let parts: Option<Vec<u64>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts
        .and_then(|parts| <[u64; 3]>::try_from(parts).ok())
        .ok_or_else(|| ReleaseError::Unreadable(format!("{version:?} is not MAJOR.MINOR.PATCH")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::sign;
    use ring::signature::{Ed25519KeyPair, KeyPair};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn key(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn release(version: &str, arch: &str) -> Release {
        Release {
            format: RELEASE_FORMAT,
            version: version.into(),
            arch: arch.into(),
            sha256: "ab".into(),
            size: 1,
            not_after: NOW,
        }
    }

    fn signed(release: &Release, seed: u8) -> Envelope {
        sign(Purpose::Release, &serde_json::to_vec(release).unwrap(), &key(seed))
    }

    fn accept(envelopes: &[Envelope], now: Timestamp) -> Result<Release, &'static str> {
        let keys = [key(1).public_key().as_ref().to_vec()];
        Release::accept(envelopes, &keys, "0.9.9", "x86_64", now).map_err(|error| error.code())
    }

    #[test]
    fn only_a_newer_release_for_this_machine_by_a_known_key_in_time() {
        let good = release("0.10.0", "x86_64");
        let other = signed(&release("0.10.0", "aarch64"), 1);
        assert_eq!(accept(&[other.clone(), signed(&good, 1)], NOW), Ok(good.clone()));
        assert_eq!(accept(&[signed(&good, 2)], NOW), Err("release_signature"));
        assert_eq!(accept(std::slice::from_ref(&other), NOW), Err("release_arch"));
        assert_eq!(accept(&[signed(&good, 1)], NOW.plus_ms(1)), Err("release_expired"));
        for older in ["0.9.9", "0.9.8", "0.0.10"] {
            assert_eq!(accept(&[signed(&release(older, "x86_64"), 1)], NOW), Err("release_not_newer"));
        }
        assert_eq!(accept(&[signed(&release("1.0", "x86_64"), 1)], NOW), Err("release_unreadable"));
        // A key of another purpose signs nothing here, and without keys there are no updates.
        let command = sign(Purpose::Command, &serde_json::to_vec(&good).unwrap(), &key(1));
        assert_eq!(accept(&[command], NOW), Err("release_signature"));
        let off = Release::accept(&[signed(&good, 1)], &[], "0.9.9", "x86_64", NOW);
        assert_eq!(off.unwrap_err().code(), "update_off");
    }
}
