//! Which hub, and as whom: flag, then environment, then the user's configuration file.
//!
//! Invariant: a token read from the file goes only to the URL saved beside it, so that `--url` cannot carry it elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

pub const URL_DEFAULT: &str = "http://127.0.0.1:8400";
/// A token is short; anything larger is the wrong file.
const TOKEN_FILE_BYTES_MAX: u64 = 4096;

/// The environment a command sees. Captured once, so that tests bring their own.
#[derive(Debug, Clone, Default)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    pub fn of_process() -> Environment {
        // Variables that are not UTF-8 cannot be ours.
        Environment(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// `config.toml`, as written by `watchtower login`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// An API token, or the secret of the session that `login` began.
    pub token: Option<String>,
    /// PEM file of the authority that signed the hub's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// Where a value came from, for `config show` and `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

impl Origin {
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Flag => "flag",
            Origin::Environment => "environment",
            Origin::File => "file",
            Origin::Default => "default",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub url: String,
    pub url_from: Origin,
    pub token: Option<String>,
    pub token_from: Origin,
    pub ca_file: Option<PathBuf>,
    pub path: PathBuf,
    pub file: ConfigFile,
}

fn invalid(message: String) -> Failure {
    Failure::new(Exit::Usage, "config", message)
}

/// `$XDG_CONFIG_HOME/watchtower/config.toml`, else below `~/.config`.
pub fn path(env: &Environment) -> PathBuf {
    let base = match env.get("XDG_CONFIG_HOME") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env.get("HOME").unwrap_or("/")).join(".config"),
    };
    base.join("watchtower/config.toml")
}

fn read(path: &Path) -> Result<ConfigFile, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => {
            toml::from_str(&text).map_err(|e| invalid(format!("{}: {}", path.display(), e.message())))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(ConfigFile::default()),
        Err(e) => Err(invalid(format!("{}: {e}", path.display()))),
    }
}

/// Writes the file with mode 0600 under a new name and renames it, so that no moment shows a token to others.
pub fn write(path: &Path, file: &ConfigFile) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::new(Exit::Failed, "config", format!("{}: {e}", path.display()));
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir).map_err(fail)?;
    let text = toml::to_string(file).map_err(|e| invalid(format!("{}: {e}", path.display())))?;
    let fresh = dir.join(format!(".config.toml.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    let mut out =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(fail)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).map_err(fail)?;
    fs::rename(&fresh, path).map_err(fail)
}

/// Whether others may read the file.
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 == 0)
}

fn token_file(path: &str) -> Result<String, Failure> {
    let meta = fs::metadata(path).map_err(|e| invalid(format!("WATCHTOWER_TOKEN_FILE {path}: {e}")))?;
    if meta.len() > TOKEN_FILE_BYTES_MAX {
        return Err(invalid(format!(
            "WATCHTOWER_TOKEN_FILE {path}: larger than {TOKEN_FILE_BYTES_MAX} bytes"
        )));
    }
    let text = fs::read_to_string(path).map_err(|e| invalid(format!("WATCHTOWER_TOKEN_FILE {path}: {e}")))?;
    Ok(text.trim().to_string())
}

fn clean_url(url: &str) -> Result<String, Failure> {
    let url = url.trim().trim_end_matches('/');
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(
            invalid(format!("{url:?} is not a hub's URL")).hint("use http://HOST:PORT or https://HOST")
        );
    }
    Ok(url.to_string())
}

/// Puts flag, environment and file together. `url_flag`: the value of `--url`.
pub fn resolve(url_flag: Option<&str>, env: &Environment) -> Result<Settings, Failure> {
    let path = path(env);
    let file = read(&path)?;
    let (url, url_from) = match (url_flag, env.get("WATCHTOWER_URL"), file.url.as_deref()) {
        (Some(url), _, _) => (url, Origin::Flag),
        (_, Some(url), _) => (url, Origin::Environment),
        (_, _, Some(url)) => (url, Origin::File),
        _ => (URL_DEFAULT, Origin::Default),
    };
    let url = clean_url(url)?;
    let saved_for = clean_url(file.url.as_deref().unwrap_or(URL_DEFAULT))?;
    let (token, token_from) =
        match (env.get("WATCHTOWER_TOKEN_FILE"), env.get("WATCHTOWER_TOKEN"), &file.token) {
            (Some(path), _, _) => (Some(token_file(path)?), Origin::Environment),
            (_, Some(token), _) => (Some(token.to_string()), Origin::Environment),
            (_, _, Some(token)) if saved_for == url => (Some(token.clone()), Origin::File),
            _ => (None, Origin::Default),
        };
    let ca_file = env.get("WATCHTOWER_CA_FILE").map(PathBuf::from).or_else(|| file.ca_file.clone());
    Ok(Settings { url, url_from, token, token_from, ca_file, path, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(dir: &Path, more: &[(&str, &str)]) -> Environment {
        let mut env = Environment::default();
        env.0.insert("XDG_CONFIG_HOME".into(), dir.display().to_string());
        env.0.extend(more.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        env
    }

    #[test]
    fn a_saved_token_stays_with_its_hub() {
        let dir = tempfile::tempdir().unwrap();
        let env = env(dir.path(), &[]);
        let file = ConfigFile {
            url: Some("https://hub.example/".into()),
            token: Some("secret".into()),
            ..ConfigFile::default()
        };
        write(&path(&env), &file).unwrap();
        assert!(is_private(&path(&env)));
        let saved = resolve(None, &env).unwrap();
        assert_eq!((saved.url.as_str(), saved.token.as_deref()), ("https://hub.example", Some("secret")));
        assert_eq!(resolve(Some("https://evil.example"), &env).unwrap().token, None);
    }

    #[test]
    fn flag_beats_environment_beats_file() {
        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        fs::write(&token, "from-file\n").unwrap();
        let env = env(
            dir.path(),
            &[("WATCHTOWER_URL", "http://env:1"), ("WATCHTOWER_TOKEN_FILE", token.to_str().unwrap())],
        );
        let settings = resolve(Some("http://flag:1"), &env).unwrap();
        assert_eq!((settings.url.as_str(), settings.token.as_deref()), ("http://flag:1", Some("from-file")));
        assert_eq!(resolve(None, &env).unwrap().url, "http://env:1");
        assert_eq!(resolve(Some("hub"), &env).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn a_broken_file_names_itself() {
        let dir = tempfile::tempdir().unwrap();
        let env = env(dir.path(), &[]);
        fs::create_dir_all(path(&env).parent().unwrap()).unwrap();
        fs::write(path(&env), "tokn = 'x'").unwrap();
        let failure = resolve(None, &env).unwrap_err();
        assert!(failure.message.contains("config.toml") && failure.message.contains("tokn"), "{failure}");
    }
}
