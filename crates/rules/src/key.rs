//! The name of an alert within its rule.

use std::fmt;

use serde::{Deserialize, Serialize};
use watchtower_model::{Labels, METRIC_NAME};

/// 128-bit FNV-1a over the sorted labels without the metric name, in hex: stable across versions and machines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DedupKey(String);

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl DedupKey {
    pub fn of(labels: &Labels) -> Self {
        let mut hash = OFFSET;
        for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            for byte in name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff]) {
                hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
            }
        }
        DedupKey(format!("{hash:032x}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_stable_and_ignores_the_name() {
        let key = |pairs: &[(&str, &str)]| DedupKey::of(&Labels::from_pairs(pairs.iter().copied()));
        assert_eq!(key(&[]).as_str(), "6c62272e07bb014262b821756295c58d");
        assert_eq!(key(&[("a", "1"), ("b", "2")]), key(&[("b", "2"), ("a", "1"), ("__name__", "x")]));
        assert_ne!(key(&[("a", "1b"), ("c", "2")]), key(&[("a", "1"), ("bc", "2")]));
    }
}
