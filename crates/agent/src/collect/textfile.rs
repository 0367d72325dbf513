//! Metrics that other programs leave as files, as for node_exporter's collector of this name.
//!
//! Invariant: a file that is not understood gives nothing, and shows as `node_textfile_scrape_error`.

use std::time::UNIX_EPOCH;

use super::segment::Segment;
use super::source::{CollectError, Source};
use crate::exposition::{Format, Told, admit, read};

/// `*.prom` files in here are read. Whoever writes them should write another name first and rename it.
const DIR: &str = "etc/watchtower/textfile.d";
const FILES_MAX: usize = 100;
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub fn collect(source: &mut Source, out: &mut Segment, told: &mut Told) -> Result<(), CollectError> {
    let mut names = source.list(DIR)?;
    names.retain(|name| name.ends_with(".prom") && !name.starts_with('.'));
    let mut first = (names.len() > FILES_MAX).then(|| format!("more than {FILES_MAX} files"));
    for name in names.iter().take(FILES_MAX) {
        if let Err(why) = file(source, &format!("{DIR}/{name}"), out, told) {
            first.get_or_insert_with(|| format!("{name}: {why}"));
        }
    }
    out.push("node_textfile_scrape_error", &[], if first.is_some() { 1.0 } else { 0.0 });
    first.map_or(Ok(()), |why| Err(CollectError::Textfile { why }))
}

fn file(source: &mut Source, path: &str, out: &mut Segment, told: &mut Told) -> Result<(), String> {
    let full = source.path(path);
    let metadata = std::fs::metadata(&full).map_err(|error| error.to_string())?;
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(format!("must be a file of at most {FILE_BYTES_MAX} bytes"));
    }
    let bytes = source.read_bytes(path).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_string())?;
    let (mut timed, mut refused) = (false, false);
    let check = |line: &crate::exposition::Line<'_>| {
        timed |= line.t_ms.is_some();
        refused |= admit(line, &[], false).is_none();
    };
    read(text, Format::Text, check).map_err(|error| error.to_string())?;
    if timed {
        return Err("holds samples with times".into());
    }
    if refused {
        return Err("holds a series whose name or labels cannot be stored".into());
    }
    let push = |line: &crate::exposition::Line<'_>| {
        if let Some(found) = admit(line, &[], false) {
            let labels: Vec<(&str, &str)> = found.labels.iter().map(|(n, v)| (&**n, &**v)).collect();
            out.push(found.name, &labels, line.value);
        }
    };
    read(text, Format::Text, push).map_err(|error| error.to_string())?;
    told.look(text, Format::Text);
    if let Some(since) = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()) {
        let labels = [("file", &*full.to_string_lossy())];
        out.push("node_textfile_mtime_seconds", &labels, since.as_millis() as f64 / 1000.0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(files: &[(&str, &str)]) -> (Vec<String>, Result<(), String>) {
        collected_with(files, &mut Told::default())
    }

    fn collected_with(files: &[(&str, &str)], told: &mut Told) -> (Vec<String>, Result<(), String>) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join(DIR);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, text) in files {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let mut out = Segment::default();
        out.begin();
        let outcome =
            collect(&mut Source::new(root.path()), &mut out, told).map_err(|error| error.to_string());
        out.finish();
        let value = |name: &str, value: &f64| if name.contains("mtime") { 0.0 } else { *value };
        let series = out.entries().iter().zip(out.values());
        let series =
            series.map(|(entry, v)| format!("{}{} {}", entry.name, entry.labels, value(&entry.name, v)));
        (series.map(|text| text.replace(&*dir.to_string_lossy(), "D")).collect(), outcome)
    }

    #[test]
    fn files_become_series_and_a_bad_one_is_told() {
        let good = ("a.prom", "# HELP x y\nbackup_age_seconds{job=\"nightly\"} 5\nraid_ok 1\n");
        let (series, outcome) = collected(&[good, ("b.txt", "y 1"), (".c.prom", "z 1")]);
        assert_eq!(outcome, Ok(()));
        let wanted = [
            "backup_age_seconds{exported_job=\"nightly\"} 5",
            "raid_ok{} 1",
            "node_textfile_mtime_seconds{file=\"D/a.prom\"} 0",
            "node_textfile_scrape_error{} 0",
        ];
        assert_eq!(series, wanted);
        for (bad, why) in
            [("y", "a value is expected"), ("y 1 5", "with times"), ("y{a:b=\"1\"} 1", "cannot be stored")]
        {
            let (series, outcome) = collected(&[good, ("b.prom", &format!("w 1\n{bad}\n"))]);
            assert!(outcome.clone().unwrap_err().contains(why), "{bad}: {outcome:?}");
            assert_eq!(series[..3], wanted[..3]);
            assert_eq!(series[3..], ["node_textfile_scrape_error{} 1"]);
        }
        assert!(
            matches!(collect(&mut Source::new("/nowhere"), &mut Segment::default(), &mut Told::default()), Err(e) if e.is_absent())
        );
    }

    #[test]
    fn what_files_say_of_names_is_told_unless_they_are_bad() {
        let mut told = Told::default();
        let files = [
            ("a.prom", "# HELP raid_ok Whole.\n# TYPE raid_ok gauge\nraid_ok 1\n"),
            ("b.prom", "# HELP y Z.\ny"),
        ];
        collected_with(&files, &mut told).1.unwrap_err();
        let all = told.take();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].name.as_str(), all[0].said.help.as_str()), ("raid_ok", "Whole."));
    }
}
