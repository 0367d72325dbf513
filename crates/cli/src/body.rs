//! A request's body from flags: each flag fills one field, names become ids.

mod layers;
mod notify;

use clap::ArgMatches;
use serde_json::{Map, Value, json};
use watchtower_model::{Timestamp, parse_duration_ms};

use crate::failure::Failure;
use crate::nouns::{Field, Kind};
use crate::session::{Session, now_ms};

/// Puts the given flags over `body`.
pub fn fill(
    session: &mut Session,
    fields: &[Field],
    matches: &ArgMatches,
    body: &mut Map<String, Value>,
) -> Result<(), Failure> {
    for field in fields {
        let Some(given) = matches.get_many::<String>(field.flag) else { continue };
        let given: Vec<String> = given.cloned().collect();
        let slot = slot(body, field.path);
        let before = slot.take();
        let value = value(session, field, &given, before)?;
        *self::slot(body, field.path) = value;
    }
    Ok(())
}

/// The place of a dotted path, made where missing.
fn slot<'a>(body: &'a mut Map<String, Value>, path: &str) -> &'a mut Value {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let place = body.entry(first).or_insert(Value::Null);
    match rest {
        None => place,
        Some(rest) => {
            if !place.is_object() {
                *place = json!({});
            }
            match place {
                Value::Object(inner) => slot(inner, rest),
                other => other,
            }
        }
    }
}

fn value(session: &mut Session, field: &Field, given: &[String], before: Value) -> Result<Value, Failure> {
    let bad = |why: &str| Failure::usage(format!("--{}: {why}", field.flag));
    let one = given.last().map_or("", String::as_str);
    Ok(match field.kind {
        // An empty text takes the value away.
        Kind::Text if one.is_empty() => Value::Null,
        Kind::Text | Kind::Words(_) => one.into(),
        Kind::Integer => one.parse::<i64>().map_err(|_| bad("must be a whole number"))?.into(),
        Kind::Seconds if one.is_empty() => Value::Null,
        Kind::Seconds => seconds(one).ok_or_else(|| bad("must be a duration such as 5m, or seconds"))?,
        Kind::Bool => (one != "false").into(),
        Kind::Map => map(given, before).ok_or_else(|| bad("must be name=value"))?,
        Kind::List => list(given).into(),
        Kind::Ref(_) if one.is_empty() => Value::Null,
        Kind::Ref(noun) => id_of(session, noun, one)?.into(),
        Kind::RefList(noun) => {
            let ids: Result<Vec<_>, _> = list(given).iter().map(|name| id_of(session, noun, name)).collect();
            ids?.into()
        }
        Kind::File => session.read(one)?.into(),
        Kind::SecretFile => session.read(one)?.trim_end_matches(['\r', '\n']).into(),
        Kind::Until if one == "off" => time(now_ms()).into(),
        Kind::Until => {
            let ms = parse_duration_ms(one).map_err(|_| bad("must be a duration such as 2h, or off"))?;
            time(now_ms().saturating_add(ms)).into()
        }
        Kind::Json => serde_json::from_str(one).map_err(|e| bad(&format!("not JSON: {e}")))?,
        Kind::Steps => {
            let steps: Result<Vec<_>, _> = given.iter().map(|text| step(session, text)).collect();
            steps?.into()
        }
        Kind::NotifyRules => notify::rules(session, given)?,
        Kind::Layers => {
            let layers: Result<Vec<_>, _> = given.iter().map(|text| layers::layer(session, text)).collect();
            layers?.into()
        }
    })
}

fn time(ms: i64) -> String {
    Timestamp(ms).to_rfc3339()
}

/// Seconds as the API has them: whole ones without a fraction.
pub fn seconds(text: &str) -> Option<Value> {
    let ms = match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => (seconds * 1000.0).round() as i64,
        Ok(_) => return None,
        Err(_) => parse_duration_ms(text).ok()?,
    };
    Some(if ms % 1000 == 0 { (ms / 1000).into() } else { (ms as f64 / 1000.0).into() })
}

fn list(given: &[String]) -> Vec<String> {
    let parts = given.iter().flat_map(|text| text.split(','));
    parts.map(str::trim).filter(|part| !part.is_empty()).map(String::from).collect()
}

/// Adds to what is there; an empty value takes a name away.
fn map(given: &[String], before: Value) -> Option<Value> {
    let mut map = match before {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    for pair in given {
        let (name, value) = pair.split_once('=')?;
        match value {
            "" => map.remove(name),
            _ => map.insert(name.to_string(), value.into()),
        };
    }
    Some(map.into())
}

/// The id behind a name. What already is an id is not asked for.
pub fn id_of(session: &mut Session, noun: &str, name: &str) -> Result<String, Failure> {
    if is_id(name) {
        return Ok(name.to_string());
    }
    let object = session.hub.get(&format!("{noun}.get"), &[name])?;
    Ok(object["id"].as_str().unwrap_or_default().to_string())
}

/// A UUID as the API writes it.
pub fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.chars().enumerate().all(|(i, c)| match i {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// `5m:team=ops,channel=chat`; `5m:by-turns:user=ann,user=ben` pages one of them by turns.
fn step(session: &mut Session, text: &str) -> Result<Value, Failure> {
    let bad = || {
        Failure::usage(format!(
            "--step {text}: must be DELAY:KIND=NAME,... or DELAY:by-turns:KIND=NAME,... with KIND user, team, schedule or channel"
        ))
    };
    let (delay, targets) = text.split_once(':').ok_or_else(bad)?;
    let (by_turns, targets) = match targets.strip_prefix("by-turns:") {
        Some(round) => (true, round),
        None => (false, targets),
    };
    let delay = seconds(delay).ok_or_else(bad)?;
    let mut found = Vec::new();
    for target in targets.split(',') {
        let (kind, name) = target.trim().split_once('=').ok_or_else(bad)?;
        if !matches!(kind, "user" | "team" | "schedule" | "channel") {
            return Err(bad());
        }
        found.push(json!({ "kind": kind, "id": id_of(session, kind, name)? }));
    }
    let mut step = json!({ "delay_seconds": delay, "targets": found });
    if by_turns {
        step["strategy"] = "round_robin".into();
    }
    Ok(step)
}

/// Names in the fields that hold ids, as people write them in files, become ids.
pub fn resolve(
    session: &mut Session,
    fields: &[Field],
    body: &mut Map<String, Value>,
) -> Result<(), Failure> {
    for field in fields {
        match field.kind {
            Kind::Layers => layers::resolve(session, body, field.path)?,
            Kind::NotifyRules => notify::resolve(session, body, field.path)?,
            _ => {}
        }
        let (noun, root) = match field.kind {
            Kind::Ref(noun) | Kind::RefList(noun) => (noun, field.path.split('.').next().unwrap_or("")),
            _ => continue,
        };
        if !body.contains_key(root) {
            continue;
        }
        match slot(body, field.path) {
            Value::String(name) if !name.is_empty() => *name = id_of(session, noun, name)?,
            Value::Array(names) => {
                for name in names {
                    if let Value::String(text) = name {
                        *text = id_of(session, noun, text)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_maps_and_paths() {
        assert_eq!(seconds("5m"), Some(json!(300)));
        assert_eq!(seconds("0.5"), Some(json!(0.5)));
        assert_eq!(seconds("-1"), None);
        assert_eq!(seconds("soon"), None);
        let given = ["a=1".to_string(), "b=".to_string()];
        assert_eq!(map(&given, json!({"b": "2", "c": "3"})), Some(json!({"a": "1", "c": "3"})));
        assert_eq!(map(&["x".to_string()], Value::Null), None);
        let mut body = Map::new();
        *slot(&mut body, "config.kind") = "slack".into();
        *slot(&mut body, "config.url") = "u".into();
        assert_eq!(Value::from(body), json!({"config": {"kind": "slack", "url": "u"}}));
        assert!(is_id("01936f2e-0000-7000-8000-000000000000") && !is_id("web-1"));
    }
}
