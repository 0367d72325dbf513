//! User names by id, read from `/etc/passwd`: the C library would load plugins of the host into a static binary.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

use super::super::source::Source;

#[derive(Debug, Default)]
pub struct UserNames {
    names: HashMap<u32, String>,
    read_at: Option<(i64, i64)>,
}

impl UserNames {
    /// Reads the file again when it changed.
    pub fn refresh(&mut self, source: &mut Source) {
        let changed_at =
            std::fs::metadata(source.path("etc/passwd")).ok().map(|m| (m.mtime(), m.mtime_nsec()));
        if changed_at == self.read_at && changed_at.is_some() {
            return;
        }
        let Ok(text) = source.read("etc/passwd") else { return };
        self.names = text
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(':');
                let name = fields.next()?;
                Some((fields.nth(1)?.parse().ok()?, name.to_string()))
            })
            .collect();
        self.read_at = changed_at;
    }

    /// The number itself where nobody has it (a container's user).
    pub fn name(&self, uid: u32) -> String {
        let name = self.names.get(&uid).cloned().unwrap_or_else(|| uid.to_string());
        watchtower_model::truncate(&name, 64).to_string()
    }
}
