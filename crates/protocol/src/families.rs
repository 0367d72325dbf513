//! What the agent's own series are: type and help of each name, in node_exporter's words where the name is its.
//!
//! Invariant: whatever an agent of this build reports of its own is here, and nothing else; tests of the agent hold it. Units are in the
//! names.

use watchtower_model::MetricType::{Counter, Gauge};
use watchtower_model::{MetricMetadata, MetricType};

/// A name, or how names begin, which end in a field of the kernel: `{}` in their help.
pub struct Family {
    pub name: &'static str,
    pub kind: MetricType,
    pub help: &'static str,
}

const fn family(name: &'static str, kind: MetricType, help: &'static str) -> Family {
    Family { name, kind, help }
}

pub const FAMILIES: &[Family] = &[
    family("node_boot_time_seconds", Gauge, "Node boot time, in unixtime."),
    family("node_context_switches_total", Counter, "Total number of context switches."),
    family("node_cpu_guest_seconds_total", Counter, "Seconds the CPUs spent in guests (VMs) for each mode."),
    family("node_cpu_seconds_total", Counter, "Seconds the CPUs spent in each mode."),
    family("node_disk_io_now", Gauge, "The number of I/Os currently in progress."),
    family("node_disk_io_time_seconds_total", Counter, "Total seconds spent doing I/Os."),
    family(
        "node_disk_io_time_weighted_seconds_total",
        Counter,
        "The weighted # of seconds spent doing I/Os.",
    ),
    family("node_disk_read_bytes_total", Counter, "The total number of bytes read successfully."),
    family("node_disk_read_time_seconds_total", Counter, "The total number of seconds spent by all reads."),
    family("node_disk_reads_completed_total", Counter, "The total number of reads completed successfully."),
    family("node_disk_reads_merged_total", Counter, "The total number of reads merged."),
    family(
        "node_disk_write_time_seconds_total",
        Counter,
        "This is the total number of seconds spent by all writes.",
    ),
    family("node_disk_writes_completed_total", Counter, "The total number of writes completed successfully."),
    family("node_disk_writes_merged_total", Counter, "The number of writes merged."),
    family("node_disk_written_bytes_total", Counter, "The total number of bytes written successfully."),
    family("node_filefd_allocated", Gauge, "File descriptor statistics: allocated."),
    family("node_filefd_maximum", Gauge, "File descriptor statistics: maximum."),
    family("node_filesystem_avail_bytes", Gauge, "Filesystem space available to non-root users in bytes."),
    family(
        "node_filesystem_device_error",
        Gauge,
        "Whether an error occurred while getting statistics for the given device.",
    ),
    family("node_filesystem_files", Gauge, "Filesystem total file nodes."),
    family("node_filesystem_files_free", Gauge, "Filesystem total free file nodes."),
    family("node_filesystem_free_bytes", Gauge, "Filesystem free space in bytes."),
    family("node_filesystem_readonly", Gauge, "Filesystem read-only status."),
    family("node_filesystem_size_bytes", Gauge, "Filesystem size in bytes."),
    family("node_forks_total", Counter, "Total number of forks."),
    family("node_hwmon_chip_names", Gauge, "Annotation metric for human-readable chip names"),
    family("node_hwmon_sensor_label", Gauge, "Label for given chip and sensor"),
    family("node_hwmon_temp_celsius", Gauge, "Hardware monitor for temperature (input)"),
    family("node_hwmon_temp_crit_celsius", Gauge, "Hardware monitor for temperature (crit)"),
    family("node_hwmon_temp_max_celsius", Gauge, "Hardware monitor for temperature (max)"),
    family("node_intr_total", Counter, "Total number of interrupts serviced."),
    family("node_load1", Gauge, "1m load average."),
    family("node_load15", Gauge, "15m load average."),
    family("node_load5", Gauge, "5m load average."),
    family("node_network_receive_bytes_total", Counter, "Network device statistic receive_bytes."),
    family("node_network_receive_drop_total", Counter, "Network device statistic receive_drop."),
    family("node_network_receive_errs_total", Counter, "Network device statistic receive_errs."),
    family("node_network_receive_packets_total", Counter, "Network device statistic receive_packets."),
    family("node_network_transmit_bytes_total", Counter, "Network device statistic transmit_bytes."),
    family("node_network_transmit_drop_total", Counter, "Network device statistic transmit_drop."),
    family("node_network_transmit_errs_total", Counter, "Network device statistic transmit_errs."),
    family("node_network_transmit_packets_total", Counter, "Network device statistic transmit_packets."),
    family("node_network_up", Gauge, "Value is 1 if operstate is 'up', 0 otherwise."),
    family(
        "node_pressure_cpu_waiting_seconds_total",
        Counter,
        "Total time in seconds that processes have waited for CPU time",
    ),
    family(
        "node_pressure_io_stalled_seconds_total",
        Counter,
        "Total time in seconds no process could make progress due to IO congestion",
    ),
    family(
        "node_pressure_io_waiting_seconds_total",
        Counter,
        "Total time in seconds that processes have waited due to IO congestion",
    ),
    family(
        "node_pressure_memory_stalled_seconds_total",
        Counter,
        "Total time in seconds no process could make progress due to memory congestion",
    ),
    family(
        "node_pressure_memory_waiting_seconds_total",
        Counter,
        "Total time in seconds that processes have waited for memory",
    ),
    family("node_procs_blocked", Gauge, "Number of processes blocked waiting for I/O to complete."),
    family("node_procs_running", Gauge, "Number of processes in runnable state."),
    family("node_systemd_unit_state", Gauge, "Systemd unit"),
    family("node_textfile_mtime_seconds", Gauge, "Unixtime mtime of textfiles successfully read."),
    family(
        "node_textfile_scrape_error",
        Gauge,
        "1 if there was an error opening or reading a file, 0 otherwise",
    ),
    family("node_time_seconds", Gauge, "System time in seconds since epoch (1970)."),
    family("node_uname_info", Gauge, "Labeled system information as provided by the uname system call."),
    family("scrape_duration_seconds", Gauge, "How long the scrape of the target took."),
    family("scrape_samples_post_metric_relabeling", Gauge, "Samples that were left after relabelling."),
    family("scrape_samples_scraped", Gauge, "Samples that the target exposed."),
    family("up", Gauge, "1 while the agent reports, or the target of a scrape answers as it should; else 0."),
    family("watchtower_agent_clock_offset_seconds", Gauge, "The hub's clock minus the agent's."),
    family("watchtower_agent_collector_duration_seconds", Gauge, "How long a collector took."),
    family("watchtower_agent_collector_success", Gauge, "Whether a collector succeeded."),
    family("watchtower_agent_executions_running", Gauge, "Executions that run on the server."),
    family("watchtower_agent_info", Gauge, "The version of the agent."),
    family(
        "watchtower_agent_scrape_config_error",
        Gauge,
        "1 while a file or target of scraping is not as it should be.",
    ),
    family("watchtower_agent_scrape_targets", Gauge, "Targets that are scraped."),
    family(
        "watchtower_agent_spool_dropped_total",
        Counter,
        "Reports that the spool dropped before the hub had them.",
    ),
    family(
        "watchtower_agent_spool_pending_reports",
        Gauge,
        "Reports in the spool that the hub has not acknowledged.",
    ),
    // Fields of the kernel that are no counters as those beside them are.
    family("node_netstat_Ip_Forwarding", Gauge, "Whether packets are forwarded: 1 if so, else 2."),
    family(
        "node_netstat_Tcp_CurrEstab",
        Gauge,
        "TCP connections that are established or wait for the other side to close.",
    ),
];

/// Which fields there are is the kernel's to say.
pub const BEGINNINGS: &[Family] = &[
    family("node_memory_", Gauge, "Memory information field {}."),
    family("node_netstat_", Counter, "Statistic {}."),
    family("node_sockstat_", Gauge, "Sockets by protocol and state: {}."),
    family("node_vmstat_", Counter, "/proc/vmstat information field {}."),
];

/// Words at the end of a name that say its unit.
const UNITS: [&str; 3] = ["seconds", "bytes", "celsius"];

/// What an agent means by this name; nothing if it is none of its own.
pub fn describe(name: &str) -> Option<MetricMetadata> {
    let said = |family: &Family, help: &str| MetricMetadata::new(family.kind, help, unit(name));
    if let Some(family) = FAMILIES.iter().find(|family| family.name == name) {
        return Some(said(family, family.help));
    }
    BEGINNINGS.iter().find_map(|family| {
        let field = name.strip_prefix(family.name).filter(|field| !field.is_empty())?;
        Some(said(family, &family.help.replace("{}", field)))
    })
}

fn unit(name: &str) -> &'static str {
    let base = name.strip_suffix("_total").unwrap_or(name);
    let ends = |unit: &&str| base.strip_suffix(*unit).is_some_and(|rest| rest.ends_with('_'));
    UNITS.into_iter().find(ends).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_described_once_with_their_units() {
        let names: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), FAMILIES.len());
        for family in FAMILIES {
            assert_eq!(family.name.ends_with("_total"), family.kind == Counter, "{}", family.name);
        }
        let said = |name: &str| describe(name).map(|said| (said.kind, said.help, said.unit));
        let of = |kind, help: &str, unit: &str| Some((kind, help.to_string(), unit.to_string()));
        assert_eq!(
            said("node_cpu_seconds_total"),
            of(Counter, "Seconds the CPUs spent in each mode.", "seconds")
        );
        assert_eq!(
            said("node_memory_MemFree_bytes"),
            of(Gauge, "Memory information field MemFree_bytes.", "bytes")
        );
        assert_eq!(said("node_netstat_Tcp_InSegs"), of(Counter, "Statistic Tcp_InSegs.", ""));
        assert_eq!(said("node_netstat_Tcp_CurrEstab").unwrap().0, Gauge);
        assert_eq!([said("node_memory_"), said("node_load"), said("")], [None, None, None]);
    }
}
