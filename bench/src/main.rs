//! Measures the budgets on this machine, beside node_exporter, Prometheus with Alertmanager, VictoriaMetrics and Ansible where they are
//! installed: all of them, or the parts that are named.
//!
//! `make bench` gives it a release hub and the static agent. Timings of shared machines are noisy: compare rows of one run.
#![allow(clippy::print_stdout)]

mod agent;
mod deploy;
mod exec;
mod hub;
mod load;
mod metrics;
mod node;
mod peer;
mod process;
mod restart;
mod rollups;
mod table;

use table::Table;

/// A part of the measurements, by its name.
type Part = (&'static str, fn(&mut Table));

/// Only by name: it takes a quarter of an hour.
const LONG: [&str; 1] = ["load"];

fn main() {
    let mut table = Table::default();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let parts: [Part; 11] = [
        ("agent", agent::measure),
        ("ingest", hub::ingest),
        ("notify", hub::notification),
        ("fan-out", hub::fan_out),
        ("load", load::measure),
        ("metrics", metrics::measure),
        ("rollups", rollups::measure),
        ("restart", restart::measure),
        ("peer", peer::measure),
        ("deploy", deploy::measure),
        ("exec", exec::measure),
    ];
    for (name, part) in parts {
        let named = wanted.iter().any(|wanted| wanted == name);
        if named || wanted.is_empty() && !LONG.contains(&name) {
            eprintln!("measuring: {name}");
            part(&mut table);
        }
    }
    println!("{table}");
}
