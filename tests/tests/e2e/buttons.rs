//! Buttons below messages in chats: who presses has it, in the chat that was paged and nowhere else.

use std::time::Duration;

use serde_json::{Value, json};
use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::paging::{page_by, text};
use watchtower_tests::telegram::Telegram;

const SOON: Duration = Duration::from_secs(20);
/// The turn of a hub that was killed runs out before.
const AFTER_A_TURN: Duration = Duration::from_secs(90);
const CHAT: &str = "4711";

fn chat() -> Value {
    json!({"id": 4711, "type": "private", "username": "ada"})
}

fn open(api: &Api, title: &str) -> String {
    format!("/incidents/{}", api.post("/incidents", &json!({"title": title}))["number"])
}

fn acknowledged(api: &Api, incident: &str, timeout: Duration) -> Value {
    wait::until(timeout, "the acknowledgement", || {
        Some(api.get(incident)).filter(|found| found["state"] == "acknowledged")
    })
}

fn give_to(api: &Api, name: &str, channel: &str) {
    let user = json!({"name": name, "role": "responder", "password": "correct horse battery staple", "channels": [channel]});
    api.post("/users", &user);
}

#[test]
fn a_button_in_telegram_acknowledges_and_says_who_has_it() {
    let mut hub = Hub::start(Setup::default());
    let (api, telegram) = (hub.api(), Telegram::start());
    let channel = page_by(&api, &telegram.config(CHAT));
    give_to(&api, "ada", &channel);
    let incident = open(&api, "the disk is full");
    let message = telegram.message(1, SOON);
    let button = &message["reply_markup"]["inline_keyboard"][0][0];
    assert_eq!(button["text"], "Acknowledge");
    assert!((1..=64).contains(&text(&button["callback_data"]).len()), "{button}");
    telegram.press(1, &chat(), "ada_l");
    assert_eq!(acknowledged(&api, &incident, SOON)["acknowledged_by"], "ada");
    let edit = wait::until(SOON, "the keyboard to be replaced", || telegram.edits().first().cloned());
    assert_eq!((&edit["chat_id"], &edit["message_id"]), (&json!(4711), &json!(1)));
    assert_eq!(edit["reply_markup"]["inline_keyboard"][0][0]["text"], "Acknowledged by ada");
    wait::until(SOON, "the press to be answered", || telegram.answers().first().cloned());
    let timeline = api.list(&format!("{incident}/timeline"));
    let said = timeline.iter().find(|entry| entry["kind"] == "acknowledged").expect("it was acknowledged");
    assert!(text(&said["text"]).starts_with("acknowledged by the button sent to channel"), "{said}");
    // What was taken is not asked for again, by a hub that starts neither.
    let next =
        wait::until(SOON, "the next question", || telegram.offsets().last().copied().filter(|at| *at > 500));
    hub.kill();
    let asked = telegram.offsets().len();
    hub.restart();
    let after = wait::until(SOON, "a question of the new hub", || telegram.offsets().get(asked).copied());
    assert_eq!((after, telegram.faults()), (next, vec![]));
}

#[test]
fn a_button_counts_only_in_the_chat_it_was_sent_to() {
    let hub = Hub::start(Setup::default());
    let (api, telegram) = (hub.api(), Telegram::start());
    page_by(&api, &telegram.config(CHAT));
    let incident = open(&api, "the disk is full");
    telegram.message(1, SOON);
    telegram.press(1, &json!({"id": -100, "type": "group"}), "mallory");
    let answer = wait::until(SOON, "the press to be answered", || telegram.answers().first().cloned());
    assert_eq!(answer, "This button does nothing any more.");
    assert_eq!((&api.get(&incident)["state"], telegram.edits()), (&json!("triggered"), vec![]));
    // Who presses in a channel of nobody in particular is named as Telegram names them.
    telegram.press(1, &chat(), "ada_l");
    assert_eq!(acknowledged(&api, &incident, SOON)["acknowledged_by"], "@ada_l in Telegram");
    // A second press tells who has it.
    telegram.press(1, &chat(), "bob");
    wait::until(SOON, "the second answer", || {
        telegram.answers().get(2).cloned().filter(|text| text == "Acknowledged by @ada_l in Telegram")
    });
    assert_eq!(telegram.faults(), Vec::<String>::new());
}

#[test]
fn of_two_hubs_one_asks_telegram_and_the_other_goes_on_behind_it() {
    let Some(postgres) = Postgres::start() else { return };
    let mut first = Hub::start(Setup { database_url: Some(postgres.database()), ..Setup::default() });
    let telegram = Telegram::start();
    page_by(&first.api(), &telegram.config(CHAT));
    wait::until(SOON, "the first hub to ask", || telegram.offsets().first().copied());
    let second = first.beside();
    let api = second.api();
    let incident = open(&api, "the disk is full");
    telegram.message(1, SOON);
    telegram.press(1, &chat(), "ada_l");
    acknowledged(&api, &incident, SOON);
    // Both had time to ask several times.
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(telegram.conflicts(), 0, "both asked at once");
    first.kill();
    let incident = open(&api, "the disk is full again");
    telegram.message(2, SOON);
    telegram.press(2, &chat(), "ada_l");
    acknowledged(&api, &incident, AFTER_A_TURN);
    assert_eq!(telegram.faults(), Vec::<String>::new());
}
