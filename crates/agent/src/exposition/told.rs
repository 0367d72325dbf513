//! What texts say of their metrics' names and the hub was not told: each once on a connection.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use watchtower_model::is_metric_name;
use watchtower_protocol::{METADATA_MAX, NamedMetadata};

use super::{Format, described};

/// Names that are told on one connection; what comes beyond is not.
const TOLD_MAX: usize = 4_000;
/// Bytes that wait for the next messages; what comes beyond is found again by the next scrape.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a metric's name, as the hub takes it.
const NAME_BYTES_MAX: usize = 128;

#[derive(Debug, Default)]
pub struct Told {
    /// Hashes of name and texts: the texts are the hub's to keep.
    known: HashSet<u64>,
    waiting: Vec<NamedMetadata>,
    bytes: usize,
}

impl Told {
    /// Looks through a text for what was not told.
    pub fn look(&mut self, text: &str, format: Format) {
        described(text, format, |name, said| {
            let mut hasher = DefaultHasher::new();
            (name, &said).hash(&mut hasher);
            let hash = hasher.finish();
            let bytes = name.len() + said.help.len() + said.unit.len();
            let full = self.known.len() >= TOLD_MAX || self.bytes + bytes > WAITING_BYTES_MAX;
            let refused = !is_metric_name(name) || name.len() > NAME_BYTES_MAX;
            if refused || self.known.contains(&hash) || full {
                return;
            }
            self.known.insert(hash);
            self.bytes += bytes;
            self.waiting.push(NamedMetadata { name: name.into(), said });
        });
    }

    /// What the next message holds.
    pub fn take(&mut self) -> Vec<NamedMetadata> {
        let rest = self.waiting.split_off(self.waiting.len().min(METADATA_MAX));
        let taken = std::mem::replace(&mut self.waiting, rest);
        let bytes = |told: &NamedMetadata| told.name.len() + told.said.help.len() + told.said.unit.len();
        self.bytes -= taken.iter().map(bytes).sum::<usize>();
        taken
    }

    /// On a new connection nothing was told.
    pub fn forget(&mut self) {
        *self = Told::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_told_once_within_bounds() {
        let mut told = Told::default();
        let names = |told: &mut Told| told.take().into_iter().map(|n| n.name).collect::<Vec<_>>();
        told.look("# TYPE a gauge\n# TYPE b gauge\n", Format::Text);
        told.look("# TYPE a gauge\n# TYPE b counter\n", Format::Text);
        assert_eq!(names(&mut told), ["a", "b", "b"]);
        told.look("# TYPE a gauge\n# TYPE b gauge\n", Format::Text);
        assert!(names(&mut told).is_empty());
        told.forget();
        told.look("# TYPE a gauge\n", Format::Text);
        assert_eq!(names(&mut told), ["a"]);
        let long = "x".repeat(1000);
        let text: String = (0..600).map(|i| format!("# HELP m{i} {long}\n")).collect();
        told.look(&text, Format::Text);
        let bytes = told.bytes;
        assert!(bytes <= WAITING_BYTES_MAX && bytes > WAITING_BYTES_MAX - 2000);
        let mut found = 0;
        for _ in 0..10 {
            found += names(&mut told).len();
            told.look(&text, Format::Text);
        }
        assert_eq!(found, 600, "what did not fit comes with the next scrapes");
        let many: String = (0..2 * TOLD_MAX).map(|i| format!("# TYPE n{i} gauge\n")).collect();
        told.look(&many, Format::Text);
        assert_eq!(told.known.len(), TOLD_MAX);
        told.look(&format!("# TYPE {} gauge\n", "n".repeat(129)), Format::Text);
        while !told.take().is_empty() {}
        assert_eq!(told.bytes, 0);
    }
}
