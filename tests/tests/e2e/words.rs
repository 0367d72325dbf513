//! Channels in their own words: templates over what is known of an incident, tried before they are saved; none costs a page.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::browser::Browser;
use watchtower_tests::cli::Cli;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_by, text};
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);
/// Fine for every sample, and for what has `digits` as its label.
const DOCUMENT: &str = r#"{"summary": {{ printf "%s of %s" $severity $service | json }}, "title": {{ $title | json }},
 "n": {{ $number | json }}, "amount": 1{{ $labels.digits }}, "labels": {{ $labels | json }}, "ack": {{ $acknowledge_url | json }}}"#;

fn setup() -> Setup {
    Setup { timing: "interval=1s,lost_grace=2s,evaluate=1s,pace=4s".into(), ..Setup::default() }
}

/// Replaces the templates of the one channel.
fn word(api: &Api, templates: &Value) -> Value {
    let mut channel = api.get("/channels/sink");
    let keep = ["name", "config", "enabled", "catch_all"];
    channel.as_object_mut().unwrap().retain(|name, _| keep.contains(&name.as_str()));
    channel["templates"] = templates.clone();
    api.put("/channels/sink", &channel)
}

/// As Prometheus posts it.
fn alert(sender: &Api, title: &str, digits: &str) {
    let labels = json!({"alertname": title, "severity": "error", "digits": digits, "env": "prod"});
    let body = json!([{"labels": labels, "annotations": {"summary": title}}]).to_string();
    let answer =
        sender.raw("POST", "/alertmanager/api/v2/alerts", "application/json", body.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn calls(sink: &Sink, count: usize) -> Vec<Value> {
    wait::until(SOON, "the messages", || (sink.calls().len() == count).then_some(()));
    sink.calls().into_iter().map(|call| call.body).collect()
}

#[test]
fn a_webhook_has_a_document_of_its_own_and_what_fails_costs_no_page() {
    let hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_by(&api, &json!({"kind": "webhook", "url": sink.url(), "secret": SECRET}));
    word(&api, &json!({"page": {"body": DOCUMENT}}));
    let made = api.post("/integrations", &json!({"name": "prom", "kind": "alertmanager"}));
    let sender = api.with_token(Some(&text(&made["key"])));
    alert(&sender, "a \"quoted\" title", "7");
    let own = &calls(&sink, 1)[0];
    assert_eq!(own["summary"], "error of default", "{own}");
    assert_eq!((&own["title"], &own["amount"]), (&json!("a \"quoted\" title"), &json!(17)));
    assert_eq!(own["labels"]["env"], "prod", "{own}");
    assert!(sink.calls()[0].signature_valid, "the signature is over just this document");
    // What no sample foretold: no JSON comes of it. Its first try finds nobody, and tells nothing of the template.
    sink.set_busy(true);
    alert(&sender, "another", "seven");
    let entries = |kind: &str| {
        let number = api.list("/incidents")[0]["number"].clone();
        let timeline = api.list(&format!("/incidents/{number}/timeline"));
        timeline.into_iter().filter(|entry| entry["kind"] == kind).collect::<Vec<_>>()
    };
    wait::until(SOON, "the first try", || (!entries("delivery_failed").is_empty()).then_some(()));
    sink.set_busy(false);
    let page = &calls(&sink, 2)[1];
    assert_eq!(
        (&page["event"], &page["incident"]["title"]),
        (&json!("incident.triggered"), &json!("another"))
    );
    let told = wait::until(SOON, "the timeline", || entries("template_failed").pop());
    assert_eq!(entries("template_failed").len(), 1);
    assert!(text(&told["text"]).contains("page.body") && text(&told["detail"]).contains("no JSON"), "{told}");
}

#[test]
fn pages_ends_and_many_at_once_are_told_in_own_words() {
    let hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_by(&api, &json!({"kind": "slack", "url": sink.url()}));
    let templates = json!({
        "page": {"title": "{{ $severity | toUpper }}: {{ $title }}", "body": "env {{ $labels.env }} @channel <!here>\n{{ $links.Open }}"},
        "end": {"title": "over: {{ $title }}", "body": "by {{ $who | default \"itself\" }}"},
    });
    word(&api, &templates);
    let trouble = |title: &str| api.post("/incidents", &json!({"title": title, "severity": "error"}));
    let first = trouble("first");
    let page = &calls(&sink, 1)[0];
    assert_eq!(page["text"], "ERROR: first", "{page}");
    assert!(!page.to_string().contains("@channel") && !page.to_string().contains("<!here>"), "{page}");
    assert!(page.to_string().contains(&format!("/i/{}", first["number"])), "{page}");
    api.post(&format!("/incidents/{}/resolve", first["number"]), &json!({}));
    let end = &calls(&sink, 2)[1];
    assert!(end["text"] == "over: first" && end.to_string().contains("by bootstrap"), "{end}");
    for (number, title) in ["second", "third"].iter().enumerate() {
        trouble(title);
        calls(&sink, number + 3);
    }
    // What waits to be told together is named, whatever the templates say.
    trouble("fourth");
    trouble("fifth");
    let together = calls(&sink, 5)[4].to_string();
    assert!(together.contains("ERROR: fourth and 1 more incident"), "{together}");
    assert!(together.contains("error: fifth"), "{together}");
}

#[test]
fn the_dashboard_shows_what_templates_make_as_they_are_typed() {
    let Some(browser) = Browser::find() else { return };
    browser.run("words", &Hub::start(setup()), &[]);
}

#[test]
fn what_would_be_sent_is_shown_and_what_cannot_be_used_is_not_saved() {
    let hub = Hub::start(setup());
    let (api, sink) = (hub.api(), Sink::start());
    page_by(
        &api,
        &json!({"kind": "pushover", "token": "tokentoken", "user": "useruseruser", "api_url": sink.url()}),
    );
    let channel = |templates: &Value| json!({"name": "x", "config": {"kind": "pushover", "token": "tokentoken", "user": "useruseruser"}, "templates": templates});
    let templates = json!({"page": {"title": "{{ $service }}: {{ $title }}"}, "end": {"body": "{{ $lines"}});
    let sample = api.post("/channels/preview", &json!({"channel": channel(&templates)}));
    assert_eq!(sample["headline"], "database: db-1: /var is 96 % full", "{sample}");
    let body = text(&sample["body"]);
    assert!(body.contains("title=database%3A%20db%2D1") && body.contains("token=%2A%2A%2A"), "{body}");
    assert!(
        !sample.to_string().contains("tokentoken") && !sample.to_string().contains("useruser"),
        "{sample}"
    );
    let end = api.post("/channels/preview", &json!({"channel": channel(&templates), "end": true}));
    let failed = &end["failed"][0];
    assert_eq!(
        (&failed["template"], &failed["line"], &failed["column"]),
        (&json!("end.body"), &json!(1), &json!(10))
    );
    let made = api.post("/incidents", &json!({"title": "really", "severity": "warning"}));
    let real =
        api.post("/channels/preview", &json!({"channel": channel(&templates), "incident": made["number"]}));
    assert_eq!(real["headline"], "default: really", "{real}");
    let refused = api.call("POST", "/api/v1/channels", Some(&channel(&templates)));
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (422, &json!("templates.end.body")),
        "{}",
        refused.body
    );
    // The same by the command line, of the stored channel.
    word(&api, &json!({"page": {"title": "{{ $service }} is unwell"}}));
    let shown = Cli::new(&hub.url()).run(&["channel", "preview", "sink", "-o", "json"], "").json;
    assert_eq!(shown["headline"], "database is unwell", "{shown}");
}
