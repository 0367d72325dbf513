//! How people are paged by their own rules: by urgency, one channel after the other, and what happens when a channel fails.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);
/// What waits for so long does not come by itself within a test.
const LATER: u64 = 300;

/// A hub whose default service pages ana, and the catch-all when she cannot be reached; she has two channels.
struct Ana {
    hub: Hub,
    api: Api,
    first: Sink,
    second: Sink,
    catch_all: Sink,
    channels: [String; 2],
}

fn channel(api: &Api, name: &str, sink: &Sink, catch_all: bool) -> String {
    let config = json!({"kind": "webhook", "url": sink.url(), "secret": SECRET});
    text(&api.post("/channels", &json!({"name": name, "config": config, "catch_all": catch_all}))["id"])
}

impl Ana {
    /// Her rules as (urgency, seconds, which channel).
    fn with(rules: &[(Option<&str>, u64, usize)]) -> Ana {
        let hub = Hub::start(Setup::default());
        let (api, first, second, catch_all) = (hub.api(), Sink::start(), Sink::start(), Sink::start());
        let channels = [channel(&api, "app", &first, false), channel(&api, "sms", &second, false)];
        channel(&api, "all", &catch_all, true);
        let rules: Vec<Value> = rules
            .iter()
            .map(|(urgency, seconds, at)| json!({"urgency": urgency, "delay_seconds": seconds, "channel_id": channels[*at]}))
            .collect();
        let user = json!({"name": "ana", "role": "responder", "password": "correct horse battery staple",
            "channels": channels, "notify_rules": rules});
        let user = text(&api.post("/users", &user)["id"]);
        let step = json!({"delay_seconds": 600, "targets": [{"kind": "user", "id": user}]});
        let policy = api.post("/policies", &json!({"name": "ana", "steps": [step]}));
        let service = api.get("/services/default");
        let input = json!({"name": "default", "policy_id": policy["id"]});
        api.put(&format!("/services/{}", text(&service["id"])), &input);
        Ana { hub, api, first, second, catch_all, channels }
    }

    fn trouble(&self, title: &str, severity: &str) -> Value {
        self.api.post("/incidents", &json!({"title": title, "severity": severity}))
    }

    fn lines(&self, incident: &Value) -> String {
        let timeline = self.api.list(&format!("/incidents/{}/timeline", incident["number"]));
        timeline.iter().map(|entry| format!("{}: {}\n", text(&entry["kind"]), text(&entry["text"]))).collect()
    }

    fn pending(&self, incident: &Value) -> Vec<String> {
        let incident = self.api.get(&format!("/incidents/{}", incident["number"]));
        let actions = incident["pending_actions"].as_array().cloned().unwrap_or_default();
        actions.iter().map(|action| format!("{} {}", text(&action["kind"]), text(&action["text"]))).collect()
    }
}

fn triggered(sink: &Sink, incident: &Value) -> usize {
    let number = incident["number"].as_i64();
    let of = |call: &watchtower_tests::sink::Received| {
        call.event() == "incident.triggered" && Some(call.incident()) == number
    };
    sink.calls().iter().filter(|call| of(call)).count()
}

#[test]
fn the_second_channel_comes_at_its_time_unless_somebody_answers_before() {
    let ana = Ana::with(&[(Some("high"), 0, 0), (Some("high"), 3, 1)]);
    let answered = ana.trouble("answered", "critical");
    ana.first.wait(SOON, "of the first", |call| call.event() == "incident.triggered");
    let waiting = "notify pages ana by channel sms".to_string();
    assert!(ana.pending(&answered).contains(&waiting), "{:?}", ana.pending(&answered));
    ana.api.post(&format!("/incidents/{}/ack", answered["number"]), &json!({}));
    assert!(!ana.pending(&answered).contains(&waiting), "{:?}", ana.pending(&answered));
    let open = ana.trouble("open", "critical");
    let began = Instant::now();
    ana.second.wait(SOON, "of the other, at its time", |call| call.event() == "incident.triggered");
    assert!(began.elapsed() >= Duration::from_millis(2_500), "it came after {:?}", began.elapsed());
    let counts = [&ana.first, &ana.second].map(|sink| (triggered(sink, &answered), triggered(sink, &open)));
    assert_eq!(counts, [(1, 1), (0, 1)]);
    // Who was told of it hears of its end, and nobody else.
    for incident in [&answered, &open] {
        ana.api.post(&format!("/incidents/{}/resolve", incident["number"]), &json!({}));
    }
    ana.second.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    let ends: Vec<_> = ana
        .second
        .calls()
        .iter()
        .filter(|call| call.event() == "incident.resolved")
        .map(|call| call.incident())
        .collect();
    assert_eq!(ends, [open["number"].as_i64().expect("it has one")]);
}

#[test]
fn a_channel_that_fails_for_good_gives_way_to_the_next_at_once() {
    let ana = Ana::with(&[(None, 0, 0), (None, LATER, 1)]);
    ana.first.set_gone();
    let incident = ana.trouble("the disk is full", "critical");
    ana.second.wait(SOON, "in place of the one that failed", |call| call.event() == "incident.triggered");
    let lines = ana.lines(&incident);
    assert!(lines.contains("paged: paging ana by channel sms now, not later"), "{lines}");
    assert!(ana.catch_all.calls().is_empty(), "she was reached");
}

#[test]
fn a_channel_that_fails_again_and_again_does_not_keep_the_next_waiting() {
    let ana = Ana::with(&[(None, 0, 0), (None, LATER, 1)]);
    ana.first.set_busy(true);
    let incident = ana.trouble("the disk is full", "critical");
    ana.second.wait(SOON, "while the first one is tried", |call| call.event() == "incident.triggered");
    ana.first.set_busy(false);
    ana.first.wait(Duration::from_secs(60), "of the first too", |call| call.event() == "incident.triggered");
    assert_eq!(triggered(&ana.second, &incident), 1);
}

#[test]
fn a_step_of_which_nothing_can_be_delivered_gives_way_at_once() {
    let ana = Ana::with(&[]);
    ana.first.set_gone();
    ana.second.set_gone();
    let incident = ana.trouble("the disk is full", "critical");
    ana.catch_all.wait(SOON, "of what reached nobody", |call| call.event() == "incident.triggered");
    let lines = ana.lines(&incident);
    assert!(lines.contains("step_empty: nobody of step 1 could be reached"), "{lines}");
    assert_eq!(ana.api.get(&format!("/incidents/{}", incident["number"]))["unanswered"], true);
}

#[test]
fn what_becomes_urgent_is_paged_by_the_rules_for_high_urgency() {
    let ana = Ana::with(&[(Some("low"), LATER, 1), (Some("high"), 0, 0), (Some("high"), LATER, 1)]);
    let integration = ana.api.post("/integrations", &json!({"name": "pd", "kind": "pagerduty"}));
    let key = text(&integration["key"]);
    let stranger = ana.api.with_token(None);
    let alert = |severity: &str| {
        let payload = json!({"summary": "the disk fills", "source": "db-1", "severity": severity});
        let event =
            json!({"routing_key": key, "event_action": "trigger", "dedup_key": "disk", "payload": payload});
        assert_eq!(stranger.call("POST", "/v2/enqueue", Some(&event)).status, 202);
    };
    alert("warning");
    let incident = wait::until(SOON, "the incident", || ana.api.list("/incidents").into_iter().next());
    assert!(ana.pending(&incident).contains(&"notify pages ana by channel sms".to_string()));
    assert!(ana.first.calls().is_empty() && ana.second.calls().is_empty(), "it may wait");
    alert("critical");
    ana.first.wait(SOON, "now that it is urgent", |call| call.event() == "incident.triggered");
    alert("error");
    let lines = ana.lines(&incident);
    assert!(lines.contains("paged: step 1 is paged by the rules for high urgency"), "{lines}");
    assert!(ana.pending(&incident).contains(&"notify pages ana by channel sms".to_string()));
    assert_eq!(triggered(&ana.first, &incident), 1);
}

#[test]
fn a_plan_says_who_would_be_paged_and_rules_that_make_no_sense_are_refused() {
    let ana = Ana::with(&[(Some("high"), 0, 0), (Some("high"), 120, 1)]);
    let plan = ana.api.get("/services/default/page-plan");
    let told: Vec<String> = plan["messages"]
        .as_array()
        .expect("there are some")
        .iter()
        .map(|one| format!("{} {} {}", one["after_seconds"], text(&one["person"]), text(&one["channel"])))
        .collect();
    assert_eq!(told, ["0.0 ana app", "120.0 ana sms"]);
    assert_eq!(plan["then"], "the catch-all: channel all");
    assert_eq!(plan["warnings"], json!([]));
    // Disabled channels are seen before they are needed.
    let path = format!("/channels/{}", ana.channels[0]);
    let config = json!({"kind": "webhook", "url": ana.first.url(), "secret": SECRET});
    ana.api.put(&path, &json!({"name": "app", "config": config, "enabled": false}));
    let plan = ana.api.get("/services/default/page-plan?urgency=high");
    assert_eq!(plan["messages"][0]["channel"], "sms");
    assert_eq!(plan["messages"][0]["after_seconds"], 0.0, "it takes the place of the first");
    let signed_in = ana.hub.api().signed_in("ana", "correct horse battery staple");
    let put = |rules: Value| {
        let answer = signed_in.call("PUT", "/api/v1/me/notify-rules", Some(&json!({"notify_rules": rules})));
        (answer.status, answer.body["field"].as_str().unwrap_or_default().to_string())
    };
    let late = json!([{"urgency": "high", "delay_seconds": 60, "channel_id": ana.channels[0]}]);
    assert_eq!(put(late), (422, "notify_rules".into()));
    let foreign = json!([{"channel_id": "01a22c66-c226-7014-9551-4855de211a8b"}]);
    assert_eq!(put(foreign), (422, "notify_rules[0].channel_id".into()));
    assert_eq!(put(json!([{"channel_id": ana.channels[1]}])).0, 200);
    assert_eq!(ana.api.get("/users/ana")["notify_rules"][0]["channel_id"], ana.channels[1].as_str());
    // A token is no person.
    let answer = ana.api.call("PUT", "/api/v1/me/notify-rules", Some(&json!({"notify_rules": []})));
    assert_eq!(answer.status, 403);
}

/// Ana is asked first, ben a second later; her second channel comes behind that, and his is not hers.
#[test]
fn a_rule_that_goes_on_is_kept_back_by_an_answer_alone() {
    let hub = Hub::start(Setup::default());
    let (api, app, sms, mail, ben) = (hub.api(), Sink::start(), Sink::start(), Sink::start(), Sink::start());
    let ids = [("app", &app), ("sms", &sms), ("mail", &mail), ("ben", &ben)]
        .map(|(name, sink)| channel(&api, name, sink, false));
    let operator = Operator::new(&hub.url());
    let person = |name: &str, channels: &[String]| {
        let user = json!({"name": name, "role": "responder", "password": "correct horse battery staple", "channels": channels});
        api.post("/users", &user);
    };
    person("ana", &ids[..3]);
    person("ben", &ids[3..]);
    operator.text(
        &[
            ["user", "edit", "ana"].as_slice(),
            &["--notify", "any:0:app", "--notify", "any:4s:to-completion:sms", "--notify", "any:4s:mail"],
        ]
        .concat(),
    );
    operator.text(&["policy", "create", "two", "--step", "1s:user=ana", "--step", "10m:user=ben"]);
    operator.text(&["service", "edit", "default", "--policy", "two"]);
    let plan = api.get("/services/default/page-plan");
    let told: Vec<String> = plan["messages"]
        .as_array()
        .expect("there are some")
        .iter()
        .map(|one| format!("{} {}", one["after_seconds"], text(&one["channel"])))
        .collect();
    assert_eq!(told, ["0.0 app", "1.0 ben", "4.0 sms"]);
    assert!(
        plan["warnings"][0].as_str().is_some_and(|text| text.contains("ana is not told by mail")),
        "{plan}"
    );
    let trouble = |title: &str| api.post("/incidents", &json!({"title": title, "severity": "critical"}));
    let (open, answered) = (trouble("open"), trouble("answered"));
    let number = |incident: &Value| incident["number"].as_i64().expect("it has one");
    ben.wait(SOON, "of the next step", |call| call.incident() == number(&answered));
    api.post(&format!("/incidents/{}/ack", answered["number"]), &json!({}));
    sms.wait(SOON, "although the next step began", |call| call.incident() == number(&open));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!([triggered(&sms, &answered), triggered(&mail, &open), triggered(&mail, &answered)], [0, 0, 0]);
}
