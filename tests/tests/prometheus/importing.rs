//! An `alertmanager.yml` taken over: amtool says whom an alert is for, and so does the hub.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use watchtower_testkit::need;
use watchtower_tests::cli::Cli;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/prometheus/fixtures/alertmanager.yml");
/// Whatever these are: they are in no output.
const SECRETS: [&str; 6] =
    ["mail-password", "slack-secret", "audit-secret", "pagerduty-secret", "opsgenie-secret", "web-secret"];

/// `watchtower config WORDS`, with the secrets that an import asks for.
fn config(url: &str, words: &[&str]) -> (i32, String, String) {
    let mut cli = Cli::new(url);
    for name in ["OPS_MAIL_PASSWORD", "DB_PAGER_ROUTING_KEY"] {
        cli = cli.env(name, "0123456789abcdef0123456789abcdef");
    }
    for name in ["AUDIT_URL", "DB_CHAT_URL", "WEB_CHAT_URL"] {
        cli = cli.env(name, &format!("https://chat.example.org/{name}"));
    }
    let said = cli.run(&[&["config"], words].concat(), "");
    (said.exit, said.out, said.errors)
}

/// The receivers of an alert as amtool finds them, without the one that tells nobody where there are others.
fn receivers(labels: &[&str]) -> Option<String> {
    let mut command = Command::new("amtool");
    command.args(["config", "routes", "test", &format!("--config.file={CONFIG}")]).args(labels);
    let output = command.output().ok()?;
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = said.trim().split(',').map(str::trim).collect();
    if names.iter().any(|name| *name != "null") {
        names.retain(|name| *name != "null");
    }
    names.sort_unstable();
    names.dedup();
    Some(names.join(" and "))
}

/// One of each combination of values that the tree asks for, and others.
fn alerts() -> Vec<Vec<&'static str>> {
    let values: [&[&str]; 6] = [
        &["alertname=Watchdog", "alertname=Other"],
        &["severity=critical", "severity=warning"],
        &["service=mysql", "service=mysqld", ""],
        &["env=test", "env=prod"],
        &["owner=team-a", ""],
        &["team=web", "team=batch", "region=eu"],
    ];
    values.iter().fold(vec![Vec::new()], |all, values| {
        let with = |one: &Vec<&'static str>, value: &'static str| {
            one.iter().copied().chain(Some(value).filter(|value| !value.is_empty())).collect()
        };
        all.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect()
    })
}

#[test]
fn an_alertmanager_that_is_taken_over_sends_to_the_same_people() {
    let checked = Command::new("amtool").args(["check-config", CONFIG]).output();
    let Ok(checked) = checked else { return need::lacks("amtool (Debian package prometheus-alertmanager)") };
    assert!(checked.status.success(), "{checked:?}");
    let (hub, dir) = (Hub::start(Setup::default()), TempDir::with_prefix("wt-import-").unwrap());
    let (exit, imported, errors) = config(&hub.url(), &["import", "alertmanager", CONFIG]);
    assert_eq!(exit, 0, "{errors}");
    assert!(!SECRETS.iter().any(|secret| imported.contains(secret)), "{imported}");
    let file = dir.path().join("imported.yaml").display().to_string();
    std::fs::write(&file, &imported).unwrap();
    let (exit, _, errors) = config(&hub.url(), &["apply", &file]);
    assert_eq!(exit, 0, "{errors}\n{imported}");
    let (exit, differs, _) = config(&hub.url(), &["diff", &file, "--keep-secrets"]);
    assert_eq!((exit, differs.as_str()), (0, ""));
    same_people(&hub);
    let windows = hub.api().list("/maintenance-windows");
    let words: Vec<String> = windows.iter().map(|one| text(&one["words"])).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    assert!(
        words.contains(&"at 20:00 from Monday to Friday, Europe/Berlin, for 4h".to_string()),
        "{words:?}"
    );
    let inhibitions: Vec<String> =
        hub.api().list("/inhibitions").iter().map(|one| text(&one["target"])).collect();
    assert_eq!(
        inhibitions,
        ["{severity=\"warning\"}", "{alertname!=\"ClusterDown\", severity=~\"warning|critical\"}"]
    );
}

fn same_people(hub: &Hub) {
    let api = hub.api();
    let made = api.post("/integrations", &json!({"name": "prom", "kind": "alertmanager"}));
    let sender = api.with_token(Some(&text(&made["key"])));
    let services = api.list("/services");
    let name = |id: &Value| services.iter().find(|one| one["id"] == *id).map(|one| text(&one["name"]));
    let all = alerts();
    assert!(all.len() > 100, "{}", all.len());
    for (number, labels) in all.iter().enumerate() {
        let mut wire: serde_json::Map<String, Value> = labels
            .iter()
            .filter_map(|label| label.split_once('='))
            .map(|(name, value)| (name.to_string(), value.into()))
            .collect();
        wire.insert("number".into(), number.to_string().into());
        let body =
            json!([{ "labels": wire, "annotations": {"summary": format!("alert {number}")} }]).to_string();
        let answer =
            sender.raw("POST", "/alertmanager/api/v2/alerts", "application/json", body.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let mut incidents = api.list("/incidents?limit=500");
    assert_eq!(incidents.len(), all.len());
    incidents.sort_by_key(|incident| text(&incident["title"])[6..].parse::<usize>().unwrap());
    for (labels, incident) in all.iter().zip(&incidents) {
        assert_eq!(name(&incident["service_id"]), receivers(labels), "{labels:?} {incident}");
    }
}

#[test]
fn what_has_no_equal_is_named_with_its_line() {
    let (exit, imported, errors) = config("http://127.0.0.1:1", &["import", "alertmanager", CONFIG]);
    assert_eq!(exit, 0, "{errors}");
    for note in [
        "line 3: resolve_timeout: ",
        "line 10: templates: ",
        "line 16: group_wait: ",
        "line 52: active_time_intervals: ",
        "line 80: the receiver \"null\" tells nobody: ",
        "line 87: url: secrets are not copied: set AUDIT_URL to it",
        "line 91: channel: ",
        "line 97: opsgenie_configs: there is no such channel",
        "line 106: no route leads to the receiver \"forgotten\"",
    ] {
        assert!(imported.contains(&format!("#   {note}")), "{note} is not in {imported}");
    }
    let wrong = TempDir::with_prefix("wt-import-").unwrap();
    let file = wrong.path().join("prometheus.yml").display().to_string();
    std::fs::write(&file, "scrape_configs: []\n").unwrap();
    let (exit, out, errors) = config("http://127.0.0.1:1", &["import", "alertmanager", &file]);
    assert!(exit == 2 && out.is_empty() && errors.contains("is it an alertmanager.yml?"), "{exit} {errors}");
}
