//! The hub about itself: `/healthz`, `/readyz`, `/metrics`.

use std::fmt::Write;
use std::net::SocketAddr;

use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchtower_api_types::endpoints::Access;
use watchtower_hub::Hub;
use watchtower_hub::access::{Object, authorize};
use watchtower_hub::forward::Route;
use watchtower_store::metrics::{MetricFiles, Resolution};

use crate::caller::principal_of;
use crate::problem::{Failure, denied};

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Ready when the databases answer.
pub async fn readyz(State(hub): State<Hub>) -> Response {
    match hub.store.meta("ready").await {
        Ok(_) if hub.running() => "ready\n".into_response(),
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Prometheus' text format. Open on loopback, else with a token.
pub async fn metrics(
    State(hub): State<Hub>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // A proxy on this machine speaks for others.
    let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    let local = peer.is_some_and(|Extension(ConnectInfo(peer))| peer.ip().is_loopback());
    if forwarded || !local {
        let (principal, _) = principal_of(&hub, &headers).await?;
        authorize(&principal, Access::View, "metrics", Object::Global).map_err(denied)?;
    }
    let mut out = String::new();
    let stats = hub.tsdb.stats();
    let of_metrics = [
        ("watchtower_samples_refused_total", "Samples that were too old or too new.", stats.refused),
        ("watchtower_samples_merged_total", "Samples packed into blocks.", stats.merged_samples),
        ("watchtower_samples_rolled_total", "Samples read to make rollups.", stats.rolled_samples),
        (
            "watchtower_metrics_damaged_total",
            "Times that a chunk, block or rollup could not be read.",
            stats.damaged_chunks,
        ),
    ];
    let (metadata_names, metadata_dropped) = hub.metadata.counts();
    let of_metadata = [(
        "watchtower_metadata_dropped_total",
        "Names whose type and help were forgotten for those of others.",
        metadata_dropped,
    )];
    for (name, help, value) in hub.meters.all().into_iter().chain(of_metrics).chain(of_metadata) {
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
    }
    let gauges = [
        ("watchtower_agents_connected", "Agents with a live connection.", hub.links.len() as u64),
        ("watchtower_servers", "Servers.", hub.servers.len() as u64),
        ("watchtower_series", "Series in the index.", stats.series as u64),
        ("watchtower_metadata_names", "Names whose type and help are known.", metadata_names as u64),
        ("watchtower_head_bytes", "Bytes of samples in memory.", stats.head_bytes as u64),
        ("watchtower_disk_used_percent", "Of the data directory's disk.", hub.disk.used_percent() as u64),
        ("watchtower_metrics_bytes", "Bytes of metrics on disk.", hub.metric_files.bytes_on_disk()),
        (
            "watchtower_metrics_waiting_groups",
            "Groups of series with chunks to merge.",
            stats.waiting_groups as u64,
        ),
        ("watchtower_ended_series", "Series of which only rollups are left.", stats.ended_series as u64),
        (
            "watchtower_metrics_held_days",
            "Days of samples that are kept for longer, until they are rolled up.",
            stats.days_held,
        ),
        ("process_resident_memory_bytes", "Resident memory.", resident_bytes()),
    ];
    for (name, help, value) in gauges {
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }
    rollups(&hub, &mut out);
    forwarded_samples(&hub, &mut out);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out).into_response())
}

/// What is kept of the time before samples.
fn rollups(hub: &Hub, out: &mut String) {
    type Read = fn(&MetricFiles, Resolution) -> u64;
    let families: [(&str, &str, Read); 2] = [
        ("watchtower_rollup_bytes", "Bytes of rollups on disk.", MetricFiles::rollup_bytes),
        ("watchtower_rollup_files", "Files of rollups.", |files, of| files.rollup_periods(of).len() as u64),
    ];
    for (name, help, read) in families {
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for of in Resolution::ALL {
            let _ = writeln!(out, "{name}{{resolution=\"{}\"}} {}", of.name(), read(&hub.metric_files, of));
        }
    }
}

/// What became of samples that go on to other receivers.
fn forwarded_samples(hub: &Hub, out: &mut String) {
    type Read = fn(&Route) -> u64;
    let families: [(&str, &str, &str, Read); 5] = [
        ("watchtower_forward_samples_total", "counter", "Samples that the receiver took.", |r| {
            r.meters.sent.get()
        }),
        (
            "watchtower_forward_refused_samples_total",
            "counter",
            "Samples that the receiver refused for good.",
            |r| r.meters.refused.get(),
        ),
        (
            "watchtower_forward_lost_samples_total",
            "counter",
            "Samples dropped from a full or damaged queue.",
            |r| r.lost(),
        ),
        ("watchtower_forward_retries_total", "counter", "Requests that are sent again.", |r| {
            r.meters.retries.get()
        }),
        ("watchtower_forward_queue_bytes", "gauge", "Bytes that wait on disk.", |r| r.waiting_bytes()),
    ];
    for (name, kind, help, read) in families.iter().filter(|_| !hub.forward.routes().is_empty()) {
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for route in hub.forward.routes() {
            let _ = writeln!(out, "{name}{{receiver=\"{}\"}} {}", route.receiver.name, read(route));
        }
    }
}

/// Resident memory of this process.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    pages * 4096
}
