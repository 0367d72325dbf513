//! The agent: memory and CPU after many collections, size, bytes on the wire; beside node_exporter.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchtower_testkit::port;
use watchtower_tests::hub::agents_dir;

use crate::process::{cpu_seconds, file_mb, find, resident_mb};
use crate::table::Table;

const COLLECTIONS: u32 = 100_000;
const SCRAPES: u32 = 100;

/// What node_exporter took.
struct Exporter {
    resident_mb: f64,
    cpu_ms: f64,
    binary_mb: f64,
}

pub fn measure(table: &mut Table) {
    let program = agents_dir().join(format!("watchtower-agent-{}", std::env::consts::ARCH));
    let output = Command::new(&program).args(["collect", "--repeat", &COLLECTIONS.to_string()]).output();
    let found: Value =
        output.ok().and_then(|out| serde_json::from_slice(&out.stdout).ok()).unwrap_or(Value::Null);
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let peer = exporter();
    let beside =
        |show: fn(&Exporter) -> String| peer.as_ref().map_or("node_exporter: not installed".into(), show);
    table.row(
        "agent RssAnon / VmRSS after 100,000 collections",
        format!("{:.2} / {:.2} MB", number("rss_anon_bytes") / 1e6, number("vm_rss_bytes") / 1e6),
        "<= 3 / 6 MB",
        &beside(|e| format!("node_exporter {:.1} MB after {SCRAPES} scrapes", e.resident_mb)),
    );
    table.row(
        "agent CPU per collection; per process listed",
        format!("{:.2} ms; {:.0} us", number("cpu_ms_per_collection"), number("cpu_us_per_process")),
        "<= 2 ms; 40 us",
        &beside(|e| format!("node_exporter {:.1} ms per scrape", e.cpu_ms)),
    );
    table.row(
        "agent binary",
        format!("{:.2} MB", file_mb(&program)),
        "<= 6 MB",
        &beside(|e| format!("node_exporter {:.1} MB", e.binary_mb)),
    );
    let wire = format!("{:.0} B ({} series)", number("wire_bytes_per_report"), number("series"));
    table.row("wire per report", wire, "<= 1,500 B", "");
}

fn exporter() -> Option<Exporter> {
    let program = find("prometheus-node-exporter")?;
    let port = port::free();
    let mut child: Child = Command::new(&program)
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    std::thread::sleep(Duration::from_secs(1));
    let pid = child.id() as i32;
    let before = cpu_seconds(pid);
    let scraped = (0..SCRAPES).filter(|_| scrape(port).is_some()).count().max(1);
    let cpu_ms = (cpu_seconds(pid) - before) * 1000.0 / scraped as f64;
    let found = Exporter { resident_mb: resident_mb(pid), cpu_ms, binary_mb: file_mb(&program) };
    let _ = child.kill();
    let _ = child.wait();
    Some(found)
}

fn scrape(port: u16) -> Option<usize> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
    socket.write_all(b"GET /metrics HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n").ok()?;
    let mut body = Vec::new();
    socket.read_to_end(&mut body).ok()
}
