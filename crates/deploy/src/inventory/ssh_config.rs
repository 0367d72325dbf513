//! The part of ssh_config(5) that says where a host is and how to get in: Host, HostName, User, Port, IdentityFile,
//! ProxyJump, Include.
//!
//! Invariant: as in OpenSSH the first value found wins; `Match` blocks, which may run programs, are skipped.

use std::path::{Path, PathBuf};

/// Includes within includes.
const INCLUDES_MAX: usize = 16;
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A configuration as it was read.
#[derive(Clone, Debug, Default)]
pub struct SshConfig {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Empty: for all hosts. `None`: never (a `Match` block).
    patterns: Option<Vec<String>>,
    settings: Vec<(String, String)>,
}

/// What a configuration says about one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    pub host_name: Option<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// All that apply, in order, `~` resolved.
    pub identity_files: Vec<PathBuf>,
    /// As written: `user@host:port,…`; empty for none.
    pub proxy_jump: Vec<String>,
}

impl SshConfig {
    /// Reads a file and what it includes; a missing file is an empty configuration.
    pub fn load(path: &Path, home: &Path) -> SshConfig {
        let mut config = SshConfig::default();
        let mut block = Block { patterns: Some(vec![]), ..Block::default() };
        config.read_file(path, home, 0, &mut block);
        config.blocks.push(block);
        config
    }

    /// Reads a text; `Include` lines are passed over.
    pub fn parse(text: &str) -> SshConfig {
        let mut config = SshConfig::default();
        let mut block = Block { patterns: Some(vec![]), ..Block::default() };
        for (key, value) in text.lines().filter_map(setting) {
            config.take(key, value, &mut block);
        }
        config.blocks.push(block);
        config
    }

    fn read_file(&mut self, path: &Path, home: &Path, depth: usize, block: &mut Block) {
        let small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= FILE_BYTES_MAX);
        let text = if small { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        for (key, value) in text.lines().filter_map(setting) {
            if key == "include" && depth < INCLUDES_MAX {
                for pattern in words(&value) {
                    for included in files(&resolve(&pattern, home, path.parent().unwrap_or(home))) {
                        self.read_file(&included, home, depth + 1, block);
                    }
                }
                continue;
            }
            self.take(key, value, block);
        }
    }

    fn take(&mut self, key: String, value: String, block: &mut Block) {
        match key.as_str() {
            "host" => {
                let next = Block { patterns: Some(words(&value)), ..Block::default() };
                self.blocks.push(std::mem::replace(block, next));
            }
            "match" => {
                let patterns = (value.trim() == "all").then(Vec::new);
                self.blocks.push(std::mem::replace(block, Block { patterns, ..Block::default() }));
            }
            _ => block.settings.push((key, value)),
        }
    }

    /// What applies to a host by the name it is called with.
    pub fn of(&self, alias: &str, home: &Path) -> HostSettings {
        let mut found = HostSettings::default();
        let mut jump = None;
        let blocks =
            self.blocks.iter().filter(|block| block.patterns.as_ref().is_some_and(|p| applies(p, alias)));
        for (key, value) in blocks.flat_map(|block| &block.settings) {
            match key.as_str() {
                "hostname" if found.host_name.is_none() => found.host_name = Some(value.replace("%h", alias)),
                "user" if found.user.is_none() => found.user = Some(value.clone()),
                "port" if found.port.is_none() => found.port = value.parse().ok(),
                "identityfile" if value != "none" => {
                    found.identity_files.push(resolve(&value.replace("%h", alias), home, home))
                }
                "proxyjump" if jump.is_none() => jump = Some(value.clone()),
                _ => {}
            }
        }
        if let Some(jump) = jump.filter(|jump| jump != "none") {
            found.proxy_jump =
                jump.split(',').map(|hop| hop.trim().trim_start_matches("ssh://").to_string()).collect();
        }
        found
    }

    /// Names that are hosts and no patterns, in order: what can be imported.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        for pattern in self.blocks.iter().filter_map(|block| block.patterns.as_ref()).flatten() {
            if !pattern.contains(['*', '?', '!']) && !hosts.contains(pattern) {
                hosts.push(pattern.clone());
            }
        }
        hosts
    }
}

/// Keyword in lower case, and the rest without quotes.
fn setting(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once(|c: char| c.is_whitespace() || c == '=')?;
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=').trim();
    let whole = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .filter(|value| !value.contains('"'));
    Some((key.to_lowercase(), whole.unwrap_or(value).to_string()))
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(|word| word.trim_matches('"').to_string()).collect()
}

/// Any pattern matches and no negated one does.
fn applies(patterns: &[String], host: &str) -> bool {
    let denied =
        patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(|pattern| glob(pattern, host));
    let named = patterns.iter().any(|pattern| !pattern.starts_with('!') && glob(pattern, host));
    !denied && (named || patterns.is_empty())
}

/// `*` and `?` as in OpenSSH; without regard to case.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (p, t) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn resolve(path: &str, home: &Path, base: &Path) -> PathBuf {
    match path.strip_prefix("~/").or(path.strip_prefix("%d/")) {
        Some(rest) => home.join(rest),
        None => base.join(path),
    }
}

/// The files that an include names; only its last part may be a pattern.
fn files(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return vec![path.to_path_buf()];
    }
    let folder = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let mut files: Vec<PathBuf> = folder
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| glob(&name, &entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
# comment
User everybody
Host web-* !web-9
    HostName %h.example.com
    User deploy
    Port=2222
    IdentityFile ~/.ssh/web
Host db
    ProxyJump ops@gate:2200, inner
    IdentityFile \"/keys/my key\"
Match exec \"rm -rf /\"
    User evil
Host *
    User later
    IdentityFile ~/.ssh/all
";

    #[test]
    fn the_first_value_wins() {
        let config = SshConfig::parse(&TEXT.replace("User everybody\n", ""));
        let home = Path::new("/h");
        let web = config.of("web-1", home);
        assert_eq!(web.host_name.as_deref(), Some("web-1.example.com"));
        assert_eq!((web.user.as_deref(), web.port), (Some("deploy"), Some(2222)));
        assert_eq!(web.identity_files, [PathBuf::from("/h/.ssh/web"), "/h/.ssh/all".into()]);
        let db = config.of("db", home);
        assert_eq!(db.proxy_jump, ["ops@gate:2200", "inner"]);
        assert_eq!(
            (db.user.as_deref(), db.identity_files[0].to_str()),
            (Some("later"), Some("/keys/my key"))
        );
        assert_eq!(config.of("web-9", home).user.as_deref(), Some("later"), "negated");
        assert_eq!(config.hosts(), ["db"]);
        let config = SshConfig::parse(TEXT);
        assert_eq!(config.of("web-1", home).user.as_deref(), Some("everybody"));
    }

    #[test]
    fn includes_are_read_where_they_stand() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        std::fs::create_dir(dir.path().join("conf.d")).unwrap();
        write("config", "Include conf.d/*.conf missing\nHost *\n  User last\n");
        write("conf.d/a.conf", "Host a\n  User first\n");
        write("conf.d/b.txt", "Host a\n  User never\n");
        let config = SshConfig::load(&dir.path().join("config"), dir.path());
        assert_eq!(config.of("a", dir.path()).user.as_deref(), Some("first"));
        assert_eq!(config.of("b", dir.path()).user.as_deref(), Some("last"));
        assert_eq!(SshConfig::load(&dir.path().join("none"), dir.path()).hosts(), Vec::<String>::new());
    }

    #[test]
    fn globs_match_as_in_openssh() {
        for (pattern, text, fits) in [
            ("*", "x", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("?", "ab", false),
            ("WEB-*", "web-1", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
