//! Temperatures of `/sys/class/hwmon`, with node_exporter's chip and sensor labels.

use std::path::Path;

use super::segment::Segment;
use super::source::{CollectError, Source};

pub fn collect(source: &mut Source, out: &mut Segment) -> Result<(), CollectError> {
    for entry in source.list("sys/class/hwmon")? {
        let mut dir = format!("sys/class/hwmon/{entry}");
        // Kernels before 3.9 keep the files one level deeper.
        if !source.path(&format!("{dir}/name")).exists()
            && source.path(&format!("{dir}/device/name")).exists()
        {
            dir.push_str("/device");
        }
        let name = source.line(&format!("{dir}/name")).unwrap_or_default();
        let chip = chip_label(&source.path(&format!("sys/class/hwmon/{entry}/device")), &name, &entry);
        if !name.is_empty() {
            out.push("node_hwmon_chip_names", &[("chip", &chip), ("chip_name", &clean(&name))], 1.0);
        }
        collect_chip(source, out, &dir, &chip);
    }
    Ok(())
}

fn collect_chip(source: &mut Source, out: &mut Segment, dir: &str, chip: &str) {
    let Ok(files) = source.list(dir) else { return };
    for file in files {
        let Some((sensor, kind)) = file.split_once('_') else { continue };
        if !sensor.starts_with("temp") {
            continue;
        }
        let metric = match kind {
            "input" => "node_hwmon_temp_celsius",
            "crit" => "node_hwmon_temp_crit_celsius",
            "max" => "node_hwmon_temp_max_celsius",
            "label" => {
                if let Ok(label) = source.line(&format!("{dir}/{file}")) {
                    let labels = [("chip", chip), ("label", &label), ("sensor", sensor)];
                    out.push("node_hwmon_sensor_label", &labels, 1.0);
                }
                continue;
            }
            _ => continue,
        };
        // A sensor that is asleep answers with an error.
        let milli = source.line(&format!("{dir}/{file}")).ok().and_then(|text| text.parse::<f64>().ok());
        if let Some(milli) = milli {
            out.push(metric, &[("chip", chip), ("sensor", sensor)], milli / 1000.0);
        }
    }
}

/// `platform_coretemp_0` from the device's place in the tree, else the chip's name, else the entry.
fn chip_label(device: &Path, name: &str, entry: &str) -> String {
    if let Ok(real) = device.canonicalize() {
        let part = |path: Option<&Path>| {
            path.and_then(Path::file_name).map(|n| clean(&n.to_string_lossy())).unwrap_or_default()
        };
        let (kind, own) = (part(real.parent()), part(Some(&real)));
        if !kind.is_empty() && !own.is_empty() {
            return format!("{kind}_{own}");
        }
    }
    if name.is_empty() { clean(entry) } else { clean(name) }
}

fn clean(text: &str) -> String {
    let text: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, ':' | '_') { c } else { '_' })
        .collect();
    text.trim_matches('_').to_string()
}
