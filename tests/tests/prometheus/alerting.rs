//! A real Prometheus whose Alertmanager the hub is, and amtool against it.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use watchtower_testkit::need;
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::remote_write::{Series, request};
use watchtower_testkit::wait;
use watchtower_tests::agents::now_ms;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{BOOTSTRAP, Hub, Setup};
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(40);

#[test]
fn prometheus_sends_its_alerts_and_their_ends() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let made = api.post("/integrations", &json!({"name": "prom", "kind": "alertmanager"}));
    let (key, url) = (text(&made["key"]), text(&made["url"]));
    let host = url.trim_start_matches("http://").trim_end_matches("/alertmanager");
    let dir = tempfile::TempDir::with_prefix("wt-alerting-").unwrap();
    let rules = dir.path().join("rules.yml");
    // Prometheus looks for its Alertmanagers for five seconds, and repeats what it could not send after a minute.
    let rule = "groups:\n- name: g\n  rules:\n  - alert: JobIsGone\n    expr: absent(healthy)\n    for: 7s\n    labels: {severity: page}\n    annotations: {summary: the job is gone}\n";
    std::fs::write(&rules, rule).unwrap();
    let config = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: ['{}']\nalerting:\n  alertmanagers:\n  - path_prefix: /alertmanager\n    authorization: {{credentials: '{key}'}}\n    static_configs: [{{targets: ['{host}']}}]\n",
        rules.display()
    );
    let Some(prometheus) = Prometheus::with_config(&config) else { return };
    let incident = wait::until(SOON, "the incident", || api.list("/incidents").into_iter().next());
    assert_eq!((&incident["title"], &incident["severity"]), (&json!("the job is gone"), &json!("critical")));
    amtool(&hub, &url);

    let labels = [("__name__".to_string(), "healthy".to_string())];
    let sent = request(&[Series { labels: &labels, samples: &[(now_ms(), 1.0)] }]);
    let to = Api::new(&prometheus.url(), None);
    assert_eq!(to.raw("POST", "/api/v1/write", "application/x-protobuf", &sent).unwrap().status, 204);
    wait::until(SOON, "the end of it", || (api.list("/incidents")[0]["state"] == "resolved").then_some(()));
    assert_eq!(api.list("/incidents").len(), 1, "what is told again and again is one alert");
}

/// Reads with an API token as the password, as it does behind a proxy.
fn amtool(hub: &Hub, url: &str) {
    let dir = tempfile::TempDir::with_prefix("wt-amtool-").unwrap();
    let config = dir.path().join("http.yml");
    std::fs::write(&config, format!("authorization: {{credentials: '{BOOTSTRAP}'}}\n")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new("amtool");
        let base = format!("--alertmanager.url={url}");
        command.args([&base, &format!("--http.config.file={}", config.display())]).args(arguments);
        command.output()
    };
    let Ok(found) = run(&["alert", "query", "-o", "json", "alertname=JobIsGone"]) else {
        return need::lacks("amtool (Debian package prometheus-alertmanager)");
    };
    let told = String::from_utf8_lossy(&found.stdout).to_string();
    assert!(found.status.success() && told.contains("the job is gone"), "{found:?}");
    let none = run(&["alert", "query", "-o", "json", "alertname=Other"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&none.stdout).trim(), "[]", "{none:?}");
    silences(hub, &|arguments| run(arguments).unwrap());
    let shown = run(&["config", "show"]).unwrap();
    assert!(shown.status.success(), "{shown:?}");
    // The key of the integration may send, and read nothing.
    let api = hub.api().with_token(None);
    assert_eq!(api.raw("GET", "/alertmanager/api/v2/alerts", "", b"").unwrap().status, 401);
    assert_eq!(api.raw("GET", "/alertmanager/-/ready", "", b"").unwrap().status, 200);
}

/// Made, seen, changed and ended by amtool: nobody is paged meanwhile, and the alert says by what it is silenced.
fn silences(hub: &Hub, run: &dyn Fn(&[&str]) -> Output) {
    let said = |arguments: &[&str]| {
        let done = run(arguments);
        assert!(done.status.success(), "{arguments:?}: {done:?}");
        String::from_utf8_lossy(&done.stdout).trim().to_string()
    };
    let add = ["silence", "add", "alertname=JobIsGone", "severity=~pag.", "--duration=1h"];
    let id = said(&[&add[..], &["--comment=planned work"]].concat());
    let listed = said(&["silence", "query", "-o", "json", "alertname=JobIsGone"]);
    assert!(listed.contains(&id) && listed.contains("planned work"), "{listed}");
    assert_eq!(said(&["silence", "query", "-q", "alertname=Other"]), "");
    assert_eq!(said(&["alert", "query", "-o", "json", "alertname=JobIsGone"]), "[]", "it is silenced");
    let silenced = said(&["alert", "query", "-o", "json", "--silenced", "alertname=JobIsGone"]);
    assert!(silenced.contains(&format!("\"silencedBy\":[\"{id}\"]")), "{silenced}");
    let api = hub.api();
    let why = |api: &Api| api.list("/alerts?state=firing")[0]["suppressed_by"].clone();
    assert!(text(&why(&api)).contains("planned work"), "{}", why(&api));
    wait::until(SOON, "the incident to know", || {
        let lines = api.list("/incidents/1/timeline");
        lines.iter().any(|line| text(&line["text"]).contains("planned work")).then_some(())
    });

    // Of an id that it was told, this amtool prints where it lies in memory.
    said(&["silence", "update", "--comment=longer", "--duration=2h", "-q", &id]);
    said(&["silence", "expire", &id]);
    assert!(said(&["alert", "query", "-o", "json", "alertname=JobIsGone"]).contains("JobIsGone"));
    let ended = said(&["silence", "query", "--expired", "-o", "json"]);
    assert!(ended.contains("longer") && ended.contains("expired"), "{ended}");
    wait::until(SOON, "the incident to go on", || {
        let lines = api.list("/incidents/1/timeline");
        lines.iter().any(|line| text(&line["text"]).contains("what kept it quiet ended")).then_some(())
    });
    // Without a comment nobody would know why.
    assert!(!run(&["silence", "add", "alertname=JobIsGone", "--comment="]).status.success());
}
