//! Pages as notifications in browsers: subscribed, shown, acknowledged and ended in a real Chromium.

use serde_json::json;
use watchtower_tests::browser::Browser;
use watchtower_tests::cli::Cli;
use watchtower_tests::hub::{Hub, Setup};

#[test]
fn a_page_is_a_notification_that_acknowledges() {
    let Some(browser) = Browser::find() else { return };
    let mut hub = Hub::start(Setup::default());
    // Where the browser is: its service worker may call no other.
    let own = hub.url();
    hub.set_more(vec![format!("--public-url={own}")]);
    hub.kill();
    hub.restart();
    browser.run("push", &hub, &[]);
}

#[test]
fn browsers_are_those_of_people_and_only_of_their_own() {
    let hub = Hub::start(Setup::default());
    let api = hub.api();
    let password = "correct horse battery staple";
    for name in ["ada", "ben"] {
        api.post("/users", &json!({"name": name, "role": "viewer", "password": password}));
    }
    let (ada, ben) = (api.signed_in("ada", password), api.signed_in("ben", password));
    let key = ada.get("/me/push-key")["key"].as_str().unwrap().to_string();
    assert_eq!(key, ben.get("/me/push-key")["key"].as_str().unwrap());
    // The hub's own key is a point of the curve, as a browser's is.
    let browser = |url: &str| json!({"name": "Firefox on Linux", "url": url, "key": key, "auth": "MDEyMzQ1Njc4OWFiY2RlZg"});
    let made = ada.post("/me/browsers", &browser("https://push.example/1"));
    assert_eq!(made["name"], "Firefox on Linux of ada");
    assert_eq!(made["config"]["url"], "https://push.example/***");
    assert_eq!(
        ada.post("/me/browsers", &browser("https://push.example/1"))["id"],
        made["id"],
        "the same again"
    );
    let other = ada.post("/me/browsers", &browser("https://push.example/2"));
    assert_eq!(other["name"], "Firefox on Linux of ada 2");
    assert_eq!(ada.get("/me")["user"]["channels"], json!([made["id"], other["id"]]));
    let status = |as_whom: &watchtower_tests::api::Api, method: &str, path: &str| {
        as_whom.status(method, &format!("/api/v1/me/browsers/{}{path}", made["id"].as_str().unwrap()), None)
    };
    assert_eq!([status(&ben, "DELETE", ""), status(&ben, "POST", "/test")], [Some(404); 2], "it is not his");
    let wrong = json!({"name": "x", "url": "https://push.example/3", "key": "BAAA", "auth": "AAAA"});
    assert_eq!(ada.status("POST", "/api/v1/me/browsers", Some(&wrong)), Some(422));
    assert_eq!(
        api.status("POST", "/api/v1/me/browsers", Some(&browser("https://push.example/4"))),
        Some(403),
        "a token"
    );
    for number in 3..=5 {
        ada.post("/me/browsers", &browser(&format!("https://push.example/{number}")));
    }
    assert_eq!(
        ada.status("POST", "/api/v1/me/browsers", Some(&browser("https://push.example/6"))),
        Some(409)
    );
    assert_eq!(status(&ada, "DELETE", ""), Some(204));
    let of_browsers =
        || api.list("/channels").iter().filter(|one| one["config"]["kind"] == "web_push").count();
    assert_eq!(of_browsers(), 4);
    let kept = Cli::new(&hub.url()).good(&["config", "export", "channels"], "");
    assert!(!kept.contains("Firefox"), "its keys are in the browser alone: {kept}");
    Cli::new(&hub.url()).good(&["config", "apply", "-", "--prune", "--yes"], "channels: []\n");
    assert_eq!(of_browsers(), 4, "no file can have them");
    assert_eq!(api.status("DELETE", "/api/v1/users/ada", None), Some(204));
    assert_eq!(of_browsers(), 0, "they were hers alone");
}
