//! Verbs on one or more existing objects: delete them, or POST to them.

use clap::ArgMatches;
use serde_json::{Map, Value, json};

use super::path_args;
use super::write::{PLAN, plan};
use crate::body;
use crate::client::endpoint;
use crate::failure::{Done, Exit, Failure};
use crate::nouns::{Field, Noun};
use crate::session::Session;

pub fn names(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
}

pub fn delete(session: &mut Session, noun: &Noun, matches: &ArgMatches) -> Done {
    let id = noun.endpoint("delete");
    let names = names(matches, noun.name);
    if matches.get_flag("dry-run") {
        let plans = names.iter().map(|name| plan(&id, &[name], None)).collect();
        return each_plan(session, plans);
    }
    session.confirm(matches.get_flag("yes"), &format!("delete {} {}", noun.name, names.join(", ")))?;
    let several = each(&names, |name| {
        session.hub.call(&id, &[name], &[], None)?;
        session.print.say(format!("deleted {} {name}", noun.name));
        Ok(None)
    });
    several.finish()
}

/// Dry runs: one plan is an object, several are a list.
pub fn each_plan(session: &mut Session, plans: Vec<Value>) -> Done {
    match plans.as_slice() {
        [] => {}
        [one] => session.print.object(&PLAN, one)?,
        several => session.print.list(&PLAN, &json!({ "items": several }))?,
    }
    Ok(Exit::Ok)
}

pub fn act(
    session: &mut Session,
    noun: &Noun,
    id: &str,
    fields: &[Field],
    many: bool,
    matches: &ArgMatches,
) -> Done {
    let mut body = Map::new();
    body::fill(session, fields, matches, &mut body)?;
    let body = endpoint(id).body.map(|_| Value::from(body));
    if !many {
        let args: Vec<String> =
            path_args(endpoint(id)).into_iter().flat_map(|name| names(matches, name)).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if matches.get_flag("dry-run") {
            return each_plan(session, vec![plan(id, &args, body)]);
        }
        let value = session.hub.call(id, &args, &[], body.as_ref())?;
        session.print.answer(&noun.shape, &value)?;
        return Ok(Exit::Ok);
    }
    let names = names(matches, noun.name);
    if matches.get_flag("dry-run") {
        let plans = names.iter().map(|name| plan(id, &[name], body.clone())).collect();
        return each_plan(session, plans);
    }
    let mut several = each(&names, |name| session.hub.call(id, &[name], &[], body.as_ref()).map(Some));
    several.flatten();
    several.print(session, noun)
}

/// What came of one verb on several objects.
pub struct Several {
    values: Vec<Value>,
    failures: Vec<(String, Failure)>,
    asked: usize,
}

/// Does it for every name; one failure does not keep the others back, unless the hub itself is gone.
pub fn each(names: &[String], mut act: impl FnMut(&str) -> Result<Option<Value>, Failure>) -> Several {
    let mut several = Several { values: Vec::new(), failures: Vec::new(), asked: names.len() };
    for name in names {
        match act(name) {
            Ok(value) => several.values.extend(value),
            Err(failure) => {
                let gone = failure.exit == Exit::Unreachable;
                several.failures.push((name.clone(), failure));
                if gone {
                    break;
                }
            }
        }
    }
    several
}

impl Several {
    /// An answer of several objects counts as each of them.
    fn flatten(&mut self) {
        let answers = std::mem::take(&mut self.values);
        self.values = answers
            .into_iter()
            .flat_map(|mut answer| match answer.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => vec![answer],
            })
            .collect();
    }

    /// Shows the objects, then tells how it ended.
    pub fn print(self, session: &mut Session, noun: &Noun) -> Done {
        match self.values.as_slice() {
            [] => {}
            // People want to see that it happened; `get` shows the rest.
            [one] if self.asked == 1 && !session.print.format.is_text() => {
                session.print.object(&noun.shape, one)?;
            }
            values => session.print.list(&noun.shape, &json!({ "items": values }))?,
        }
        self.finish()
    }

    /// One failure of one is itself; of several it is partial, and names each.
    pub fn finish(self) -> Done {
        let Some((_, first)) = self.failures.first() else { return Ok(Exit::Ok) };
        if self.asked == 1 || first.exit == Exit::Unreachable {
            return Err(first.clone());
        }
        let texts: Vec<_> =
            self.failures.iter().map(|(name, failure)| format!("{name}: {}", failure.message)).collect();
        let exit = if self.failures.len() == self.asked { first.exit } else { Exit::Partial };
        let mut failure = first.clone();
        failure.exit = exit;
        failure.message = format!("{} of {} failed: {}", self.failures.len(), self.asked, texts.join("; "));
        Err(failure)
    }
}
