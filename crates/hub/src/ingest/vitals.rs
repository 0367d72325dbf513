//! The few numbers of a list row, from one report and the one before.

use watchtower_api_types::Vitals;
use watchtower_model::{Labels, Timestamp};
use watchtower_protocol::Dictionary;

/// Which sample ids of a dictionary matter: found once per dictionary.
#[derive(Default)]
pub struct VitalsPlan {
    cpu: Vec<(u32, bool)>,
    memory_total: Option<u32>,
    memory_available: Option<u32>,
    swap_total: Option<u32>,
    swap_free: Option<u32>,
    load1: Option<u32>,
    boot_time: Option<u32>,
    receive: Vec<u32>,
    transmit: Vec<u32>,
    disk_bytes: Vec<u32>,
    filesystems: Vec<Filesystem>,
    cores: u32,
}

struct Filesystem {
    mountpoint: String,
    size: u32,
    available: u32,
}

/// Counters of the report before, to make rates of.
#[derive(Clone, Copy, Default)]
pub struct VitalsInputs {
    t: Timestamp,
    cpu_idle: f64,
    cpu_all: f64,
    receive: f64,
    transmit: f64,
    disk: f64,
}

impl VitalsPlan {
    pub fn new(dictionary: &Dictionary) -> VitalsPlan {
        let mut plan = VitalsPlan::default();
        for (id, entry) in dictionary.series.iter().enumerate() {
            plan.note(id as u32, &entry.name, &entry.labels, dictionary);
        }
        plan
    }

    fn note(&mut self, id: u32, name: &str, labels: &Labels, dictionary: &Dictionary) {
        // What is scraped is not the server's own, even where a node_exporter names it the same.
        if labels.get("job").is_some() {
            return;
        }
        match name {
            "node_cpu_seconds_total" => {
                let mode = labels.get("mode").unwrap_or("");
                // Guest time is part of user time already.
                if !mode.starts_with("guest") {
                    self.cpu.push((id, matches!(mode, "idle" | "iowait")));
                }
                self.cores += u32::from(mode == "idle");
            }
            "node_memory_MemTotal_bytes" => self.memory_total = Some(id),
            "node_memory_MemAvailable_bytes" => self.memory_available = Some(id),
            "node_memory_SwapTotal_bytes" => self.swap_total = Some(id),
            "node_memory_SwapFree_bytes" => self.swap_free = Some(id),
            "node_load1" => self.load1 = Some(id),
            "node_boot_time_seconds" => self.boot_time = Some(id),
            "node_network_receive_bytes_total" if is_physical(labels) => self.receive.push(id),
            "node_network_transmit_bytes_total" if is_physical(labels) => self.transmit.push(id),
            "node_disk_read_bytes_total" | "node_disk_written_bytes_total" => self.disk_bytes.push(id),
            "node_filesystem_size_bytes" => {
                let available = dictionary
                    .series
                    .iter()
                    .position(|other| other.name == "node_filesystem_avail_bytes" && other.labels == *labels);
                if let (Some(available), Some(mountpoint)) = (available, labels.get("mountpoint")) {
                    self.filesystems.push(Filesystem {
                        mountpoint: mountpoint.into(),
                        size: id,
                        available: available as u32,
                    });
                }
            }
            _ => {}
        }
    }

    /// `values` is by sample id; `before` are the inputs of the last live report.
    pub fn compute(
        &self,
        t: Timestamp,
        values: &dyn Fn(u32) -> Option<f64>,
        before: Option<VitalsInputs>,
        processes: Option<u32>,
    ) -> (Vitals, VitalsInputs) {
        let sum = |ids: &[u32]| ids.iter().filter_map(|id| values(*id)).sum::<f64>();
        let one = |id: Option<u32>| id.and_then(values);
        let mut inputs = VitalsInputs { t, ..VitalsInputs::default() };
        for (id, idle) in &self.cpu {
            let seconds = values(*id).unwrap_or(0.0);
            inputs.cpu_all += seconds;
            inputs.cpu_idle += if *idle { seconds } else { 0.0 };
        }
        inputs.receive = sum(&self.receive);
        inputs.transmit = sum(&self.transmit);
        inputs.disk = sum(&self.disk_bytes);
        let used = |total: Option<f64>, free: Option<f64>| match (total, free) {
            (Some(total), Some(free)) if total > 0.0 => Some(percent((total - free) / total)),
            _ => None,
        };
        let fullest = self
            .filesystems
            .iter()
            .filter_map(|fs| Some((used(values(fs.size), values(fs.available))?, &fs.mountpoint)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let before = before.filter(|before| t > before.t);
        let seconds = before.map_or(0.0, |before| t.since(before.t) as f64 / 1000.0);
        let rate = |now: f64, field: fn(&VitalsInputs) -> f64| {
            before.map(|b| ((now - field(&b)).max(0.0) / seconds).round())
        };
        let cpu_percent = before.and_then(|b| {
            let all = inputs.cpu_all - b.cpu_all;
            (all > 0.0).then(|| percent(1.0 - (inputs.cpu_idle - b.cpu_idle) / all))
        });
        let load1 = one(self.load1);
        let vitals = Vitals {
            cpu_percent,
            memory_percent: used(one(self.memory_total), one(self.memory_available)),
            swap_percent: used(one(self.swap_total), one(self.swap_free)),
            disk_percent: fullest.as_ref().map(|(percent, _)| *percent),
            disk_mountpoint: fullest.map(|(_, mountpoint)| mountpoint.clone()),
            load1,
            load_per_core: load1.filter(|_| self.cores > 0).map(|load| round2(load / f64::from(self.cores))),
            receive_bytes_per_second: rate(inputs.receive, |i| i.receive),
            transmit_bytes_per_second: rate(inputs.transmit, |i| i.transmit),
            disk_bytes_per_second: rate(inputs.disk, |i| i.disk),
            uptime_seconds: one(self.boot_time).map(|boot| (t.secs_f64() - boot).max(0.0).round()),
            processes,
        };
        (vitals, inputs)
    }
}

fn is_physical(labels: &Labels) -> bool {
    labels.get("device").is_some_and(|device| device != "lo" && !device.starts_with("veth"))
}

fn percent(share: f64) -> f64 {
    round2(share.clamp(0.0, 1.0) * 100.0)
}

fn round2(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_protocol::SeriesEntry;

    #[test]
    fn rates_need_two_reports_and_survive_resets() {
        let entry = |name: &str, labels: &[(&str, &str)]| SeriesEntry {
            name: name.into(),
            labels: Labels::from_pairs(labels.iter().copied()),
        };
        let dictionary = Dictionary {
            series: vec![
                entry("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "idle")]),
                entry("node_cpu_seconds_total", &[("cpu", "0"), ("mode", "user")]),
                entry("node_filesystem_size_bytes", &[("mountpoint", "/")]),
                entry("node_filesystem_avail_bytes", &[("mountpoint", "/")]),
                entry("node_network_receive_bytes_total", &[("device", "eth0")]),
            ],
        };
        let plan = VitalsPlan::new(&dictionary);
        let at = |t: i64, values: [f64; 5], before| {
            plan.compute(Timestamp(t), &|id| values.get(id as usize).copied(), before, None)
        };
        let (first, inputs) = at(0, [100.0, 10.0, 200.0, 50.0, 1000.0], None);
        assert_eq!((first.cpu_percent, first.disk_percent), (None, Some(75.0)));
        let (second, inputs) = at(10_000, [105.0, 15.0, 200.0, 50.0, 6000.0], Some(inputs));
        assert_eq!((second.cpu_percent, second.receive_bytes_per_second), (Some(50.0), Some(500.0)));
        let (third, _) = at(20_000, [1.0, 1.0, 200.0, 50.0, 0.0], Some(inputs));
        assert_eq!((third.cpu_percent, third.receive_bytes_per_second), (None, Some(0.0)));
    }
}
