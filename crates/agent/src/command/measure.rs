//! `collect --repeat N`: what a collection costs, for the benchmarks. Time runs ahead, a minute each six collections.

use serde_json::json;
use watchtower_agent::clock;
use watchtower_agent::collect::source::Source;
use watchtower_agent::report::{AgentStats, Reporter, Wanted};
use watchtower_agent::spool::{Quotas, Spool};
use watchtower_protocol::limits::INTERVAL_MS;
use watchtower_protocol::{AgentMessage, Encoding, Frame, encode};

use super::{CommandError, print};

/// Sums of thread CPU time.
#[derive(Default)]
struct Costs {
    families_ns: u64,
    families: u64,
    with_processes_ns: u64,
    with_processes: u64,
    processes: u64,
    wire_bytes: u64,
}

/// Half of the reports are spooled, the other half encoded as for the hub.
pub fn measure(times: u32) -> Result<(), CommandError> {
    let dir = std::env::temp_dir().join(format!("watchtower-measure-{}", std::process::id()));
    let spool = Spool::open(&dir, Quotas::default(), "measure")?;
    let costs = repeat(times, spool);
    std::fs::remove_dir_all(&dir)
        .map_err(|source| CommandError::Io { what: "the temporary spool cannot be removed", source })?;
    let (costs, series) = costs;
    let family_ns = costs.families_ns / costs.families.max(1);
    let table_ns = (costs.with_processes_ns / costs.with_processes.max(1)).saturating_sub(family_ns);
    let per_table = costs.processes / costs.with_processes.max(1);
    let text = json!({
        "collections": times,
        "series": series,
        "cpu_ms_per_collection": family_ns as f64 / 1e6,
        "processes": per_table,
        "cpu_us_per_process": table_ns as f64 / 1e3 / per_table.max(1) as f64,
        "wire_bytes_per_report": costs.wire_bytes / costs.families.max(1),
        "rss_anon_bytes": memory("RssAnon:"),
        "vm_rss_bytes": memory("VmRSS:"),
    });
    print(&text.to_string())
}

fn repeat(times: u32, mut spool: Spool) -> (Costs, usize) {
    let mut reporter = Reporter::new(Source::new("/"), 1);
    let wanted = Wanted { interval_ms: INTERVAL_MS, watched: false, facts: false, correction_ms: 0 };
    let mut costs = Costs::default();
    let mut now = clock::now();
    for turn in 0..times {
        now.mono_ms += u64::from(INTERVAL_MS);
        now.wall = now.wall.plus_ms(i64::from(INTERVAL_MS));
        let before = clock::thread_cpu_ns();
        let mut report = reporter.report(now, &AgentStats::default(), ("monitor", None), wanted);
        let spent = clock::thread_cpu_ns() - before;
        if let Some(table) = report.processes.take() {
            costs.with_processes_ns += spent;
            costs.with_processes += 1;
            costs.processes += u64::from(table.total);
        } else {
            costs.families_ns += spent;
            costs.families += 1;
            costs.wire_bytes += wire_bytes(&report);
        }
        if turn % 2 == 0 {
            spool.keep(&report, reporter.dictionary().1, now, false);
        }
    }
    (costs, reporter.dictionary().1.series.len())
}

fn wire_bytes(report: &watchtower_protocol::Report) -> u64 {
    match encode(&AgentMessage::Report(Box::new(report.clone())), Encoding::Zstd) {
        Frame::Text(text) => text.len() as u64,
        Frame::Binary(bytes) => bytes.len() as u64,
    }
}

fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(0) * 1024
}
