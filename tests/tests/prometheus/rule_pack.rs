//! A rule pack and a Grafana dashboard, both written for Prometheus and node_exporter, on what a real agent reports.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;

const PACK: &str = include_str!("packs/node.rules.yml");
/// As Grafana's "Node Exporter Full" (dashboard 1860) asks, with its variables filled in; one of each kind.
const DASHBOARD: &[&str] = &[
    "label_values(node_uname_info, job)",
    "100 * (1 - avg(rate(node_cpu_seconds_total{mode=\"idle\", instance=\"$node\"}[$__rate_interval])))",
    "(node_load1{instance=\"$node\",job=\"$job\"} * 100) / on(instance) group_left sum by (instance)(irate(node_cpu_seconds_total{instance=\"$node\",job=\"$job\"}[$__rate_interval]))",
    "count(count(node_cpu_seconds_total{instance=\"$node\",job=\"$job\"}) by (cpu))",
    "node_memory_MemTotal_bytes{instance=\"$node\",job=\"$job\"}",
    "(1 - (node_memory_MemAvailable_bytes{instance=\"$node\", job=\"$job\"} / node_memory_MemTotal_bytes{instance=\"$node\", job=\"$job\"})) * 100",
    "100 - ((node_filesystem_avail_bytes{instance=\"$node\",job=\"$job\",mountpoint=\"/\",fstype!=\"rootfs\"} * 100) / node_filesystem_size_bytes{instance=\"$node\",job=\"$job\",mountpoint=\"/\",fstype!=\"rootfs\"})",
    "node_time_seconds{instance=\"$node\",job=\"$job\"} - node_boot_time_seconds{instance=\"$node\",job=\"$job\"}",
    "sum(irate(node_cpu_seconds_total{instance=\"$node\",job=\"$job\", mode=\"system\"}[$__rate_interval])) / scalar(count(count(node_cpu_seconds_total{instance=\"$node\",job=\"$job\"}) by (cpu)))",
    "node_memory_MemTotal_bytes{instance=\"$node\",job=\"$job\"} - node_memory_MemFree_bytes{instance=\"$node\",job=\"$job\"} - (node_memory_Cached_bytes{instance=\"$node\",job=\"$job\"} + node_memory_Buffers_bytes{instance=\"$node\",job=\"$job\"} + node_memory_SReclaimable_bytes{instance=\"$node\",job=\"$job\"})",
    "rate(node_network_receive_bytes_total{instance=\"$node\",job=\"$job\"}[$__rate_interval])*8",
    "node_load1{instance=\"$node\",job=\"$job\"}",
    "node_load5{instance=\"$node\",job=\"$job\"}",
    "node_load15{instance=\"$node\",job=\"$job\"}",
    "node_filefd_allocated{instance=\"$node\",job=\"$job\"}",
    "node_filesystem_files_free{instance=\"$node\",job=\"$job\",device!~\"rootfs\"}",
    "irate(node_intr_total{instance=\"$node\",job=\"$job\"}[$__rate_interval])",
    "irate(node_context_switches_total{instance=\"$node\",job=\"$job\"}[$__rate_interval])",
    "irate(node_forks_total{instance=\"$node\",job=\"$job\"}[$__rate_interval])",
    "node_procs_running{instance=\"$node\",job=\"$job\"}",
    "irate(node_vmstat_pgpgin{instance=\"$node\",job=\"$job\"}[$__rate_interval])",
    "node_netstat_Tcp_CurrEstab{instance=\"$node\",job=\"$job\"}",
    "node_sockstat_TCP_inuse{instance=\"$node\",job=\"$job\"}",
];

fn import(api: &Api, dry_run: bool) -> Vec<Value> {
    let answer = api.post("/rules/import", &json!({"text": PACK, "dry_run": dry_run}));
    assert_eq!(answer["problems"], json!([]), "{answer}");
    answer["rules"].as_array().cloned().unwrap_or_default()
}

fn outcomes(rules: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = rules.iter().map(|rule| rule["outcome"].as_str().unwrap_or("")).collect();
    all.dedup();
    all
}

#[test]
fn a_pack_is_imported_and_evaluated_and_a_dashboard_answered() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let before = api.list("/rules?limit=500").len();
    assert_eq!(outcomes(&import(&api, true)), ["created"]);
    assert_eq!(api.list("/rules?limit=500").len(), before, "a dry run changes nothing");
    assert_eq!(outcomes(&import(&api, false)), ["created"]);
    assert_eq!(outcomes(&import(&api, false)), ["unchanged"]);
    let agent = LocalAgent::enrol(&hub, "web-1", "mode = \"monitor\"\n");
    let _running = agent.run();
    let pack = || -> Vec<Value> {
        api.list("/rules?limit=500").into_iter().filter(|rule| rule["builtin"] == json!(false)).collect()
    };
    assert_eq!(pack().len(), 20);
    wait::until(Duration::from_secs(60), "every rule of the pack to be evaluated", || {
        pack().iter().all(|rule| rule["last_evaluated_at"].is_string()).then_some(())
    });
    for rule in pack() {
        assert_eq!(rule["last_error"], Value::Null, "{rule}");
    }
    what_is_recorded_can_be_read(&api);
    let alert = wait::until(Duration::from_secs(20), "the pack's own alert", || {
        api.list("/alerts?state=firing").into_iter().find(|a| a["labels"]["alertname"] == "NodeHere")
    });
    assert_eq!((&alert["labels"]["pack"], &alert["labels"]["instance"]), (&json!("node"), &json!("web-1")));
    assert!(alert["summary"].as_str().unwrap_or("").starts_with("load of web-1 "), "{alert}");
    a_dashboard_is_answered(&api);
}

fn what_is_recorded_can_be_read(api: &Api) {
    let value = |query: &str| -> f64 {
        wait::until(Duration::from_secs(30), query, || {
            let all = api.promql(query);
            all.first().and_then(|e| e["value"][1].as_str()?.parse().ok())
        })
    };
    let cores = value("count(node_cpu_seconds_total{mode=\"idle\"})");
    // What one server's series decide is that server's, with its labels; what all decide belongs to nobody.
    assert_eq!(value("instance:node_num_cpu:sum{instance=\"web-1\", job=\"node\"}"), cores);
    assert_eq!(value("cluster:node_cpu:count"), cores);
    let ratio = value("instance:node_load1_per_cpu:ratio / (node_load1 / instance:node_num_cpu:sum)");
    assert!((0.2..5.0).contains(&ratio), "a rule reads what the rule before it recorded: {ratio}");
    let busy = value("instance:node_cpu_utilisation:rate5m{source=\"pack\"}");
    assert!((0.0..=1.0).contains(&busy), "{busy}");
}

fn a_dashboard_is_answered(api: &Api) {
    // Rates need two reports.
    std::thread::sleep(Duration::from_secs(3));
    for query in DASHBOARD.iter().filter(|query| !query.starts_with("label_values")) {
        let filled =
            query.replace("$node", "web-1").replace("$job", "node").replace("$__rate_interval", "1m");
        let found = api.promql(&filled);
        assert!(!found.is_empty(), "{filled} has no data");
    }
    let jobs = api.call("GET", "/prometheus/api/v1/label/job/values?match[]=node_uname_info", None);
    assert_eq!(jobs.body["data"], json!(["node"]));
}
