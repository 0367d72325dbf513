//! A journal that cannot be written: a repair that cannot be remembered is not begun, and a person hears of it at once.

use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::managed::Managed;
use watchtower_tests::paging::{page_to, text};
use watchtower_tests::sink::Sink;

const SOON: Duration = Duration::from_secs(30);
/// From the event to the escalation. The policy's own next step is ten minutes away.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The executor's directory without a free byte: its journal can be read, and nothing can be put beside it.
const FULL: &str = "mkdir -p /full && mount -t tmpfs -o size=6m tmpfs /full \
    && systemctl stop watchtower-executor.socket watchtower-executor \
    && cp -a /var/lib/watchtower-executor/. /full/ && mount --bind /full /var/lib/watchtower-executor \
    && (head -c 8m /dev/zero > /full/fill; true) && systemctl start watchtower-executor.socket";

/// No file where the journal is to be: the executor knows from its start that it cannot work, and the hub that it need not ask.
const GONE: &str = "systemctl stop watchtower-executor.socket watchtower-executor \
    && umount /var/lib/watchtower-executor && cd /var/lib/watchtower-executor && rm journal && mkdir journal \
    && systemctl start watchtower-executor.socket && systemctl restart watchtower-agent";

#[test]
fn a_repair_that_cannot_be_journaled_escalates_at_once() {
    let Some(managed) = Managed::start("full") else { return };
    let sink = Sink::start();
    page_to(&managed.api, &sink);
    let script = json!({"name": "mend", "body": "touch /run/never\n", "timeout_seconds": 20});
    managed.api.post("/scripts", &script);
    // The first command makes the journal.
    assert_eq!(managed.ended(managed.exec("true", 20))["state"], "succeeded");

    managed.host.must(FULL);
    let reason = escalated(&managed, &sink, "full");
    assert!(reason.contains("journal_unwritable") && reason.contains("disk"), "{reason}");
    managed.refused("journal_unwritable");

    managed.host.must(GONE);
    wait::until(SOON, "the server to say that it refuses", || {
        let facts = managed.api.get(&format!("/servers/{}", managed.host.name))["facts"].clone();
        (facts["refuses"] == "journal_unwritable").then_some(())
    });
    let reason = escalated(&managed, &sink, "gone");
    assert!(reason.contains("refuses commands: journal_unwritable"), "{reason}");
    assert!(!managed.host.inside("/run/never").exists(), "what could not be remembered was begun");
}

/// Trouble of this kind, with a repair: what the second message, to the policy's next step, says of it.
fn escalated(managed: &Managed, sink: &Sink, name: &str) -> String {
    let Managed { api, host, .. } = managed;
    let kind = format!("custom.{name}");
    let rule =
        json!({"name": name, "kind": "event", "event_kind": kind, "severity": "error", "paging": true});
    let rule = api.post("/rules", &rule);
    let automation = json!({
        "name": name, "mode": "auto", "script": "mend", "trigger": {"rule_id": rule["id"]}, "cooldown_seconds": 0,
    });
    api.post("/automations", &automation);
    let (before, began) = (sink.calls().len(), Instant::now());
    api.post("/events", &json!({"kind": kind, "message": "x", "server": host.name}));
    let calls = wait::until(SOON, "the page and its escalation", || {
        let calls = sink.calls().split_off(before);
        (calls.len() >= 2).then_some(calls)
    });
    assert!(began.elapsed() < AT_ONCE, "it took {:?}", began.elapsed());
    assert!(
        calls.iter().all(|call| call.event() == "incident.triggered" && call.signature_valid),
        "{calls:?}"
    );
    let number = calls[0].incident();
    assert!(calls.iter().all(|call| call.incident() == number), "{calls:?}");
    let incident = api.get(&format!("/incidents/{number}"));
    assert_eq!(
        (&incident["state"], &incident["repair"]),
        (&json!("triggered"), &json!("refused")),
        "{incident}"
    );
    let timeline = api.list(&format!("/incidents/{number}/timeline"));
    let refused = timeline.iter().rev().find(|entry| entry["kind"] == "run");
    let refused = refused.unwrap_or_else(|| panic!("no word of the repair: {timeline:#?}"));
    api.post(&format!("/incidents/{number}/ack"), &json!({}));
    text(&refused["text"])
}
