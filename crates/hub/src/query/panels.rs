//! The charts of a server's page: a table of PromQL, answered in columns for one server.

use std::collections::BTreeMap;

use watchtower_api_types::{Panel, PanelSeries, Panels, Time};
use watchtower_matchers::{Matcher, Matchers};
use watchtower_model::{Labels, ServerId, Timestamp};
use watchtower_promql::{SeriesWindow, eval_range, parse};

use super::source::Scope;
use crate::Hub;
use crate::error::HubError;

/// One chart. `@` stands for the range of rates, at least four samples long.
struct PanelSpec {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    stacked: bool,
    expr: &'static str,
    /// The label that names a series; or a fixed name.
    name: Name,
}

enum Name {
    Label(&'static str),
    Fixed(&'static str),
    Two(&'static str, &'static str),
}

macro_rules! panels {
    ($($id:literal $title:literal $unit:literal $stacked:literal $name:expr => $expr:literal;)+) => {
        &[$(PanelSpec { id: $id, title: $title, unit: $unit, stacked: $stacked, expr: $expr, name: $name }),+]
    };
}

const PANELS: &[PanelSpec] = panels! {
    "cpu" "CPU by mode" "percent" true Name::Label("mode") =>
        "100 * sum by (mode) (rate(node_cpu_seconds_total{mode!~\"idle|guest.*\"}[@])) / scalar(count(node_cpu_seconds_total{mode=\"idle\"}))";
    "load" "Load average" "count" false Name::Label("__name__") => "{__name__=~\"node_load1|node_load5|node_load15\"}";
    "memory" "Memory" "bytes" false Name::Label("part") =>
        "label_replace(node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes, \"part\", \"used\", \"\", \"\") or label_replace(node_memory_Cached_bytes, \"part\", \"cached\", \"\", \"\") or label_replace(node_memory_SwapTotal_bytes - node_memory_SwapFree_bytes, \"part\", \"swap used\", \"\", \"\")";
    "disk_space" "Disk space used" "percent" false Name::Label("mountpoint") =>
        "100 * (1 - node_filesystem_avail_bytes / (node_filesystem_size_bytes > 0))";
    "disk_io" "Disk throughput" "bytes_per_second" false Name::Two("device", "way") =>
        "label_replace(rate(node_disk_read_bytes_total[@]), \"way\", \"read\", \"\", \"\") or label_replace(rate(node_disk_written_bytes_total[@]), \"way\", \"write\", \"\", \"\")";
    "disk_busy" "Disk busy" "percent" false Name::Label("device") => "100 * rate(node_disk_io_time_seconds_total[@])";
    "network" "Network" "bytes_per_second" false Name::Two("device", "way") =>
        "label_replace(rate(node_network_receive_bytes_total{device!=\"lo\"}[@]), \"way\", \"in\", \"\", \"\") or label_replace(rate(node_network_transmit_bytes_total{device!=\"lo\"}[@]), \"way\", \"out\", \"\", \"\")";
    "pressure" "Pressure (share of time waiting)" "percent" false Name::Label("resource") =>
        "100 * (label_replace(rate(node_pressure_cpu_waiting_seconds_total[@]), \"resource\", \"cpu\", \"\", \"\") or label_replace(rate(node_pressure_io_waiting_seconds_total[@]), \"resource\", \"io\", \"\", \"\") or label_replace(rate(node_pressure_memory_waiting_seconds_total[@]), \"resource\", \"memory\", \"\", \"\"))";
    "processes" "Processes" "count" false Name::Label("__name__") => "{__name__=~\"node_procs_running|node_procs_blocked\"}";
    "sockets" "TCP sockets" "count" false Name::Fixed("in use") => "node_sockstat_TCP_inuse";
    "temperature" "Temperature" "celsius" false Name::Two("chip", "sensor") => "node_hwmon_temp_celsius";
};

/// Series drawn in one chart; the rest is left out, largest last value first.
const SERIES_MAX: usize = 12;
/// Points per chart when the caller names no step.
const POINTS: i64 = 360;
const POINTS_MAX: i64 = 4000;

/// The step of a chart that names none: whole minutes or hours where it is long, since rollups know no other times.
fn step_of(length_ms: i64, interval_ms: i64) -> i64 {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    let step = length_ms / POINTS;
    let whole = |unit: i64| (step + unit / 2) / unit * unit;
    match step {
        HOUR.. => whole(HOUR),
        MINUTE.. => whole(MINUTE),
        _ => step.max(interval_ms),
    }
}

/// Evaluates every panel for one server.
pub async fn server_panels(
    hub: &Hub,
    server: ServerId,
    from: Timestamp,
    to: Timestamp,
    step_ms: Option<i64>,
) -> Result<Panels, HubError> {
    if to <= from {
        return Err(HubError::invalid("from", "must be before `to`"));
    }
    let interval = hub
        .servers
        .get(server)
        .map_or(10_000, |server| server.with(|state| i64::from(state.interval_ms.max(1000))));
    let step_ms = step_ms.unwrap_or_else(|| step_of(to.since(from), interval)).max(1000) / 1000 * 1000;
    if to.since(from) / step_ms > POINTS_MAX {
        return Err(HubError::invalid("step", format!("gives more than {POINTS_MAX} points")));
    }
    let base = hub
        .servers
        .get(server)
        .map_or(10_000, |server| server.with(|state| i64::from(state.base_interval_ms)));
    let range_ms = (4 * base).max(step_ms).max(4000);
    // Steps lie on multiples of the step, so that the points of a later call join those of an earlier one.
    let start = Timestamp(from.0.div_euclid(step_ms) * step_ms);
    // The server's own series: what its agent scrapes may have the same names.
    let own = Matchers::new(vec![Matcher::equal("job", "node")]);
    let scope = Scope { also: Some(own), ..Scope::of_server(server) };
    let (panels, warnings) = hub
        .queries
        .run(hub, scope, move |source, settings, limits| {
            let evaluate = |spec: &PanelSpec| {
                let text = spec.expr.replace('@', &format!("{range_ms}ms"));
                let answer = parse(&text)
                    .and_then(|expr| eval_range(&expr, start, to, step_ms, source, settings, limits));
                match answer {
                    Ok(series) => panel(spec, text, series, (start, to, step_ms)),
                    Err(error) => Panel {
                        error: Some(error.to_string()),
                        ..panel(spec, text, Vec::new(), (start, to, step_ms))
                    },
                }
            };
            let panels = PANELS.iter().map(evaluate).collect();
            Ok((panels, source.warnings()))
        })
        .await?;
    Ok(Panels {
        from_at: Time(start),
        to_at: Time(to),
        step_seconds: step_ms as f64 / 1000.0,
        panels,
        warnings,
    })
}

fn panel(
    spec: &PanelSpec,
    expr: String,
    mut series: Vec<SeriesWindow>,
    (start, end, step_ms): (Timestamp, Timestamp, i64),
) -> Panel {
    let last = |window: &SeriesWindow| window.samples.last().map_or(f64::MIN, |sample| sample.v);
    series.sort_by(|a, b| last(b).total_cmp(&last(a)));
    series.truncate(SERIES_MAX);
    let steps = (end.since(start) / step_ms + 1).max(0) as usize;
    let times = (0..steps).map(|i| start.plus_ms(i as i64 * step_ms).secs_f64()).collect();
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for window in &series {
        let column = columns.entry(series_name(spec, &window.labels)).or_insert_with(|| vec![None; steps]);
        for sample in &window.samples {
            let at = (sample.t.since(start) / step_ms) as usize;
            if let Some(value) = column.get_mut(at).filter(|_| sample.v.is_finite()) {
                *value = Some(sample.v);
            }
        }
    }
    let series = columns.into_iter().map(|(name, values)| PanelSeries { name, values }).collect();
    Panel {
        id: spec.id.into(),
        title: spec.title.into(),
        unit: spec.unit.into(),
        stacked: spec.stacked,
        times,
        series,
        expr,
        error: None,
    }
}

fn series_name(spec: &PanelSpec, labels: &Labels) -> String {
    match spec.name {
        Name::Fixed(name) => name.into(),
        Name::Label("__name__") => {
            labels.metric_name().trim_start_matches("node_").trim_start_matches("procs_").replace('_', " ")
        }
        Name::Label(label) => labels.get(label).unwrap_or("all").into(),
        Name::Two(a, b) => format!("{} {}", labels.get(a).unwrap_or(""), labels.get(b).unwrap_or("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_is_valid_promql() {
        for spec in PANELS {
            parse(&spec.expr.replace('@', "40000ms")).unwrap_or_else(|error| panic!("{}: {error}", spec.id));
        }
    }

    #[test]
    fn a_long_step_is_whole_minutes_or_hours() {
        let hours = |hours: i64| step_of(hours * 3_600_000, 10_000);
        assert_eq!([hours(1) / 1000, hours(3) / 1000, hours(24) / 1000], [10, 30, 240]);
        assert_eq!([hours(7 * 24) / 60_000, hours(16 * 24) / 60_000], [28, 60]);
        assert_eq!([hours(30 * 24), hours(90 * 24), hours(730 * 24)].map(|ms| ms / 3_600_000), [2, 6, 49]);
        assert_eq!(step_of(3_600_000, 60_000), 60_000, "no step is shorter than the interval");
    }
}
