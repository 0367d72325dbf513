//! Network devices: traffic counters of `/proc/net/dev` and the link state of `/sys/class/net`.

use super::segment::Segment;
use super::source::{CollectError, Source};

/// Column of `/proc/net/dev` after the colon, and the metric.
const COLUMNS: [(usize, &str); 8] = [
    (0, "node_network_receive_bytes_total"),
    (1, "node_network_receive_packets_total"),
    (2, "node_network_receive_errs_total"),
    (3, "node_network_receive_drop_total"),
    (8, "node_network_transmit_bytes_total"),
    (9, "node_network_transmit_packets_total"),
    (10, "node_network_transmit_errs_total"),
    (11, "node_network_transmit_drop_total"),
];

pub fn collect_traffic(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    let text = source.read("proc/net/dev")?;
    for line in text.lines().skip(2) {
        let Some((device, rest)) = line.rsplit_once(':') else { continue };
        let mut values = [0.0; 16];
        for (value, word) in values.iter_mut().zip(rest.split_ascii_whitespace()) {
            *value = word.parse().unwrap_or(0.0);
        }
        for (column, name) in COLUMNS {
            out.push(name, &[("device", device.trim())], values[column]);
        }
    }
    Ok(())
}

/// 1 when the operational state is `up`; loopback is `unknown`, hence 0, as in node_exporter.
pub fn collect_link(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    for device in source.list("sys/class/net")? {
        // A device may vanish between the listing and the read.
        if let Ok(state) = source.read(&format!("sys/class/net/{device}/operstate")) {
            let up = state.trim() == "up";
            out.push("node_network_up", &[("device", &device)], f64::from(u8::from(up)));
        }
    }
    Ok(())
}
