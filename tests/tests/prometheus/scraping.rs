//! Agents scrape what root named on their server: a real node_exporter, one that goes down, and one that is no longer named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use watchtower_testkit::prometheus::Prometheus;
use watchtower_testkit::tether::{Tether, Tethered};
use watchtower_testkit::{need, port, wait};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::local_agent::LocalAgent;

const SOON: Duration = Duration::from_secs(30);
const EXPORTER: &str = "prometheus-node-exporter";

/// `None` if it is not installed, with the reason told.
fn is_installed() -> Option<()> {
    let mut version = Command::new(EXPORTER);
    if version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        need::lacks("node_exporter (Debian package prometheus-node-exporter)");
        return None;
    }
    Some(())
}

fn exporter(port: u16) -> Tether {
    exporter_with(port, None)
}

fn exporter_with(port: u16, more: Option<String>) -> Tether {
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    Tethered {
        program: Path::new(EXPORTER),
        args: std::iter::once(listen).chain(more).collect(),
        envs: vec![],
        ids: None,
        log: None,
        stop_signal: "TERM",
    }
    .spawn()
}

/// Writes a file below the agent's own directory.
fn configure(agent: &LocalAgent, text: &str) -> PathBuf {
    let dir = agent.state().join("scrape.d");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("test.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn value(api: &Api, query: &str) -> Option<f64> {
    api.promql(query).first().and_then(|element| element["value"][1].as_str()?.parse().ok())
}

fn wait_value(api: &Api, query: &str, wanted: Option<f64>) {
    let mut seen = None;
    wait::until(SOON, &format!("{query} to be {wanted:?}"), || {
        seen = value(api, query);
        (seen == wanted).then_some(())
    });
}

#[test]
fn a_real_exporter_is_scraped_goes_down_comes_back_and_is_forgotten() {
    if is_installed().is_none() {
        return;
    }
    let port = port::free();
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "web-1", "mode = \"monitor\"\n");
    let path = configure(
        &agent,
        &format!(
            "[[scrape]]\njob = 'exporter'\ntargets = ['127.0.0.1:{port}']\ninterval_seconds = 1\ntimeout_seconds = 1\n\
             labels = {{tier = 'base'}}\n\
             metric_relabel = [{{source_labels = ['__name__'], regex = 'go_.*', action = 'drop'}}]\n"
        ),
    );
    let mut running = Some(exporter(port));
    let _tether = agent.run();
    let api = hub.api();
    let of = format!("job=\"exporter\",instance=\"web-1\",target=\"127.0.0.1:{port}\",tier=\"base\"");
    wait_value(&api, &format!("up{{{of}}}"), Some(1.0));
    wait_value(&api, &format!("count(node_uname_info{{{of}}})"), Some(1.0));
    assert!(value(&api, &format!("scrape_duration_seconds{{{of}}}")).unwrap() > 0.0);
    let scraped = value(&api, &format!("scrape_samples_scraped{{{of}}}")).unwrap();
    let kept = value(&api, &format!("scrape_samples_post_metric_relabeling{{{of}}}")).unwrap();
    let stored = value(&api, &format!("count({{__name__=~\".+\",{of}}})")).unwrap();
    assert!(kept < scraped && stored == kept + 4.0, "{scraped} scraped, {kept} kept, {stored} stored");
    assert_eq!(value(&api, &format!("count(go_goroutines{{{of}}})")), None);
    // The server's own series are not mixed up with those of the same names.
    assert_eq!(value(&api, "count(up{job=\"node\",instance=\"web-1\"})"), Some(1.0));
    assert_eq!(value(&api, "count(node_load1{job=\"node\"})"), Some(1.0));
    let load = wait::until(SOON, "the panel of the load", || {
        let load = api.get("/servers/web-1/panels")["panels"][1]["series"].as_array().map_or(0, Vec::len);
        (load > 0).then_some(load)
    });
    assert_eq!(load, 3, "three averages, each once");

    described(&api, port);

    drop(running.take());
    wait_value(&api, &format!("up{{{of}}}"), Some(0.0));
    assert_eq!(value(&api, &format!("count(node_uname_info{{{of}}})")), None, "its series end at once");
    running = Some(exporter(port));
    wait_value(&api, &format!("up{{{of}}}"), Some(1.0));
    wait_value(&api, &format!("count(node_uname_info{{{of}}})"), Some(1.0));
    std::fs::remove_file(path).unwrap();
    wait_value(&api, &format!("count({{__name__=~\".+\",{of}}})"), None);
    assert_eq!(value(&api, "up{job=\"node\",instance=\"web-1\"}"), Some(1.0));
    drop(running);
}

/// What the exporter says of its names is answered as a Prometheus answers that scrapes it too, also to those who see the server alone.
fn described(api: &Api, port: u16) {
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: e\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
    );
    let Some(prometheus) = Prometheus::with_config(&config) else { return };
    let theirs = Api::new(&prometheus.url(), None);
    let of = |api: &Api, path: &str| api.raw("GET", path, "", b"").unwrap().body["data"].clone();
    let path = "/prometheus/api/v1/metadata";
    let expected = wait::until(SOON, "Prometheus to have scraped", || {
        let all = of(&theirs, "/api/v1/metadata").as_object().cloned().unwrap_or_default();
        (all.len() > 100).then_some(all)
    });
    wait::until(SOON, "all of it to be told", || {
        let got = of(api, path);
        let same =
            |(name, told): (&String, &Value)| got[name].as_array().is_some_and(|all| all.contains(&told[0]));
        expected.iter().all(same).then_some(())
    });
    let made = api.post("/tokens", &json!({"name": "web", "role": "viewer", "servers": "name=\"web-1\""}));
    let limited = of(&api.with_token(made["secret"].as_str()), path);
    assert_eq!(limited["node_scrape_collector_success"], expected["node_scrape_collector_success"]);
    assert!(limited.get("go_goroutines").is_none(), "its series were dropped: {limited}");
    let made = api.post("/tokens", &json!({"name": "none", "role": "viewer", "servers": "name=\"web-2\""}));
    assert_eq!(of(&api.with_token(made["secret"].as_str()), path), json!({}));
}

/// A certificate for `name` of an authority of its own, and both as files: `ca.pem`, `cert.pem`, `key.pem`.
fn certify(dir: &Path, name: &str) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let certificate = CertificateParams::new(vec![name.into()]).unwrap().signed_by(&key, &issuer).unwrap();
    for (file, text) in
        [("ca.pem", ca_certificate.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())]
    {
        std::fs::write(dir.join(file), text).unwrap();
    }
}

#[test]
fn an_exporter_behind_tls_is_scraped_by_whom_it_knows_and_believed_if_known() {
    if is_installed().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path(), "exporter.test");
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (ca, certificate, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
    let web = format!(
        "tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {ca}\n"
    );
    std::fs::write(dir.path().join("web.yml"), web).unwrap();
    let port = port::free();
    let _exporter = exporter_with(port, Some(format!("--web.config.file={}", file("web.yml"))));
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "web-1", "mode = \"monitor\"\n");
    let client = format!("cert_file = '{certificate}', key_file = '{key}'");
    let jobs = [
        ("known", format!("ca_file = '{ca}', server_name = 'exporter.test', {client}"), 1.0),
        ("skipped", format!("insecure_skip_verify = true, {client}"), 1.0),
        ("stranger", format!("ca_file = '{ca}', server_name = 'exporter.test'"), 0.0),
        ("misnamed", format!("ca_file = '{ca}', {client}"), 0.0),
        ("untrusted", format!("server_name = 'exporter.test', {client}"), 0.0),
    ];
    let job = |(name, tls, _): &(&str, String, f64)| {
        format!(
            "[[scrape]]\njob = '{name}'\ntargets = ['127.0.0.1:{port}']\nscheme = 'https'\ninterval_seconds = 1\ntimeout_seconds = 1\ntls_config = {{{tls}}}\n"
        )
    };
    configure(&agent, &jobs.iter().map(job).collect::<String>());
    let _tether = agent.run();
    let api = hub.api();
    for (name, _, up) in &jobs {
        wait_value(&api, &format!("up{{job=\"{name}\"}}"), Some(*up));
    }
    wait_value(&api, "count(node_uname_info{job=\"known\"})", Some(1.0));
    // What the files hold is read again once they no longer do.
    certify(dir.path(), "exporter.test");
    wait_value(&api, "up{job=\"known\"}", Some(0.0));
    let _exporter =
        (drop(_exporter), exporter_with(port, Some(format!("--web.config.file={}", file("web.yml")))));
    wait_value(&api, "up{job=\"known\"}", Some(1.0));
}

#[test]
fn what_a_file_wants_wrongly_is_a_metric_and_hinders_nothing() {
    let hub = Hub::start(Setup::default());
    let agent = LocalAgent::enrol(&hub, "web-1", "mode = \"monitor\"\n");
    configure(&agent, "[[scrape]]\njob = 'a'\ntargets = ['127.0.0.1:1']\nlabels = {instance = 'web-2'}\n");
    let _tether = agent.run();
    let api = hub.api();
    wait_value(&api, "watchtower_agent_scrape_config_error{instance=\"web-1\"}", Some(1.0));
    assert_eq!(value(&api, "watchtower_agent_scrape_targets"), Some(0.0));
    configure(&agent, "[[scrape]]\njob = 'a'\ntargets = ['127.0.0.1:1']\n");
    wait_value(&api, "watchtower_agent_scrape_config_error", Some(0.0));
    wait_value(&api, "up{job=\"a\",target=\"127.0.0.1:1\"}", Some(0.0));
    assert_eq!(value(&api, "up{job=\"node\"}"), Some(1.0));
}
