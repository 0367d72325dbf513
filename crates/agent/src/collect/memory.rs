//! `/proc/meminfo` (all of it), the paging counters of `/proc/vmstat`, and pressure stall information.

use super::segment::Segment;
use super::source::{CollectError, Source};

/// `MemTotal: 16 kB` becomes `node_memory_MemTotal_bytes`; counts without a unit keep none.
pub fn collect_meminfo(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/meminfo")?;
    let mut name = String::with_capacity(64);
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(key), Some(value)) = (words.next(), words.next().and_then(|v| v.parse::<f64>().ok()))
        else {
            continue;
        };
        name.clear();
        name.push_str("node_memory_");
        // `Active(anon):` is written `Active_anon` by node_exporter.
        name.extend(key.chars().filter(|c| !matches!(c, ':' | ')')).map(|c| if c == '(' { '_' } else { c }));
        if words.next() == Some("kB") {
            name.push_str("_bytes");
            out.push(&name, &[], value * 1024.0);
        } else {
            out.push(&name, &[], value);
        }
    }
    Ok(())
}

/// node_exporter's default fields: `^(oom_kill|pgpg|pswp|pg.*fault).*`.
pub fn collect_vmstat(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/vmstat")?;
    let mut name = String::with_capacity(64);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(' ') else { continue };
        let wanted = ["oom_kill", "pgpg", "pswp"].iter().any(|prefix| key.starts_with(prefix))
            || (key.starts_with("pg") && key.contains("fault"));
        if let (true, Ok(value)) = (wanted, value.trim().parse()) {
            name.clear();
            name.push_str("node_vmstat_");
            name.push_str(key);
            out.push(&name, &[], value);
        }
    }
    Ok(())
}

/// Microseconds of `total=` to seconds. A kernel without PSI has no directory, or refuses the read.
pub fn collect_pressure(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let wanted = [
        ("proc/pressure/cpu", "some", "node_pressure_cpu_waiting_seconds_total"),
        ("proc/pressure/io", "some", "node_pressure_io_waiting_seconds_total"),
        ("proc/pressure/io", "full", "node_pressure_io_stalled_seconds_total"),
        ("proc/pressure/memory", "some", "node_pressure_memory_waiting_seconds_total"),
        ("proc/pressure/memory", "full", "node_pressure_memory_stalled_seconds_total"),
    ];
    for (path, kind, name) in wanted {
        let text = match source.read(path) {
            Ok(text) => text,
            // psi=0 on the kernel's command line: EOPNOTSUPP.
            Err(CollectError::Read { source, .. }) if source.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let total = text
            .lines()
            .find(|line| line.split_ascii_whitespace().next() == Some(kind))
            .and_then(|line| line.rsplit_once("total="))
            .and_then(|(_, total)| total.trim().parse::<f64>().ok());
        if let Some(microseconds) = total {
            out.push(name, &[], microseconds / 1e6);
        }
    }
    Ok(())
}
