//! Who is paged: one channel, one policy, the service behind the last route.

use serde_json::{Value, json};

use crate::api::Api;
use crate::sink::{SECRET, Sink};

/// Makes `sink` hear of every incident at once. Returns the channel's id.
pub fn page_to(api: &Api, sink: &Sink) -> String {
    page(api, sink, Value::Null)
}

/// The same, of each alert by itself, however many begin together.
pub fn page_each_to(api: &Api, sink: &Sink) -> String {
    page(api, sink, json!(0))
}

/// Pages by a channel of this configuration at once. Returns its id.
pub fn page_by(api: &Api, config: &Value) -> String {
    page_all(api, config, Value::Null)
}

fn page(api: &Api, sink: &Sink, group_window: Value) -> String {
    page_all(api, &json!({"kind": "webhook", "url": sink.url(), "secret": SECRET}), group_window)
}

fn page_all(api: &Api, config: &Value, group_window: Value) -> String {
    let channel = api.post("/channels", &json!({"name": "sink", "config": config, "catch_all": true}));
    let id = text(&channel["id"]);
    let steps = json!([{"delay_seconds": 600, "targets": [{"kind": "channel", "id": id}]},
                       {"delay_seconds": 600, "targets": [{"kind": "channel", "id": id}]}]);
    let policy = api.post("/policies", &json!({"name": "to the sink", "steps": steps}));
    let service = api
        .list("/services")
        .into_iter()
        .find(|s| s["name"] == "default")
        .expect("there is a default service");
    let input = json!({"name": "default", "description": "", "policy_id": policy["id"], "group_window_seconds": group_window});
    api.put(&format!("/services/{}", text(&service["id"])), &input);
    id
}

/// A string of the answer.
///
/// # Panics
/// If it is not one.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_string()
}
