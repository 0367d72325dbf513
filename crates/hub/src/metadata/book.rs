//! What was told of each name, within bounds: the newest of some that differ, and of too many names those told last.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_model::MetricMetadata;
use watchtower_model::limits::LABEL_VALUE_BYTES_MAX;

/// Names that are kept.
pub(super) const NAMES_MAX: usize = 20_000;
/// Bytes of all of it.
pub(super) const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Senders that say different things of one name.
const VARIANTS_MAX: usize = 4;
/// What an entry takes beside its texts.
const ENTRY_BYTES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Book {
    names: BTreeMap<String, Entry>,
    bytes: usize,
    /// Counts what was told.
    clock: u64,
    /// There is something that is not stored.
    pub changed: bool,
    /// Names that had to go for others.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Entry {
    told: u64,
    /// Those told last are first.
    variants: Vec<Variant>,
}

/// Who tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Teller {
    /// What its targets say.
    Agent,
    /// Other senders.
    #[default]
    Outside,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Variant {
    #[serde(default)]
    by: Teller,
    #[serde(flatten)]
    said: MetricMetadata,
}

/// As it is stored: those that were told longest ago come first.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    metrics: Vec<StoredName>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredName {
    name: String,
    told: Vec<Variant>,
}

const VERSION: u32 = 1;

impl Book {
    pub(super) fn tell(&mut self, name: &str, by: Teller, said: MetricMetadata) {
        let told = Variant { by, said };
        if name.is_empty() || name.len() > LABEL_VALUE_BYTES_MAX || name.chars().any(char::is_control) {
            return;
        }
        self.clock += 1;
        let entry = match self.names.get_mut(name) {
            Some(entry) => entry,
            None => {
                self.bytes += name.len() + ENTRY_BYTES;
                self.names.entry(name.to_string()).or_default()
            }
        };
        entry.told = self.clock;
        match entry.variants.iter().position(|known| *known == told) {
            Some(0) => {}
            Some(at) => entry.variants[..=at].rotate_right(1),
            None => {
                self.bytes += text_bytes(&told);
                entry.variants.insert(0, told);
                if entry.variants.len() > VARIANTS_MAX {
                    self.bytes -= entry.variants.pop().as_ref().map_or(0, text_bytes);
                }
                self.changed = true;
            }
        }
        if self.names.len() > NAMES_MAX || self.bytes > BYTES_MAX {
            self.make_room();
        }
    }

    /// A sixteenth more than has to go, so that it is not done for each name.
    fn make_room(&mut self) {
        let mut ages: Vec<(u64, String)> =
            self.names.iter().map(|(name, e)| (e.told, name.clone())).collect();
        ages.sort_unstable();
        for (_, name) in ages {
            if self.names.len() <= NAMES_MAX / 16 * 15 && self.bytes <= BYTES_MAX / 16 * 15 {
                break;
            }
            if let Some(entry) = self.names.remove(&name) {
                let texts: usize = entry.variants.iter().map(text_bytes).sum();
                self.bytes -= name.len() + ENTRY_BYTES + texts;
                self.dropped += 1;
            }
        }
        self.changed = true;
    }

    /// Every name of which something that passes was told, with it.
    pub(super) fn list(
        &self,
        mut passes: impl FnMut(&str, Teller) -> bool,
    ) -> BTreeMap<String, Vec<MetricMetadata>> {
        let mut all = BTreeMap::new();
        for (name, entry) in &self.names {
            let mut said: Vec<MetricMetadata> = Vec::new();
            for variant in entry.variants.iter().filter(|variant| passes(name, variant.by)) {
                if !said.contains(&variant.said) {
                    said.push(variant.said.clone());
                }
            }
            if !said.is_empty() {
                all.insert(name.clone(), said);
            }
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut names: Vec<(&String, &Entry)> = self.names.iter().collect();
        names.sort_by_key(|(_, entry)| entry.told);
        let stored = |(name, entry): (&String, &Entry)| StoredName {
            name: name.clone(),
            told: entry.variants.clone(),
        };
        let stored = Stored { version: VERSION, metrics: names.into_iter().map(stored).collect() };
        serde_json::to_vec(&stored).expect("texts and lists can be written as JSON")
    }

    /// Bounds hold as if it were told again.
    pub(super) fn decode(bytes: &[u8]) -> Result<Book, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if stored.version != VERSION {
            return Err(format!("version {} is not known", stored.version));
        }
        let mut book = Book::default();
        for StoredName { name, told } in stored.metrics {
            for Variant { by, said } in told.into_iter().rev() {
                book.tell(&name, by, MetricMetadata::new(said.kind, &said.help, &said.unit));
            }
        }
        book.changed = false;
        Ok(book)
    }
}

fn text_bytes(told: &Variant) -> usize {
    told.said.help.len() + told.said.unit.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use watchtower_model::MetricType::{Counter, Gauge};

    use super::Teller::{Agent, Outside};
    use super::*;

    fn counter(help: &str) -> MetricMetadata {
        MetricMetadata::new(Counter, help, "")
    }

    #[test]
    fn the_newest_of_a_name_is_first_and_what_is_known_changes_nothing() {
        let mut book = Book::default();
        for help in ["a", "b", "c", "a", "d", "e"] {
            book.tell("x", Outside, counter(help));
        }
        let helps = |book: &Book| -> Vec<String> {
            book.list(|_, _| true)["x"].iter().map(|told| told.help.clone()).collect()
        };
        assert_eq!(helps(&book), ["e", "d", "a", "c"]);
        let again = Book::decode(&book.encode()).unwrap();
        assert_eq!(helps(&again), helps(&book));
        assert!(book.changed && !again.changed);
        assert_eq!(again.bytes, book.bytes);
        book.changed = false;
        book.tell("x", Outside, counter("c"));
        book.tell("", Outside, counter("c"));
        book.tell("a\nb", Outside, counter("c"));
        assert!(!book.changed && book.len() == 1);
        book.tell("x", Outside, MetricMetadata::new(Gauge, "c", ""));
        assert!(book.changed);
        assert!(Book::decode(b"{}").is_err() && Book::decode(b"{\"version\":2,\"metrics\":[]}").is_err());
    }

    #[test]
    fn who_told_it_is_kept_and_the_same_is_shown_once() {
        let mut book = Book::default();
        book.tell("x", Outside, counter("a"));
        book.tell("x", Agent, counter("a"));
        book.tell("y", Outside, counter("b"));
        for book in [&book, &Book::decode(&book.encode()).unwrap()] {
            assert_eq!(book.list(|_, _| true)["x"], [counter("a")]);
            let of_agents = book.list(|_, by| by == Agent);
            assert_eq!(of_agents.into_iter().collect::<Vec<_>>(), [("x".to_string(), vec![counter("a")])]);
        }
    }

    #[test]
    fn too_many_names_and_bytes_push_out_those_told_longest_ago() {
        let mut book = Book::default();
        for i in 0..NAMES_MAX {
            book.tell(&format!("n{i}"), Outside, counter(""));
        }
        book.tell("n0", Outside, counter(""));
        assert_eq!((book.len(), book.dropped), (NAMES_MAX, 0));
        book.tell("new", Outside, counter(""));
        let names = book.list(|_, _| true);
        assert!(names.contains_key("n0") && names.contains_key("new") && !names.contains_key("n1"));
        assert_eq!(book.dropped as usize, NAMES_MAX + 1 - names.len());
        let long = "x".repeat(1024);
        for i in 0..2 * BYTES_MAX / 1024 {
            book.tell(&format!("m{i}"), Outside, counter(&long));
            assert!(book.bytes <= BYTES_MAX);
        }
        let measured: usize = book
            .names
            .iter()
            .map(|(name, entry)| {
                name.len() + ENTRY_BYTES + entry.variants.iter().map(text_bytes).sum::<usize>()
            })
            .sum();
        assert_eq!(book.bytes, measured);
    }
}
