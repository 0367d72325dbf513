//! What the hub's two listeners let out to strangers: files beside the dashboard, and what there is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::text;

use super::{PASSWORD, user};

/// Ways out of a folder, to a file that is there.
const ESCAPES: &[&str] = &[
    "/dashboard../data/keys/master.key",
    "/../keys/master.key",
    "/../../../../../../../../etc/passwd",
    "/assets/../../data/keys/master.key",
    "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/..%5c..%5cetc%5cpasswd",
    "/....//....//etc/passwd",
    "//etc/passwd",
    "/assets//etc/passwd",
    "/etc/passwd%00.js",
    "/i/../../etc/passwd",
    "/api/v1/servers/..%2f..%2f..%2fetc%2fpasswd",
    "/api/v1/../../etc/passwd",
];

/// CVE-2026-53519 (Nezha): a path beside the dashboard led to the key that signs sessions. CVE-2020-11652 (Salt), CVE-2026-27734 (Beszel):
/// dots in a name led elsewhere.
#[test]
fn no_path_leads_out_of_the_dashboard() {
    let hub = Hub::start(Setup::default());
    let address = hub.url().replace("http://", "");
    let page = get(&address, "/nowhere-in-particular");
    for path in ESCAPES {
        let answer = get(&address, path);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or("");
        // A place in the dashboard that is none is its own page's to tell.
        let harmless =
            status.starts_with('4') || (status == "200" && page.ends_with(body) && !body.is_empty());
        assert!(harmless && !body.contains("root:"), "{path}: {answer}");
    }
    let token = hub.api().post("/servers", &json!({"name": "a"}));
    let token =
        text(&hub.api().post(&format!("/servers/{}/enrolment", text(&token["id"])), &json!({}))["token"]);
    for path in ESCAPES.iter().map(|path| (*path).to_string()).chain([
        format!("/install/{token}/agent-../../data/keys/master.key"),
        format!("/install/{token}/..%2f..%2fdata%2fkeys%2fmaster.key"),
        format!("/install/{token}/agent-..%2f..%2f..%2f..%2fetc%2fpasswd"),
    ]) {
        let (status, body) = agents_get(&hub, &path);
        assert!(status == 404 && !body.contains("root:"), "{path}: {status} {body}");
    }
}

/// An answer to a path that no client would tidy up before.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The same at the agents' listener: status and body.
fn agents_get(hub: &Hub, path: &str) -> (u16, String) {
    let url = format!("https://{}{path}", hub.agent_address());
    let mut curl = Command::new("curl");
    let output = curl.args(["-sSk", "--path-as-is", "-w", "\n%{http_code}", &url]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = said.rsplit_once('\n').expect("the status is the last line");
    (status.parse().unwrap(), body.to_string())
}

/// CVE-2026-2859 (Checkmk): an address for installers told strangers which hosts there are. The same of people at the login.
#[test]
fn strangers_do_not_learn_what_there_is() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    api.post("/servers", &json!({"name": "known", "labels": {}}));
    user(&api, "ada", "viewer");
    let ask = |name: &str| {
        let (status, body) = agents_get(&hub, &format!("/install/{name}"));
        (status, body.replace(name, "NAME"))
    };
    assert_eq!(ask("known"), ask("other"));
    assert_eq!(ask("known").0, 404);
    // A login comes from the hub's own page.
    let stranger = api.with_cookie("none=0");
    let login = |name: &str| {
        let body = json!({"name": name, "password": format!("not {PASSWORD}")});
        let mut answer = stranger.call("POST", "/api/v1/login", Some(&body));
        answer.body["request_id"] = json!("");
        (answer.status, answer.body.to_string().replace(name, "NAME"))
    };
    assert_eq!(login("ada"), login("eve"));
    assert_eq!(login("ada").0, 403);
    let foreign = |name: &str| stranger.status("GET", &format!("/api/v1/servers/{name}"), None);
    assert_eq!((foreign("known"), foreign("other")), (Some(401), Some(401)));
}
