//! Dictionaries by their hash, one small file each: a spooled report may name one that is no longer in use.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use watchtower_protocol::Dictionary;

/// Dictionaries that are kept; a report whose dictionary is gone cannot be sent any more.
const KEPT_MAX: usize = 32;

#[derive(Debug)]
pub struct Dictionaries {
    dir: PathBuf,
    last_saved: String,
}

impl Dictionaries {
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Dictionaries { dir, last_saved: String::new() })
    }

    /// Writes it unless it is there; cheap when nothing changed.
    pub fn save(&mut self, hash: &str, dictionary: &Dictionary) -> io::Result<()> {
        if self.last_saved == hash {
            return Ok(());
        }
        let path = self.dir.join(hash);
        if !path.exists() {
            let temporary = self.dir.join("new");
            let mut file = fs::File::create(&temporary)?;
            file.write_all(&serde_json::to_vec(dictionary)?)?;
            file.sync_data()?;
            fs::rename(&temporary, &path)?;
            self.prune()?;
        }
        self.last_saved = hash.to_string();
        Ok(())
    }

    /// `None` when it is gone or does not read back as what its name says.
    pub fn load(&self, hash: &str) -> Option<Dictionary> {
        let is_hash = hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let bytes = is_hash.then(|| fs::read(self.dir.join(hash)).ok())??;
        let dictionary: Dictionary = serde_json::from_slice(&bytes).ok()?;
        (dictionary.hash() == hash).then_some(dictionary)
    }

    fn prune(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let surplus = files.len().saturating_sub(KEPT_MAX);
        for (_, path) in &files[..surplus] {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Labels;
    use watchtower_protocol::SeriesEntry;

    #[test]
    fn what_is_loaded_is_what_the_hash_says() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Dictionaries::open(dir.path().join("d")).unwrap();
        let mut hashes = Vec::new();
        for n in 0..KEPT_MAX + 5 {
            let entry = SeriesEntry { name: format!("m{n}"), labels: Labels::empty() };
            let dictionary = Dictionary { series: vec![entry] };
            hashes.push(dictionary.hash());
            store.save(&dictionary.hash(), &dictionary).unwrap();
        }
        assert_eq!(store.load(hashes.last().unwrap()).unwrap().series.len(), 1);
        assert!(fs::read_dir(dir.path().join("d")).unwrap().count() <= KEPT_MAX);
        fs::write(dir.path().join("d").join(hashes.last().unwrap()), b"{\"series\":[]}").unwrap();
        assert!(store.load(hashes.last().unwrap()).is_none());
        assert!(store.load("../../etc/passwd").is_none());
    }
}
