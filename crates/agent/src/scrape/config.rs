//! The files that say what is scraped: `[[scrape]]` tables, in words of prometheus.yml.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::relabel::Rule;
use super::tls::TlsConfig;
use crate::policy::check_owner;

const FILES_MAX: usize = 64;
pub(super) const FILE_BYTES_MAX: u64 = 1024 * 1024;
const INTERVAL_SECONDS: std::ops::RangeInclusive<u64> = 1..=3600;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    pub job: String,
    /// `host:port`
    #[serde(default)]
    pub targets: Vec<String>,
    /// `file_sd`: JSON lists of `{"targets": [...], "labels": {...}}`; the last part of a path may hold one `*`.
    #[serde(default)]
    pub target_files: Vec<PathBuf>,
    #[serde(default = "metrics")]
    pub path: String,
    #[serde(default = "thirty")]
    pub interval_seconds: u64,
    #[serde(default = "ten")]
    pub timeout_seconds: u64,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub honor_labels: bool,
    /// More samples than this make a scrape fail, as in Prometheus.
    pub sample_limit: Option<usize>,
    pub bearer_token_file: Option<PathBuf>,
    pub basic_auth: Option<BasicAuth>,
    #[serde(default)]
    pub scheme: Scheme,
    pub tls_config: Option<TlsConfig>,
    #[serde(default)]
    pub relabel: Vec<Rule>,
    #[serde(default)]
    pub metric_relabel: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scheme {
    #[default]
    Http,
    Https,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    pub username: String,
    pub password_file: PathBuf,
}

fn metrics() -> String {
    "/metrics".into()
}

fn thirty() -> u64 {
    30
}

fn ten() -> u64 {
    10
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    scrape: Vec<Job>,
}

/// What the files of a directory want, and why the first that is not understood does not count.
pub(super) fn load(dir: &Path) -> (Vec<Arc<Job>>, Option<String>) {
    let Ok(entries) = fs::read_dir(dir) else { return (Vec::new(), None) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let (mut jobs, mut first) = (Vec::new(), None);
    if paths.len() > FILES_MAX {
        first = Some(format!("{} has more than {FILES_MAX} files", dir.display()));
    }
    for path in paths.iter().take(FILES_MAX) {
        match file(dir, path) {
            Ok(found) => jobs.extend(found.into_iter().map(Arc::new)),
            Err(why) => first = first.or(Some(format!("{}: {why}", path.display()))),
        }
    }
    (jobs, first)
}

fn file(dir: &Path, path: &Path) -> Result<Vec<Job>, String> {
    let metadata = fs::metadata(dir).map_err(|error| error.to_string())?;
    check_owner(&metadata).map_err(|why| format!("its directory {why}"))?;
    let text = read(path)?;
    let file: File =
        toml::from_str(&text).map_err(|error| error.message().lines().next().unwrap_or("").to_string())?;
    for job in &file.scrape {
        job.check().map_err(|why| format!("job {:?}: {why}", job.job))?;
    }
    Ok(file.scrape)
}

/// A file that only its administrator can change: whoever writes it decides whom this server calls.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    check_owner(&metadata)?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(format!("must be a file of at most {FILE_BYTES_MAX} bytes"));
    }
    std::io::read_to_string(file).map_err(|error| error.to_string())
}

impl Job {
    fn check(&self) -> Result<(), String> {
        if self.job.is_empty() || self.job.chars().any(char::is_control) {
            return Err("must have a name".into());
        }
        if !INTERVAL_SECONDS.contains(&self.interval_seconds) {
            return Err("interval_seconds must be from 1 to 3600".into());
        }
        if self.timeout_seconds == 0 || self.timeout_seconds > self.interval_seconds {
            return Err("timeout_seconds must be from 1 to interval_seconds".into());
        }
        if !self.path.starts_with('/') || !self.path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("path must begin with / and be percent-encoded".into());
        }
        match &self.tls_config {
            Some(_) if self.scheme == Scheme::Http => {
                return Err("tls_config needs scheme = \"https\"".into());
            }
            Some(tls) => tls.check()?,
            None => {}
        }
        self.relabel.iter().chain(&self.metric_relabel).try_for_each(Rule::check)
    }
}
