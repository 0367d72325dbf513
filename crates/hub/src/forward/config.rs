//! The file that names the receivers: `[[remote_write]]` tables, in words of prometheus.yml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use watchtower_matchers::Matchers;
use watchtower_model::Labels;

const RECEIVERS_MAX: usize = 8;
const QUEUE_BYTES: u64 = 512 * 1024 * 1024;
/// A queue must hold some requests, and end somewhere.
const QUEUE_BYTES_RANGE: std::ops::RangeInclusive<u64> = 16 * 1024 * 1024..=1 << 40;
/// A request takes no longer than this, from the look-up of the name to the answer.
const TIMEOUT_SECONDS: u64 = 30;

#[derive(Debug, Clone)]
pub struct Receiver {
    /// Names its queue's folder and its metrics.
    pub name: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Read for each request, so that it may be exchanged.
    pub bearer_token_file: Option<PathBuf>,
    pub basic_auth: Option<BasicAuth>,
    /// A series goes if any of these matches; all go if there is none.
    pub matches: Vec<Matchers>,
    /// Added to series that have no label of the name.
    pub external_labels: Labels,
    pub queue_bytes: u64,
    pub timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub username: String,
    pub password_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    remote_write: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    bearer_token_file: Option<PathBuf>,
    basic_auth: Option<BasicAuth>,
    #[serde(default, rename = "match")]
    matches: Vec<String>,
    #[serde(default)]
    external_labels: BTreeMap<String, String>,
    queue_bytes: Option<u64>,
    timeout_seconds: Option<u64>,
}

/// Reads the file. An error says which table and what of it.
pub fn load(path: &Path) -> Result<Vec<Receiver>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn parse(text: &str) -> Result<Vec<Receiver>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.message().to_string())?;
    if file.remote_write.len() > RECEIVERS_MAX {
        return Err(format!("more than {RECEIVERS_MAX} receivers"));
    }
    let mut all: Vec<Receiver> = Vec::new();
    for table in file.remote_write {
        let name = table.name.clone();
        let receiver = receiver(table).map_err(|why| format!("remote_write {name:?}: {why}"))?;
        if all.iter().any(|known| known.name == receiver.name) {
            return Err(format!("remote_write {name:?} stands there twice"));
        }
        all.push(receiver);
    }
    Ok(all)
}

fn receiver(table: Table) -> Result<Receiver, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if table.name.is_empty() || table.name.len() > 40 || !table.name.chars().all(plain) {
        return Err("its name must be of a-z, 0-9 and -, at most 40".into());
    }
    if !table.url.starts_with("http://") && !table.url.starts_with("https://") {
        return Err("its url must begin with https:// or http://".into());
    }
    let selector = |text: &String| {
        watchtower_promql::parse_selector(text).map_err(|error| format!("match {text:?}: {error}"))
    };
    let queue_bytes = table.queue_bytes.unwrap_or(QUEUE_BYTES);
    if !QUEUE_BYTES_RANGE.contains(&queue_bytes) {
        return Err(format!(
            "queue_bytes must be from {} to {}",
            QUEUE_BYTES_RANGE.start(),
            QUEUE_BYTES_RANGE.end()
        ));
    }
    Ok(Receiver {
        name: table.name,
        url: table.url,
        headers: table.headers.into_iter().collect(),
        bearer_token_file: table.bearer_token_file,
        basic_auth: table.basic_auth,
        matches: table.matches.iter().map(selector).collect::<Result<_, _>>()?,
        external_labels: Labels::checked(table.external_labels).map_err(|error| error.to_string())?,
        queue_bytes,
        timeout_seconds: table.timeout_seconds.unwrap_or(TIMEOUT_SECONDS).clamp(1, 300),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_and_what_is_wrong_is_named() {
        let text = "[[remote_write]]\nname = 'mimir'\nurl = 'https://m/api/v1/push'\nmatch = ['{job=\"node\"}', 'up']\n\
            headers = {X-Scope-OrgID = 'ops'}\nexternal_labels = {cluster = 'eu'}\n";
        let all = parse(text).unwrap();
        assert_eq!((all[0].matches.len(), all[0].queue_bytes), (2, QUEUE_BYTES));
        for (text, why) in [
            ("[[remote_write]]\nname='a'", "missing field `url`"),
            ("[[remote_write]]\nname='A'\nurl='https://x'", "name must be"),
            ("[[remote_write]]\nname='../a'\nurl='https://x'", "name must be"),
            ("[[remote_write]]\nname='a'\nurl='x'", "url must begin"),
            ("[[remote_write]]\nname='a'\nurl='https://x'\nmatch=['sum(x)']", "match"),
            ("[[remote_write]]\nname='a'\nurl='https://x'\nqueue_bytes=5", "queue_bytes"),
            (
                "[[remote_write]]\nname='a'\nurl='https://x'\n[[remote_write]]\nname='a'\nurl='https://x'",
                "twice",
            ),
            ("[[remote_write]]\nname='a'\nurl='https://x'\ntoken='s'", "unknown field"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
