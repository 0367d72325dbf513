//! What a job's targets are after its lists are read and its rules applied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use watchtower_model::{Labels as Checked, is_label_name};

use super::config::{Job, read};
use super::relabel::{Labels, relabel};

/// Targets of one agent.
const TARGETS_MAX: usize = 64;
/// Labels of a target, as [`crate::exposition::admit`] takes them.
const LABELS_MAX: usize = 16;
const ADDRESS: &str = "__address__";
const PATH: &str = "__metrics_path__";
/// Which target of this server it is: `instance` is the server itself, as for all of its series.
const TARGET: &str = "target";

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// `host:port`
    pub address: String,
    pub path: String,
    /// `job`, `target`, and what the files and rules say.
    pub labels: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Every target of every job, in order; and why the first that is left out is.
pub(super) fn all(jobs: &[Arc<Job>]) -> (Vec<(Arc<Job>, Target)>, Option<String>) {
    let (mut found, mut first) = (Vec::new(), None);
    for job in jobs {
        let mut groups = vec![Group { targets: job.targets.clone(), labels: BTreeMap::new() }];
        for pattern in &job.target_files {
            for path in expand(pattern) {
                match list(&path) {
                    Ok(more) => groups.extend(more),
                    Err(why) => first = first.or(Some(format!("{}: {why}", path.display()))),
                }
            }
        }
        let pairs = groups.iter().flat_map(|group| group.targets.iter().map(move |t| (t, &group.labels)));
        for (address, labels) in pairs {
            match one(job, address, labels) {
                Ok(Some(target))
                    if found.iter().any(|(_, known): &(_, Target)| known.labels == target.labels) => {}
                Ok(Some(_)) if found.len() == TARGETS_MAX => {
                    first = first.or(Some(format!("more than {TARGETS_MAX} targets")));
                }
                Ok(Some(target)) => found.push((Arc::clone(job), target)),
                Ok(None) => {}
                Err(why) => first = first.or(Some(format!("job {:?}, target {address:?}: {why}", job.job))),
            }
        }
    }
    (found, first)
}

fn list(path: &Path) -> Result<Vec<Group>, String> {
    serde_json::from_str(&read(path)?).map_err(|error| error.to_string())
}

/// The files of a pattern whose last part may hold one `*`.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let (Some((before, behind)), Some(dir)) = (name.split_once('*'), pattern.parent()) else {
        return vec![pattern.into()];
    };
    let matches = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let long = name.len() >= before.len() + behind.len();
        long && name.starts_with(before) && name.ends_with(behind) && !name.starts_with('.')
    };
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(matches).collect();
    paths.sort();
    paths
}

/// `None` if a rule drops it.
fn one(job: &Job, address: &str, labels: &BTreeMap<String, String>) -> Result<Option<Target>, String> {
    let mut all: Labels = job.labels.iter().chain(labels).map(|(n, v)| (n.clone(), v.clone())).collect();
    all.insert("job".into(), job.job.clone());
    all.insert(ADDRESS.into(), address.into());
    all.insert(PATH.into(), job.path.clone());
    if !relabel(&job.relabel, &mut all) {
        return Ok(None);
    }
    let address = all.get(ADDRESS).cloned().unwrap_or_default();
    let path = all.get(PATH).cloned().unwrap_or_default();
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none() || !address.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'@') {
        return Err("must be host:port".into());
    }
    if !path.starts_with('/') || !path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("its path must begin with / and be percent-encoded".into());
    }
    all.retain(|name, value| !name.starts_with("__") && !value.is_empty());
    all.entry(TARGET.into()).or_insert_with(|| address.clone());
    if all.contains_key("instance") || all.keys().any(|name| !is_label_name(name)) {
        return Err("has a label that is no label, or the hub's (instance)".into());
    }
    if all.len() > LABELS_MAX {
        return Err(format!("has more than {LABELS_MAX} labels"));
    }
    Checked::checked(&all).map_err(|error| error.to_string())?;
    Ok(Some(Target { address, path, labels: all.into_iter().collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::config::load;

    /// Targets as `address path labels`, and what is wrong.
    fn targets(files: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let text = text.replace("DIR", &dir.path().to_string_lossy());
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let (jobs, wrong) = load(dir.path());
        let (found, cut) = all(&jobs);
        let shown = |target: &Target| {
            let labels: Vec<String> = target.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
            format!("{} {} {}", target.address, target.path, labels.join(" "))
        };
        (found.iter().map(|(_, target)| shown(target)).collect(), wrong.or(cut))
    }

    #[test]
    fn lists_files_and_rules_give_the_targets() {
        let config = "[[scrape]]\njob='db'\ntargets=['127.0.0.1:9104']\ntarget_files=['DIR/t-*.json']\n\
            labels={tier='data'}\npath='/m?x=1'\n\
            relabel=[{source_labels=['skip'],regex='yes',action='drop'},\
            {source_labels=['__address__'],regex='(.*):.*',target_label='host'}]\n";
        let lists = r#"[{"targets": ["a:1", "b:2"], "labels": {"zone": "z"}}, {"targets": ["c:3"], "labels": {"skip": "yes"}}]"#;
        let (found, wrong) = targets(&[("db.toml", config), ("t-1.json", lists), ("other.json", "[")]);
        assert_eq!(wrong, None);
        assert_eq!(
            found,
            [
                "127.0.0.1:9104 /m?x=1 host=127.0.0.1 job=db target=127.0.0.1:9104 tier=data",
                "a:1 /m?x=1 host=a job=db target=a:1 tier=data zone=z",
                "b:2 /m?x=1 host=b job=db target=b:2 tier=data zone=z",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_and_hinders_nothing_else() {
        let good = ("a.toml", "[[scrape]]\njob='a'\ntargets=['x:1','x:1']\n");
        let second = |text: &str| targets(&[good, ("b.toml", text)]);
        for (text, why) in [
            ("[[scrape]]\ntargets=['y:1']", "missing field `job`"),
            ("[[scrape]]\njob='b'\ninterval=5", "unknown field"),
            ("[[scrape]]\njob='b'\ninterval_seconds=5", "timeout_seconds"),
            ("[[scrape]]\njob='b'\ntargets=['y']", "must be host:port"),
            ("[[scrape]]\njob='b'\ntargets=['y:1/z']", "must be host:port"),
            ("[[scrape]]\njob='b'\npath='x'", "path must begin"),
            ("[[scrape]]\njob='b'\ntargets=['y:1']\nlabels={instance='web-2'}", "the hub's"),
            ("[[scrape]]\njob='b'\ntarget_files=['DIR/none.json']", "No such file"),
        ] {
            let (found, wrong) = second(text);
            assert_eq!(found, ["x:1 /metrics job=a target=x:1"], "{text}");
            assert!(wrong.as_ref().is_some_and(|wrong| wrong.contains(why)), "{text}: {wrong:?}");
        }
        let many: Vec<String> = (0..100).map(|i| format!("'x:{}'", i + 1)).collect();
        let (found, wrong) =
            targets(&[("a.toml", &format!("[[scrape]]\njob='a'\ntargets=[{}]\n", many.join(",")))]);
        assert_eq!((found.len(), wrong.as_deref()), (TARGETS_MAX, Some("more than 64 targets")));
    }

    #[test]
    fn a_file_that_others_can_write_does_not_count() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, "[[scrape]]\njob='a'\ntargets=['x:1']\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let (jobs, wrong) = load(dir.path());
        assert!(jobs.is_empty() && wrong.unwrap().contains("chmod go-w"));
    }
}
