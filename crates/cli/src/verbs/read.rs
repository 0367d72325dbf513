//! Reading: lists page by page, single objects, what lies below them.

use clap::ArgMatches;
use serde_json::{Value, json};

use super::path_args;
use crate::client::{Hub, endpoint};
use crate::failure::{Done, Exit, Failure};
use crate::nouns::Noun;
use crate::output::cell::Shape;
use crate::session::Session;

/// The hub's own limit of a page.
const PAGE_MAX: usize = 500;
/// Items of a list without `--limit`.
const ITEMS_MAX: usize = 100_000;

/// The query parameters that were given.
fn query(names: &'static [&'static str], matches: &ArgMatches) -> Vec<(&'static str, String)> {
    let given = names.iter().filter(|name| **name != "limit");
    given.filter_map(|name| Some((*name, matches.get_one::<String>(name)?.clone()))).collect()
}

/// All pages of a list, at most `limit` items; `next` is kept when there are more.
pub fn pages(
    hub: &Hub,
    id: &str,
    args: &[&str],
    query: &[(&str, String)],
    limit: Option<usize>,
) -> Result<Value, Failure> {
    let paged = endpoint(id).query.contains(&"limit");
    let limit = limit.unwrap_or(ITEMS_MAX);
    let mut items: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        if paged {
            query.push(("limit", (limit - items.len()).min(PAGE_MAX).to_string()));
        }
        if let Some(cursor) = cursor.take() {
            query.retain(|(name, _)| *name != "cursor");
            query.push(("cursor", cursor));
        }
        let mut page = hub.call(id, args, &query, None)?;
        let Value::Array(more) = page["items"].take() else {
            return Err(Failure::new(Exit::Failed, "answer", format!("{id}: the hub's answer has no items")));
        };
        let empty = more.is_empty();
        items.extend(more);
        cursor = page["next"].as_str().map(String::from);
        if cursor.is_none() || empty || items.len() >= limit {
            break;
        }
    }
    items.truncate(limit);
    Ok(match cursor {
        Some(next) => json!({ "items": items, "next": next }),
        None => json!({ "items": items }),
    })
}

pub fn list(session: &mut Session, noun: &Noun, matches: &ArgMatches) -> Done {
    let id = noun.endpoint("list");
    let limit = matches.get_one::<u32>("limit").map(|limit| *limit as usize);
    let whole = pages(&session.hub, &id, &[], &query(endpoint(&id).query, matches), limit)?;
    session.print.list(&noun.shape, &whole)?;
    if let Some(next) = whole["next"].as_str() {
        session.print.say(format!("there are more: --cursor {next}"));
    }
    Ok(Exit::Ok)
}

/// One object, or a list below it.
pub fn show(session: &mut Session, id: &str, shape: &Shape, matches: &ArgMatches) -> Done {
    let endpoint = endpoint(id);
    let args: Vec<&str> = path_args(endpoint)
        .into_iter()
        .filter_map(|name| matches.get_one::<String>(name).map(String::as_str))
        .collect();
    let value = session.hub.call(id, &args, &query(endpoint.query, matches), None)?;
    if value["items"].is_array() {
        session.print.list(shape, &value)?;
    } else {
        session.print.object(shape, &value)?;
    }
    Ok(Exit::Ok)
}
