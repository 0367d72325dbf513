//! How a person is paged, from one line for each rule: `high:5m:sms-ana`, or `high:5m:to-completion:sms-ana`.

use serde_json::{Map, Value, json};

use super::{id_of, seconds};
use crate::failure::Failure;
use crate::session::Session;

/// The rule without its channel, and the channel's name.
fn parts(text: &str) -> Option<(Value, &str)> {
    let (urgency, rest) = text.split_once(':')?;
    let (delay, channel) = rest.split_once(':')?;
    let delay = seconds(delay).filter(|delay| delay.is_u64() || delay.is_i64())?;
    let (to_completion, channel) = match channel.strip_prefix("to-completion:") {
        Some(channel) => (true, channel),
        None => (false, channel),
    };
    let mut rule = json!({ "delay_seconds": delay });
    if to_completion {
        rule["run_to_completion"] = true.into();
    }
    match urgency {
        "high" | "low" => rule["urgency"] = urgency.into(),
        "any" => {}
        _ => return None,
    }
    Some((rule, channel)).filter(|_| !channel.is_empty())
}

/// An empty text takes all rules away.
pub(super) fn rules(session: &mut Session, given: &[String]) -> Result<Value, Failure> {
    let given = given.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty());
    given
        .map(|text| {
            let (mut rule, channel) = parts(text).ok_or_else(|| {
                Failure::usage(format!(
                    "--notify {text}: must be URGENCY:DELAY:CHANNEL with URGENCY high, low or any, such as high:5m:sms-ana, or \
                     URGENCY:DELAY:to-completion:CHANNEL"
                ))
            })?;
            rule["channel_id"] = id_of(session, "channel", channel)?.into();
            Ok(rule)
        })
        .collect()
}

/// Names of channels in a file become ids.
pub(super) fn resolve(
    session: &mut Session,
    body: &mut Map<String, Value>,
    path: &str,
) -> Result<(), Failure> {
    let rules = body.get_mut(path).and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        if let Some(Value::String(text)) = rule.get_mut("channel_id") {
            *text = id_of(session, "channel", text)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_parts() {
        assert_eq!(parts("high:5m:sms"), Some((json!({"urgency": "high", "delay_seconds": 300}), "sms")));
        assert_eq!(parts("any:0:team: chat"), Some((json!({"delay_seconds": 0}), "team: chat")));
        let kept = json!({"urgency": "low", "delay_seconds": 60, "run_to_completion": true});
        assert_eq!(parts("low:1m:to-completion:sms"), Some((kept, "sms")));
        for wrong in [
            "",
            "high",
            "high:5m:to-completion:",
            "high:5m",
            "high:5m:",
            "soon:5m:sms",
            "high:x:sms",
            "high:0.5:sms",
        ] {
            assert!(parts(wrong).is_none(), "{wrong}");
        }
    }
}
