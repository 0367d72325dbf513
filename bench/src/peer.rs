//! Prometheus with Alertmanager, both tuned to one second, on the same question: from the scrape that read trouble to the webhook.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use watchtower_testkit::port;
use watchtower_tests::agents::now_ms;
use watchtower_tests::sink::Sink;

use crate::process::find;
use crate::table::{Table, spread};

const WHAT: &str = "Prometheus + Alertmanager, tuned to 1 s, p50 / p95 / p99";
/// Where a scrape falls between two evaluations is decided at the start, by chance.
const STARTS: u64 = 8;
const ROUNDS: u64 = 12;

/// A target whose one series names the round that is in trouble.
#[derive(Default)]
struct Target {
    round: AtomicU64,
    /// When the present round was read first.
    read_ms: AtomicI64,
}

pub fn measure(table: &mut Table) {
    let (Some(prometheus), Some(alertmanager)) = (find("prometheus"), find("prometheus-alertmanager")) else {
        return table.row(WHAT, "not installed".into(), "", "");
    };
    let mut latencies: Vec<i64> = (0..STARTS).flat_map(|_| rounds([&prometheus, &alertmanager])).collect();
    table.row(
        WHAT,
        spread(&mut latencies),
        "",
        &format!("{} of {} rounds, one target with one series", latencies.len(), STARTS * ROUNDS),
    );
}

/// Between a start and the next the time from a scrape to the evaluation behind it hardly changes.
fn rounds(programs: [&Path; 2]) -> Vec<i64> {
    let Ok(dir) = tempfile::tempdir() else { return Vec::new() };
    let target = Arc::new(Target::default());
    let target_port = serve(&target);
    let sink = Sink::start();
    let (prometheus_port, alertmanager_port) = (port::free(), port::free());
    configure(dir.path(), &sink, target_port, alertmanager_port);
    let mut children = start(dir.path(), programs, prometheus_port, alertmanager_port);
    std::thread::sleep(Duration::from_secs(6));
    let latencies = (1..=ROUNDS).filter_map(|round| one(&target, &sink, round)).collect();
    for child in &mut children {
        let _ = child.kill();
        let _ = child.wait();
    }
    latencies
}

fn one(target: &Target, sink: &Sink, round: u64) -> Option<i64> {
    target.read_ms.store(0, Ordering::SeqCst);
    target.round.store(round, Ordering::SeqCst);
    let began = Instant::now();
    let wanted = round.to_string();
    let found = loop {
        let call = sink.calls().into_iter().find(|call| {
            call.body["alerts"]
                .as_array()
                .is_some_and(|all| all.iter().any(|alert| alert["labels"]["round"] == wanted.as_str()))
        });
        if call.is_some() || began.elapsed() > Duration::from_secs(15) {
            break call;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Some(found?.at_ms - target.read_ms.load(Ordering::SeqCst))
}

fn serve(target: &Arc<Target>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback address has a free port");
    let port = listener.local_addr().map_or(0, |address| address.port());
    let target = Arc::clone(target);
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut lines = BufReader::new(&socket).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let round = target.round.load(Ordering::SeqCst);
            let body = format!("trouble{{round=\"{round}\"}} {}\n", u8::from(round > 0));
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = socket.write_all(format!("{head}{body}").as_bytes());
            if round > 0 {
                let _ = target.read_ms.compare_exchange(0, now_ms(), Ordering::SeqCst, Ordering::SeqCst);
            }
        }
    });
    port
}

fn configure(dir: &Path, sink: &Sink, target: u16, alertmanager: u16) {
    let prometheus = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
    );
    let rules = "groups: [{name: g, rules: [{alert: Trouble, expr: trouble > 0}]}]\n";
    let routes = format!(
        "route: {{receiver: w, group_by: [round], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\n\
         receivers: [{{name: w, webhook_configs: [{{url: '{}'}}]}}]\n",
        sink.url()
    );
    for (name, text) in
        [("prometheus.yml", prometheus.as_str()), ("rules.yml", rules), ("alertmanager.yml", &routes)]
    {
        fs::write(dir.join(name), text).expect("the temporary folder is writable");
    }
}

fn start(
    dir: &Path,
    [prometheus, alertmanager]: [&Path; 2],
    port: u16,
    alertmanager_port: u16,
) -> Vec<Child> {
    let spawn = |program: &Path, args: Vec<String>| {
        Command::new(program)
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    };
    let alertmanager = spawn(
        alertmanager,
        vec![
            "--config.file=alertmanager.yml".into(),
            "--storage.path=am".into(),
            format!("--web.listen-address=127.0.0.1:{alertmanager_port}"),
            "--cluster.listen-address=".into(),
        ],
    );
    let prometheus = spawn(
        prometheus,
        vec![
            "--config.file=prometheus.yml".into(),
            "--storage.tsdb.path=data".into(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ],
    );
    [alertmanager, prometheus].into_iter().flatten().collect()
}
