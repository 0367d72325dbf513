//! `/proc/diskstats`, whole devices only, by node_exporter's default exclusions.

use super::segment::Segment;
use super::source::{CollectError, Source};

/// The kernel counts in sectors of 512 bytes whatever the device's own sector size (iostats.rst).
const SECTOR_BYTES: f64 = 512.0;

/// Column after the device's name, name of the metric, factor.
const COLUMNS: [(usize, &str, f64); 11] = [
    (0, "node_disk_reads_completed_total", 1.0),
    (1, "node_disk_reads_merged_total", 1.0),
    (2, "node_disk_read_bytes_total", SECTOR_BYTES),
    (3, "node_disk_read_time_seconds_total", 0.001),
    (4, "node_disk_writes_completed_total", 1.0),
    (5, "node_disk_writes_merged_total", 1.0),
    (6, "node_disk_written_bytes_total", SECTOR_BYTES),
    (7, "node_disk_write_time_seconds_total", 0.001),
    (8, "node_disk_io_now", 1.0),
    (9, "node_disk_io_time_seconds_total", 0.001),
    (10, "node_disk_io_time_weighted_seconds_total", 0.001),
];

pub fn collect(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/diskstats")?;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace().skip(2);
        let Some(device) = words.next() else { continue };
        if is_excluded(device) {
            continue;
        }
        let mut values = [0.0; 11];
        for value in &mut values {
            *value = words.next().and_then(|w| w.parse().ok()).unwrap_or(0.0);
        }
        for (column, name, factor) in COLUMNS {
            out.push(name, &[("device", device)], scaled(values[column], factor));
        }
    }
    Ok(())
}

/// Milliseconds are divided, not multiplied: 1234 * 0.001 is not the nearest number to 1.234.
fn scaled(value: f64, factor: f64) -> f64 {
    if factor < 1.0 { value / 1000.0 } else { value * factor }
}

/// `^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`
fn is_excluded(device: &str) -> bool {
    let stem = device.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == device.len() {
        return false;
    }
    if matches!(stem, "ram" | "zram" | "loop" | "fd") {
        return true;
    }
    let letter_disk = ["hd", "sd", "vd", "xvd"].iter().any(|prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_lowercase())
    });
    let nvme_partition =
        stem.strip_prefix("nvme").and_then(|rest| rest.strip_suffix('p')).is_some_and(|rest| {
            rest.split_once('n')
                .is_some_and(|(controller, namespace)| is_number(controller) && is_number(namespace))
        });
    letter_disk || nvme_partition
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_excluded;

    #[test]
    fn partitions_and_pseudo_devices_are_left_out() {
        for device in ["sda1", "vdb12", "xvda1", "hdc3", "nvme0n1p2", "loop7", "ram0", "zram0", "fd0"] {
            assert!(is_excluded(device), "{device}");
        }
        for device in ["sda", "vda", "nvme0n1", "dm-0", "md127", "mmcblk0", "sdaa1", "sr0"] {
            assert!(!is_excluded(device), "{device}");
        }
    }
}
