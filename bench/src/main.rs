//! Measures the budgets on this machine, beside node_exporter, Prometheus with Alertmanager, VictoriaMetrics and Ansible where they are
//! installed.
//!
//! `make bench` gives it a release hub and the static agent. Timings of shared machines are noisy: compare rows of one run.
#![allow(clippy::print_stdout)]

mod agent;
mod deploy;
mod hub;
mod metrics;
mod node;
mod peer;
mod process;
mod restart;
mod table;

use table::Table;

/// A part of the measurements, by its name.
type Part = (&'static str, fn(&mut Table));

fn main() {
    let mut table = Table::default();
    let wanted = std::env::args().nth(1);
    let parts: [Part; 8] = [
        ("agent", agent::measure),
        ("ingest", hub::ingest),
        ("notify", hub::notification),
        ("fan-out", hub::fan_out),
        ("metrics", metrics::measure),
        ("restart", restart::measure),
        ("peer", peer::measure),
        ("deploy", deploy::measure),
    ];
    for (name, part) in parts {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            eprintln!("measuring: {name}");
            part(&mut table);
        }
    }
    println!("{table}");
}
