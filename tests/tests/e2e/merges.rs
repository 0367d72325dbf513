//! Two incidents become one: who was told of either hears of the end once, in the words of what they were told, and may answer by
//! what they have in hand.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::operator::Operator;
use watchtower_tests::paging::text;
use watchtower_tests::sink::{SECRET, Sink};

const SOON: Duration = Duration::from_secs(20);
/// What would come comes within this.
const QUIET: Duration = Duration::from_secs(3);
const OUTSIDE: &str = "https://hub.example.com";

/// Two services with a policy each: the chat is paged for both, the program for `disks` alone, the other chat for `shares` alone.
struct Scene {
    hub: Hub,
    api: Api,
    chat: Sink,
    program: Sink,
    other: Sink,
}

impl Scene {
    fn start(database_url: Option<String>) -> Scene {
        let more = vec![format!("--public-url={OUTSIDE}")];
        let hub = Hub::start(Setup { more, database_url, ..Setup::default() });
        let (api, chat, program, other) = (hub.api(), Sink::start(), Sink::start(), Sink::start());
        let channel = |name: &str, config: Value| {
            text(&api.post("/channels", &json!({"name": name, "config": config}))["id"])
        };
        let chat_id = channel("chat", json!({"kind": "slack", "url": chat.url()}));
        let other_id = channel("other", json!({"kind": "slack", "url": other.url()}));
        let hook = json!({"kind": "webhook", "url": program.url(), "secret": SECRET});
        let program_id = channel("program", hook);
        for (name, channels) in [("disks", [&chat_id, &program_id]), ("shares", [&chat_id, &other_id])] {
            let targets: Vec<Value> =
                channels.iter().map(|id| json!({"kind": "channel", "id": id})).collect();
            let step = json!({"delay_seconds": 600, "targets": targets});
            let policy = api.post("/policies", &json!({"name": name, "steps": [step]}));
            api.post("/services", &json!({"name": name, "policy_id": policy["id"]}));
        }
        Scene { hub, api, chat, program, other }
    }

    fn trouble(&self, title: &str, service: &str) -> i64 {
        let input = json!({"title": title, "severity": "error", "service": service});
        self.api.post("/incidents", &input)["number"].as_i64().expect("it has one")
    }

    fn merge(&self, from: i64, into: i64) {
        self.api.post(&format!("/incidents/{from}/merge"), &json!({ "into": into }));
    }

    fn lines(&self, number: i64) -> String {
        let timeline = self.api.list(&format!("/incidents/{number}/timeline"));
        timeline.iter().map(|entry| format!("{}: {}\n", text(&entry["kind"]), text(&entry["text"]))).collect()
    }
}

/// How many messages of a chat have all of these in them.
fn saying(sink: &Sink, words: &[&str]) -> usize {
    let has = |body: &str| words.iter().all(|word| body.contains(word));
    sink.calls().iter().filter(|call| has(&call.body.to_string())).count()
}

fn the_end_is_told_once(database_url: Option<String>) {
    let scene = Scene::start(database_url);
    let disk = scene.trouble("disk is full", "disks");
    let share = scene.trouble("share is gone", "shares");
    let paged = || (scene.chat.calls().len() == 2 && scene.other.calls().len() == 1).then_some(());
    wait::until(SOON, "the pages", paged);
    scene.program.wait(SOON, "of the disk", |call| call.incident() == disk);
    scene.merge(disk, share);
    // Nothing is over, and nobody hears that it were.
    std::thread::sleep(QUIET);
    assert_eq!([&scene.chat, &scene.other, &scene.program].map(|sink| sink.calls().len()), [2, 1, 1]);
    scene.api.post(&format!("/incidents/{share}/resolve"), &json!({}));
    let over = scene.program.wait(SOON, "that the disk is over", |call| call.event() == "incident.resolved");
    assert_eq!(over.incident(), disk, "it knows of no share");
    let first = text(&over.body["lines"][0]);
    assert!(first.starts_with(&format!("it was merged into #{share}: share is gone")), "{first}");
    wait::until(SOON, "the end in the other chat", || {
        (saying(&scene.other, &["resolved", "share is gone"]) == 1).then_some(())
    });
    wait::until(SOON, "the end in the chat", || {
        (saying(&scene.chat, &[&format!("merged into it: #{disk}")]) == 1).then_some(())
    });
    std::thread::sleep(QUIET);
    // The chat was told of both, and hears of the end once.
    assert_eq!([&scene.chat, &scene.other, &scene.program].map(|sink| sink.calls().len()), [3, 2, 2]);
    let lines = scene.lines(disk);
    assert!(lines.contains(&format!("not_paged: resolve notice not sent to chat: it hears of INC-{share}")));
}

#[test]
fn who_was_told_of_either_hears_of_the_end_once() {
    the_end_is_told_once(None);
}

#[test]
fn and_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    the_end_is_told_once(Some(postgres.database()));
}

#[test]
fn the_link_of_the_sources_page_takes_the_target_and_a_restart_forgets_nothing() {
    let mut scene = Scene::start(None);
    let disk = scene.trouble("disk is full", "disks");
    let share = scene.trouble("share is gone", "shares");
    let page = scene.program.wait(SOON, "of the disk", |call| call.incident() == disk);
    let url = text(&page.body["acknowledge_url"]);
    let link = url.strip_prefix(OUTSIDE).expect("it leads to the hub").to_string();
    scene.merge(disk, share);
    scene.hub.kill();
    scene.hub.restart();
    let visitor = scene.api.with_token(None);
    let shown = visitor.raw("GET", &link, "", b"").expect("the hub answers").body.to_string();
    assert!(shown.contains(&format!("Incident {share}: triggered")), "{shown}");
    let pressed = visitor.raw("POST", &link, "application/x-www-form-urlencoded", b"").expect("it answers");
    assert_eq!(pressed.status, 303, "{}", pressed.body);
    assert_eq!(scene.api.get(&format!("/incidents/{share}"))["state"], "acknowledged");
    // By the old number, too: an end of what ended is refused, and told where it goes on.
    let old = scene.api.get(&format!("/incidents/{disk}"));
    assert_eq!((&old["state"], &old["merged_into"]), (&json!("resolved"), &json!(share)));
    scene.api.post(&format!("/incidents/{share}/resolve"), &json!({}));
    scene.program.wait(SOON, "that the disk is over", |call| call.event() == "incident.resolved");
}

#[test]
fn pages_that_wait_are_not_sent_for_what_goes_on_elsewhere() {
    let scene = Scene::start(None);
    scene.program.set_busy(true);
    let disk = scene.trouble("disk is full", "disks");
    wait::until(SOON, "the page to fail", || {
        scene.lines(disk).contains("delivery_failed: page to program failed").then_some(())
    });
    let share = scene.trouble("share is gone", "shares");
    scene.merge(disk, share);
    scene.program.set_busy(false);
    std::thread::sleep(QUIET);
    assert!(scene.program.calls().is_empty(), "{:?}", scene.program.calls());
    // Whoever should have been told hears at the end why not.
    scene.api.post(&format!("/incidents/{share}/resolve"), &json!({}));
    let told = scene.program.wait(SOON, "of the end", |call| call.event() == "incident.resolved");
    assert!(text(&told.body["lines"][0]).starts_with("its page did not arrive"), "{}", told.body);
}

/// What PagerDuty was told: the action and its key, in order.
fn actions(pagerduty: &Sink) -> Vec<(String, String)> {
    let said = |name: &str, body: &Value| text(&body[name]);
    pagerduty
        .calls()
        .iter()
        .map(|call| (said("event_action", &call.body), said("dedup_key", &call.body)))
        .collect()
}

#[test]
fn what_rings_for_the_source_stops_when_somebody_has_the_target_and_ends_with_it() {
    let scene = Scene::start(None);
    let (api, pagerduty) = (&scene.api, Sink::start());
    let config = json!({"kind": "pagerduty", "routing_key": "0123456789abcdef0123456789abcdef", "api_url": pagerduty.url()});
    let channel = api.post("/channels", &json!({"name": "pagerduty", "config": config}));
    let target = json!({"kind": "channel", "id": channel["id"]});
    let steps = json!([{"delay_seconds": 600, "targets": [target]}]);
    let policy = api.post("/policies", &json!({"name": "moving", "steps": steps}));
    api.post("/services", &json!({"name": "moving", "policy_id": policy["id"]}));
    let (share, first, second) = (
        scene.trouble("share", "shares"),
        scene.trouble("first", "moving"),
        scene.trouble("second", "moving"),
    );
    wait::until(SOON, "both pages", || (pagerduty.calls().len() == 2).then_some(()));
    let keys: Vec<String> = actions(&pagerduty).into_iter().map(|(_, key)| key).collect();
    let key_of = |number: i64| {
        let id = text(&api.get(&format!("/incidents/{number}"))["id"]);
        keys.iter().find(|key| key.contains(&id)).expect("its page named it").clone()
    };
    let (first_key, second_key) = (key_of(first), key_of(second));
    scene.merge(first, share);
    std::thread::sleep(QUIET);
    assert_eq!(pagerduty.calls().len(), 2, "nobody has it, and it is not over");
    api.post(&format!("/incidents/{share}/ack"), &json!({}));
    let told = |count: usize, action: &str, key: &str| {
        let told = wait::until(SOON, action, || actions(&pagerduty).get(count - 1).cloned());
        assert_eq!(told, (action.to_string(), key.to_string()));
    };
    told(3, "acknowledge", &first_key);
    // Somebody has the target already: what rings for the second stops at once.
    scene.merge(second, share);
    told(4, "acknowledge", &second_key);
    api.post(&format!("/incidents/{share}/resolve"), &json!({}));
    let ended = wait::until(SOON, "both ends", || actions(&pagerduty).get(4..6).map(<[_]>::to_vec));
    let mut ended: Vec<String> = ended.into_iter().map(|(action, key)| format!("{action} {key}")).collect();
    let mut expected = [first_key, second_key].map(|key| format!("resolve {key}"));
    ended.sort();
    expected.sort();
    assert_eq!(ended, expected);
    std::thread::sleep(QUIET);
    assert_eq!(pagerduty.calls().len(), 6, "{:?}", actions(&pagerduty));
}

#[test]
fn the_command_line_merges_several() {
    let scene = Scene::start(None);
    let numbers = ["one", "two", "three"].map(|title| scene.trouble(title, "disks"));
    let [one, two, three] = numbers.map(|number| number.to_string());
    Operator::new(&scene.hub.url()).text(&["incident", "merge", &two, &three, "--into", &one]);
    let merged = scene.api.get(&format!("/incidents/{}", numbers[0]));
    assert_eq!(merged["merged"], json!([numbers[1], numbers[2]]));
    assert_eq!(merged["title"], "one (+2 more)");
}
