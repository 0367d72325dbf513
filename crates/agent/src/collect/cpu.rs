//! `/proc/stat`: CPU time by mode, interrupts, context switches, forks, boot time.

use super::segment::Segment;
use super::source::{CollectError, Source};

/// `USER_HZ` is 100 on every architecture that Linux runs servers on (proc(5)).
pub const TICKS_PER_SECOND: f64 = 100.0;

const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

pub fn collect(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/stat")?;
    let mut cpus = 0;
    for line in text.lines() {
        let Some((key, rest)) = line.split_once(' ') else { continue };
        match key {
            "cpu" => {}
            "ctxt" => push_first(out, "node_context_switches_total", rest),
            "intr" => push_first(out, "node_intr_total", rest),
            "btime" => push_first(out, "node_boot_time_seconds", rest),
            "processes" => push_first(out, "node_forks_total", rest),
            "procs_running" => push_first(out, "node_procs_running", rest),
            "procs_blocked" => push_first(out, "node_procs_blocked", rest),
            _ => {
                if let Some(cpu) = key.strip_prefix("cpu") {
                    cpus += 1;
                    push_cpu(out, cpu, rest);
                }
            }
        }
    }
    if cpus == 0 {
        return Err(CollectError::Format { path: "/proc/stat", what: "no line cpu0" });
    }
    Ok(())
}

fn push_cpu(out: &mut Segment, cpu: &str, rest: &str) {
    let mut ticks = rest.split_ascii_whitespace().map(|t| t.parse::<f64>().unwrap_or(0.0));
    for (mode, value) in MODES.iter().zip(ticks.by_ref()) {
        out.push("node_cpu_seconds_total", &[("cpu", cpu), ("mode", mode)], value / TICKS_PER_SECOND);
    }
    for (mode, value) in ["user", "nice"].iter().zip(ticks) {
        out.push("node_cpu_guest_seconds_total", &[("cpu", cpu), ("mode", mode)], value / TICKS_PER_SECOND);
    }
}

fn push_first(out: &mut Segment, name: &str, rest: &str) {
    if let Some(value) = rest.split_ascii_whitespace().next().and_then(|v| v.parse().ok()) {
        out.push(name, &[], value);
    }
}
