//! Golden output of every collector over a fixture machine.

use std::fmt::Write as _;
use std::path::Path;

use super::*;
use watchtower_model::{Timestamp, format_value};

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn machine() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            "proc/stat",
            "cpu  1 2 3\ncpu0 150 2 3 4 5 6 7 8 9 10\nintr 77 1 2\nctxt 88\nbtime 1700000000\nprocesses 99\nprocs_running 3\nprocs_blocked 1\nsoftirq 5 5\n",
        ),
        ("proc/loadavg", "0.50 1.25 2.00 1/100 4242\n"),
        ("proc/meminfo", "MemTotal:       16 kB\nActive(anon):    2 kB\nHugePages_Total:       4\n"),
        (
            "proc/vmstat",
            "nr_free_pages 5\npgpgin 10\npgfault 11\npgmajfault 12\npswpin 13\noom_kill 0\npgscan_kswapd 3\n",
        ),
        (
            "proc/pressure/cpu",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
        ),
        (
            "proc/pressure/io",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
        ),
        (
            "proc/pressure/memory",
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        ),
        (
            "proc/diskstats",
            "   8 0 sda 1 2 4 1234 5 6 8 3 0 2500 9 1 1 1 1\n   8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n",
        ),
        ("proc/net/dev", "Inter-|   Receive\n face |bytes\n  eth0: 100 2 3 4 0 0 0 0 200 6 7 8 0 0 0 0\n"),
        ("sys/class/net/eth0/operstate", "up\n"),
        ("sys/class/net/lo/operstate", "unknown\n"),
        ("proc/net/sockstat", "sockets: used 9\nTCP: inuse 5 orphan 0 tw 1 alloc 7 mem 2\n"),
        ("proc/net/sockstat6", "TCP6: inuse 3\n"),
        (
            "proc/net/netstat",
            "TcpExt: SyncookiesSent Foo ListenDrops\nTcpExt: 1 2 3\nIpExt: InOctets OutOctets\nIpExt: 4 5\n",
        ),
        (
            "proc/net/snmp",
            "Tcp: RtoMin CurrEstab InErrs\nTcp: 200 6 7\nUdp: InDatagrams InErrors\nUdp: 8 9\n",
        ),
        ("proc/net/snmp6", "Ip6InOctets 1\nIcmp6InErrors 2\nUdp6NoPorts 3\nIp6InReceives 4\n"),
        ("proc/sys/fs/file-nr", "1000\t0\t9223372036854775807\n"),
        ("proc/sys/kernel/domainname", "(none)\n"),
        ("proc/sys/kernel/hostname", "web-1\n"),
        ("proc/sys/kernel/osrelease", "6.1.0\n"),
        ("proc/sys/kernel/ostype", "Linux\n"),
        ("proc/sys/kernel/version", "#1 SMP\n"),
        ("sys/devices/platform/coretemp.0/x", ""),
        ("sys/class/hwmon/hwmon0/name", "coretemp\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", "45500\n"),
        ("sys/class/hwmon/hwmon0/temp1_crit", "100000\n"),
        ("sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n"),
        ("sys/class/hwmon/hwmon0/fan1_input", "900\n"),
        ("proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n"),
    ] {
        write(dir.path(), path, text);
    }
    std::os::unix::fs::symlink(
        dir.path().join("sys/devices/platform/coretemp.0"),
        dir.path().join("sys/class/hwmon/hwmon0/device"),
    )
    .unwrap();
    dir
}

/// Numbers that depend on the disk under the fixture or on the clock are replaced by `*`.
fn rendered(collectors: &mut Collectors) -> String {
    let mut out = String::new();
    for segment in collectors.segments() {
        for (entry, value) in segment.entries().iter().zip(segment.values()) {
            let free = entry.name.starts_with("node_filesystem")
                && ["_bytes", "_files", "_files_free"].iter().any(|end| entry.name.ends_with(end));
            let value = if free || entry.name.ends_with("duration_seconds") {
                "*".to_string()
            } else {
                format_value(*value)
            };
            let labels = if entry.labels.is_empty() { String::new() } else { entry.labels.to_string() };
            writeln!(out, "{}{labels} {value}", entry.name).unwrap();
        }
    }
    out.replace(std::env::consts::ARCH, "ARCH")
}

#[test]
fn names_labels_and_values_are_those_of_node_exporter() {
    let dir = machine();
    let mut collectors = Collectors::new(Source::new(dir.path()));
    let mut events = Vec::new();
    let now = Moment { wall: Timestamp(1_700_000_100_500), mono_ms: 1 };
    collectors.collect(now, 10_000, &mut events);
    let text = rendered(&mut collectors);
    let golden = include_str!("golden.txt");
    assert_eq!(text, golden, "---- collected:\n{text}");
    assert!(events.is_empty());
}

#[test]
fn a_missing_or_broken_file_costs_only_its_own_series() {
    let dir = machine();
    std::fs::remove_dir_all(dir.path().join("proc/pressure")).unwrap();
    write(dir.path(), "proc/loadavg", "nonsense\n");
    let mut collectors = Collectors::new(Source::new(dir.path()));
    collectors.collect(Moment::default(), 10_000, &mut Vec::new());
    let text = rendered(&mut collectors);
    // No PSI in the kernel is a fact, a file that cannot be understood is a failure.
    assert!(text.contains("collector_success{collector=\"pressure\"} 1\n"), "{text}");
    assert!(text.contains("collector_success{collector=\"loadavg\"} 0\n"), "{text}");
    assert!(text.contains("node_memory_MemTotal_bytes 16384\n"));
    assert!(!text.contains("node_pressure"));
}

#[test]
fn an_oom_kill_is_an_event_and_the_series_stay_the_same() {
    let dir = machine();
    let mut collectors = Collectors::new(Source::new(dir.path()));
    let mut events = Vec::new();
    collectors.collect(Moment::default(), 10_000, &mut events);
    assert!(collectors.segments().fold(false, |changed, s| s.take_changed() | changed));
    write(dir.path(), "proc/vmstat", "pgpgin 10\npgfault 11\npgmajfault 12\npswpin 13\noom_kill 1\n");
    collectors.collect(Moment::default(), 10_000, &mut events);
    assert!(!collectors.segments().any(Segment::take_changed));
    assert_eq!(events.iter().map(|e| e.kind.0.as_str()).collect::<Vec<_>>(), ["oom.kill"]);
}
