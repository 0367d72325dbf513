//! Recorded bodies of PagerDuty's clients, Prometheus, Alertmanager and Grafana.

use watchtower_intake::IntakeError;
use watchtower_intake::signals::mapped::{Mapping, Written};
use watchtower_intake::signals::pagerduty::{change, event};
use watchtower_intake::signals::{Action, alertmanager, opsgenie};
use watchtower_model::{Labels, Severity, Timestamp};

const NOW: Timestamp = Timestamp(1_795_000_000_000);

const TRIGGER: &str = r#"{"payload": {"summary": "DISK at 99%\non web-1", "timestamp": "2026-07-17T08:42:58.315+0000",
  "source": "web-1", "severity": "critical", "component": "disk", "group": "prod", "class": "space",
  "custom_details": {"free": "1 GB", "load": [1, 2]}},
  "routing_key": "0123456789abcdef0123456789abcdef", "dedup_key": "disk/web-1", "event_action": "trigger",
  "client": "monitor", "client_url": "https://monitor.example",
  "links": [{"href": "https://example.com", "text": "graph"}], "images": [{"src": "https://example.com/a.png"}]}"#;

#[test]
fn an_event_of_pagerduty_is_read_whole() {
    let event = event(TRIGGER.as_bytes()).unwrap();
    assert_eq!(event.routing_key, "0123456789abcdef0123456789abcdef");
    let signal = event.signal;
    assert_eq!((signal.action, signal.key.as_deref()), (Action::Trigger, Some("disk/web-1")));
    assert_eq!((signal.severity, signal.summary.as_str()), (Severity::Critical, "DISK at 99% on web-1"));
    let labels = [("source", "web-1"), ("component", "disk"), ("group", "prod"), ("class", "space")];
    assert_eq!(signal.labels, Labels::from_pairs(labels));
    let lines = "free: 1 GB\nload: [1,2]\ngraph: https://example.com\nhttps://example.com/a.png\nfrom monitor https://monitor.example";
    assert_eq!(signal.description, lines);
}

#[test]
fn what_pagerduty_refuses_is_refused_in_its_words() {
    let refused = |body: &str| event(body.as_bytes()).unwrap_err();
    assert_eq!(refused("{").errors, ["JSON parse error"]);
    assert_eq!(refused("[]").status, "Unrecognized object");
    let all = refused(r#"{"event_action": "explode"}"#);
    assert_eq!((all.status, all.message), ("invalid event", "Event object is invalid"));
    assert_eq!(all.errors.len(), 3, "{:?}", all.errors);
    let payload =
        refused(r#"{"routing_key": "k", "event_action": "trigger", "payload": {"severity": "bad"}}"#);
    let named = ["payload.summary", "payload.source", "payload.severity"];
    assert!(payload.errors.iter().zip(named).all(|(text, name)| text.contains(name)), "{:?}", payload.errors);
    let long =
        format!(r#"{{"routing_key": "k", "event_action": "resolve", "dedup_key": "{}"}}"#, "x".repeat(256));
    assert!(refused(&long).errors[0].contains("too long"));
    assert!(refused(r#"{"routing_key": "k", "event_action": "resolve"}"#).errors[0].contains("dedup_key"));
    // An end needs no more than its key.
    let end = event(br#"{"routing_key": "k", "event_action": "resolve", "dedup_key": "a", "payload": {}}"#)
        .unwrap();
    assert_eq!(end.signal.action, Action::Resolve);
}

#[test]
fn a_change_pages_nobody() {
    let body = br#"{"routing_key": "k", "payload": {"summary": "Build 17", "source": "ci", "custom_details": {"commit": "abc"}}}"#;
    let change = change(body).unwrap();
    assert_eq!(
        (change.summary.as_str(), change.source.as_str(), change.detail.as_str()),
        ("Build 17", "ci", "commit: abc")
    );
}

const WEBHOOK: &str = r#"{"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "hub",
  "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am", "notification_reason": "x", "alerts": [
  {"status": "firing", "labels": {"alertname": "DiskFull", "instance": "web-1:9100", "severity": "page"},
   "annotations": {"summary": "web-1: disk full", "description": "97 %", "runbook_url": "https://r"}, "startsAt": "2026-11-30T00:00:00Z",
   "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prom/graph", "fingerprint": "a1b2"},
  {"status": "resolved", "labels": {"alertname": "Load"}, "annotations": {}, "startsAt": "2026-11-30T00:00:00Z",
   "endsAt": "2026-11-30T00:01:00Z", "generatorURL": "", "fingerprint": "c3d4"}]}"#;

#[test]
fn a_webhook_tells_each_alert_by_its_own_status() {
    let signals = alertmanager::webhook(WEBHOOK.as_bytes()).unwrap();
    let told: Vec<_> = signals
        .iter()
        .map(|s| (s.action, s.key.as_deref().unwrap(), s.severity, s.summary.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Action::Trigger, "a1b2", Severity::Critical, "web-1: disk full"),
            (Action::Resolve, "c3d4", Severity::Error, "Load"),
        ]
    );
    assert_eq!(signals[0].description, "97 %\nrunbook_url: https://r\nsource: http://prom/graph");
    assert_eq!((signals[0].ends_at, signals[0].labels.get("instance")), (None, Some("web-1:9100")));
}

#[test]
fn grafana_s_additions_are_taken_along() {
    let body = r#"{"receiver": "hub", "status": "firing", "orgId": 1, "state": "alerting", "title": "[FIRING:1]", "message": "m", "alerts": [
      {"status": "firing", "labels": {"alertname": "DatasourceNoData", "rulename": "cpu"}, "annotations": null, "values": {"A": 1.5},
       "valueString": "[ var='A' ]", "panelURL": "https://g/p", "silenceURL": "https://g/s", "fingerprint": "e5", "orgId": 1}]}"#;
    let signals = alertmanager::webhook(body.as_bytes()).unwrap();
    assert_eq!(signals[0].summary, "DatasourceNoData");
    assert_eq!(signals[0].description, "panel: https://g/p\nsilence: https://g/s");
}

#[test]
fn posted_alerts_end_by_themselves() {
    let body = r#"[{"labels": {"alertname": "A", "severity": "warning"}},
                   {"labels": {"severity": "warning", "alertname": "A"}, "endsAt": "2026-11-18T23:06:41Z"},
                   {"labels": {"alertname": "A", "severity": "warning"}, "endsAt": "2020-01-01T00:00:00.000Z"}]"#;
    let signals = alertmanager::alerts(body.as_bytes(), NOW).unwrap();
    // The same labels are the same alert, whatever their order.
    assert!(signals.iter().all(|signal| signal.key == signals[0].key));
    assert_eq!(signals[0].ends_at, Some(NOW.plus_ms(alertmanager::RESOLVE_TIMEOUT_MS)));
    assert_eq!((signals[1].action, signals[1].ends_at), (Action::Trigger, Some(NOW.plus_ms(43_201_000))));
    assert_eq!((signals[2].action, signals[2].ends_at), (Action::Resolve, None));
    for wrong in ["{}", "[{}]", r#"[{"labels": {}}]"#, r#"[{"labels": {"a": "b"}, "endsAt": "soon"}]"#] {
        assert!(
            matches!(alertmanager::alerts(wrong.as_bytes(), NOW), Err(IntakeError::NotJson { .. })),
            "{wrong}"
        );
    }
}

#[test]
fn any_text_becomes_lines_and_labels_within_bounds() {
    let long = "x".repeat(5_000);
    let body = format!(
        r#"[{{"labels": {{"alertname": "a\u0000b", "bad name\n": "y", "long": "{long}", "{long}": "z"}}, "annotations": {{"summary": "{long}", "n": 5}}}}]"#
    );
    let signal = alertmanager::alerts(body.as_bytes(), NOW).unwrap().remove(0);
    assert_eq!(signal.summary.len(), 1024);
    assert!(signal.labels.get("long").is_some_and(|value| value.len() == 1024));
    assert_eq!(signal.description, "n: 5");
    // What would be refused elsewhere does not come in here.
    assert_eq!(signal.labels.check(), Ok(()));
}

/// As Alertmanager's notifier sends it.
const GENIE: &str = r#"{"alias": "f3e1", "message": "[FIRING:1] DiskFull", "description": "free: 1 GB", "details": {"alertname": "DiskFull",
  "instance": "web-1:9100", "run book": "see wiki"}, "source": "https://prom.example", "priority": "P1", "tags": ["prod", "disk"],
  "responders": [{"name": "ops", "type": "team"}, {"username": "ann@example.com", "type": "user"}], "note": "again"}"#;

#[test]
fn an_alert_of_opsgenie_is_read_whole() {
    let signal = opsgenie::create(GENIE.as_bytes()).unwrap();
    assert_eq!((signal.action, signal.key.as_deref()), (Action::Trigger, Some("f3e1")));
    assert_eq!((signal.severity, signal.summary.as_str()), (Severity::Critical, "[FIRING:1] DiskFull"));
    let labels = [
        ("alertname", "DiskFull"),
        ("instance", "web-1:9100"),
        ("source", "https://prom.example"),
        ("tags", "prod,disk"),
    ];
    assert_eq!(signal.labels, Labels::from_pairs(labels));
    assert_eq!(signal.description, "free: 1 GB\nrun book: see wiki\nfor: ops, ann@example.com\nnote: again");
    let least = opsgenie::create(br#"{"message": "x"}"#).unwrap();
    assert_eq!((least.key, least.severity), (None, Severity::Error));
}

#[test]
fn what_opsgenie_refuses_is_refused_in_its_words() {
    for (body, words) in [
        ("{", "not processable"),
        ("[]", "not processable"),
        ("{}", "Message can not be empty"),
        (r#"{"message": "x", "priority": "P9"}"#, "Priority should be"),
        (r#"{"message": "x", "details": []}"#, "Details"),
    ] {
        assert!(opsgenie::create(body.as_bytes()).unwrap_err().contains(words), "{body}");
    }
    let long = format!(r#"{{"message": "x", "alias": "{}"}}"#, "a".repeat(513));
    assert!(opsgenie::create(long.as_bytes()).unwrap_err().contains("Alias"));
    assert_eq!(opsgenie::change("explode", b""), None);
    assert!(opsgenie::change("notes", b"{}").unwrap().is_err());
    assert!(opsgenie::change("priority", b"{}").unwrap().is_err());
    let close = opsgenie::change("close", br#"{"user": "ann", "note": "fixed"}"#).unwrap().unwrap();
    assert_eq!((close.update, close.note.as_deref()), (opsgenie::Update::Close, Some("fixed")));
    assert!(opsgenie::change("close", b"").unwrap().is_ok(), "a close without a body is one");
    let louder = opsgenie::change("priority", br#"{"priority": "P1"}"#).unwrap().unwrap();
    assert_eq!(louder.update, opsgenie::Update::Priority(Severity::Critical));
}

#[test]
fn what_opsgenie_s_clients_say_of_an_alert_is_read() {
    use opsgenie::Update;
    let read = |action: &str, body: &str| opsgenie::change(action, body.as_bytes()).unwrap();
    let update = |action: &str, body: &str| read(action, body).unwrap().update;
    let by = read("unacknowledge", r#"{"user": "ann"}"#).unwrap();
    assert_eq!(
        (by.action, by.update, by.user.as_deref()),
        ("UnAcknowledge", Update::Unacknowledge, Some("ann"))
    );
    let at = Timestamp::parse_rfc3339("2026-12-01T10:00:00Z").unwrap();
    for told in ["2026-12-01T10:00:00Z", "2026-12-01T11:00:00+01:00", "2026-12-01T10:00:00"] {
        assert_eq!(update("snooze", &format!(r#"{{"endTime": "{told}"}}"#)), Update::Snooze(at), "{told}");
    }
    assert!(read("snooze", r#"{"endTime": "soon"}"#).unwrap_err().contains("ISO 8601"));
    assert!(read("snooze", "{}").is_err() && read("escalate", "{}").is_err() && read("tags", "{}").is_err());
    assert_eq!(update("escalate", r#"{"escalation": {"name": "climb"}}"#), Update::Escalate);
    for (action, body, told) in [
        ("assign", r#"{"owner": {"username": "bob"}}"#, "assign it to bob"),
        ("responders", r#"{"responder": {"name": "dba", "type": "team"}}"#, "add the responder dba"),
        ("teams", r#"{"team": {"id": "t-1"}}"#, "add the team t-1"),
    ] {
        assert_eq!(update(action, body), Update::Foreign(told.into()));
    }
    let custom = opsgenie::custom("restart\n", b"").unwrap();
    assert_eq!((custom.action, custom.update), ("Custom", Update::Foreign("do the action restart".into())));
    assert_eq!(opsgenie::removal("teams", "a", "", ""), None);
    assert!(opsgenie::removal("tags", " , ", "", "").unwrap().is_err());
    let gone = opsgenie::removal("", "", "swept", "ann").unwrap().unwrap();
    assert_eq!((gone.action, gone.update, gone.note.as_deref()), ("Delete", Update::Close, Some("swept")));
}

#[test]
fn tags_and_details_change_the_labels_of_an_alert() {
    let old = Labels::from_pairs([("alertname", "DiskFull"), ("tags", "prod,disk"), ("mount", "/var")]);
    let after = |read: Option<Result<opsgenie::Change, _>>| {
        let labels = opsgenie::amended(&old, &read.unwrap().unwrap().update).unwrap();
        labels.check().unwrap();
        labels
    };
    let tagged = after(opsgenie::change("tags", br#"{"tags": ["disk", "night"]}"#));
    assert_eq!(tagged.get("tags"), Some("prod,disk,night"));
    let untagged = after(opsgenie::removal("tags", "prod,disk", "", ""));
    assert_eq!((untagged.get("tags"), untagged.get("mount")), (None, Some("/var")));
    let set = after(opsgenie::change(
        "details",
        br#"{"details": {"mount": "/srv", "inode": 7, "not a label": "x"}}"#,
    ));
    assert_eq!((set.get("mount"), set.get("inode"), set.len()), (Some("/srv"), Some("7"), 4));
    assert_eq!(after(opsgenie::removal("details", "mount", "", "")).get("mount"), None);
    let close = opsgenie::change("close", b"").unwrap().unwrap();
    assert_eq!(opsgenie::amended(&old, &close.update), None);
}

fn written() -> Written {
    let text = |text: &str| Some(text.to_string());
    let labels = [("host", "server[\"short name\"]"), ("first", "tags[0]"), ("absent", "no.such.thing")];
    Written {
        items: text("$.alerts"),
        key: text("id"),
        title: "check.name".into(),
        description: text("check.output"),
        severity: text("level"),
        state: text("state"),
        resolved: vec!["OK".into(), "closed".into()],
        labels: labels.map(|(name, path)| (name.to_string(), path.to_string())).into(),
    }
}

#[test]
fn any_json_is_read_by_its_mapping() {
    let body = br#"{"alerts": [{"id": 17, "check": {"name": "disk", "output": "95 %\nof /var"}, "level": "WARN", "state": "bad",
        "server": {"short name": "web-1"}, "tags": ["prod", 2]}, {"id": "18", "state": "ok"}]}"#;
    let signals = Mapping::new(&written()).unwrap().read(body).unwrap();
    let first = &signals[0];
    assert_eq!((first.action, first.key.as_deref()), (Action::Trigger, Some("17")));
    assert_eq!((first.severity, first.summary.as_str()), (Severity::Warning, "disk"));
    assert_eq!(first.description, "95 %\nof /var");
    assert_eq!(first.labels, Labels::from_pairs([("host", "web-1"), ("first", "prod")]));
    assert_eq!((signals[1].action, signals[1].key.as_deref()), (Action::Resolve, Some("18")));
    let least = Written { title: "t".into(), ..Written::default() };
    let one = Mapping::new(&least).unwrap().read(br#"{"t": "x"}"#).unwrap().remove(0);
    assert_eq!((one.action, one.key, one.severity), (Action::Trigger, None, Severity::Error));
}

#[test]
fn a_mapping_that_cannot_work_is_refused_by_its_field() {
    let wrong = |change: fn(&mut Written), field: &str| {
        let mut written = written();
        change(&mut written);
        assert_eq!(Mapping::new(&written).unwrap_err().field, field);
    };
    wrong(|it| it.title = String::new(), "title");
    wrong(|it| it.title = "a..b".into(), "title");
    wrong(|it| it.title = "a[x]".into(), "title");
    wrong(|it| it.title = "a[1".into(), "title");
    wrong(|it| it.title = "a.".repeat(17) + "b", "title");
    wrong(|it| it.items = Some("x".repeat(300)), "items");
    wrong(|it| it.key = None, "key");
    wrong(|it| it.resolved.clear(), "resolved");
    wrong(|it| it.state = None, "resolved");
    wrong(|it| drop(it.labels.insert("not a label".into(), "a".into())), "labels.not a label");
    // What a body lacks is said to its sender.
    let mapping = Mapping::new(&written()).unwrap();
    for body in ["{", "{}", r#"{"alerts": [{"id": 1, "state": "bad"}]}"#, r#"{"alerts": [{"state": "ok"}]}"#]
    {
        assert!(matches!(mapping.read(body.as_bytes()), Err(IntakeError::NotJson { .. })), "{body}");
    }
}
