//! Layers of a schedule, from one line each: `days=weekly@08:00/2026-11-30:ann,ben`.

use serde_json::{Map, Value, json};

use super::id_of;
use crate::failure::Failure;
use crate::session::Session;

/// The parts of a line, without the people.
fn parts(text: &str) -> Option<(Value, &str)> {
    let (name, rest) = text.split_once('=')?;
    // The last colon: the one of the handoff is before it.
    let (rotation, people) = rest.rsplit_once(':')?;
    let (turn, start) = rotation.split_once('@')?;
    let (handoff, date) = start.split_once('/')?;
    let (length, unit) = match turn.split_once('*') {
        Some((length, unit)) => (length.parse::<u32>().ok()?, unit),
        None => (1, turn),
    };
    let layer = json!({ "name": name, "unit": unit, "length": length, "handoff": handoff, "start": date });
    Some((layer, people))
}

pub(super) fn layer(session: &mut Session, text: &str) -> Result<Value, Failure> {
    let bad = || {
        let form = "NAME=UNIT@HH:MM/DATE:USER,... such as days=weekly@08:00/2026-11-30:ann,ben";
        Failure::usage(format!("--layer {text}: must be {form}"))
    };
    let (mut layer, people) = parts(text).ok_or_else(bad)?;
    let ids: Result<Vec<_>, _> = people.split(',').map(|name| id_of(session, "user", name.trim())).collect();
    layer["participants"] = ids?.into();
    Ok(layer)
}

/// Names of people in a file become ids.
pub(super) fn resolve(
    session: &mut Session,
    body: &mut Map<String, Value>,
    path: &str,
) -> Result<(), Failure> {
    let layers = body.get_mut(path).and_then(Value::as_array_mut);
    for layer in layers.into_iter().flatten() {
        let people = layer.get_mut("participants").and_then(Value::as_array_mut);
        for person in people.into_iter().flatten() {
            if let Value::String(text) = person {
                *text = id_of(session, "user", text)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_parts() {
        let (layer, people) = parts("nights=2*daily@20:00/2026-11-30:ann,ben").unwrap();
        let wanted = json!({"name": "nights", "unit": "daily", "length": 2, "handoff": "20:00", "start": "2026-11-30"});
        assert_eq!((layer, people), (wanted, "ann,ben"));
        for wrong in [
            "",
            "a=weekly",
            "a=weekly@08:00:ann",
            "a=x*daily@08:00/2026-11-30:ann",
            "weekly@08:00/2026-11-30:a",
        ] {
            assert!(parts(wrong).is_none(), "{wrong}");
        }
    }
}
