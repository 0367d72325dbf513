//! Calls on one alert: what each asks for, and what it makes of the alert's labels.

use serde_json::{Map, Value};
use watchtower_model::{Labels, Severity, Timestamp};

use super::{called, listed, object, priority, required, text};
use crate::signals::{labels, line, paragraph, shown};

/// The label that holds the tags, with commas between.
const TAGS: &str = "tags";

/// What a call on one alert asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    Close,
    Acknowledge,
    Unacknowledge,
    /// Acknowledged until then.
    Snooze(Timestamp),
    /// To the next step of its policy.
    Escalate,
    /// Only the note beside it.
    Note,
    Message(String),
    Description(String),
    Priority(Severity),
    Tag(Vec<String>),
    Untag(Vec<String>),
    SetDetails(Vec<(String, String)>),
    RemoveDetails(Vec<String>),
    /// Has no counterpart: what was asked for, in words for the timeline.
    Foreign(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As the status of the request names it.
    pub action: &'static str,
    pub update: Update,
    /// For the timeline.
    pub note: Option<String>,
    /// Who did it, as the sender says.
    pub user: Option<String>,
}

type Read = fn(&Map<String, Value>) -> Result<Update, &'static str>;

/// By the last part of the path.
const CHANGES: &[(&str, &str, Read)] = &[
    ("close", "Close", |_| Ok(Update::Close)),
    ("acknowledge", "Acknowledge", |_| Ok(Update::Acknowledge)),
    ("unacknowledge", "UnAcknowledge", |_| Ok(Update::Unacknowledge)),
    ("snooze", "Snooze", |all| until(all).map(Update::Snooze)),
    ("escalate", "EscalateToNext", |all| object_of(all, "escalation").map(|_| Update::Escalate)),
    ("notes", "AddNote", |all| required(all, "note", "Note can not be empty.").map(|_| Update::Note)),
    ("message", "UpdateMessage", |all| {
        required(all, "message", "Message can not be empty.").map(|text| Update::Message(line(&text)))
    }),
    ("description", "UpdateDescription", |all| {
        let text = required(all, "description", "Description can not be empty.")?;
        Ok(Update::Description(paragraph([text])))
    }),
    ("priority", "UpdatePriority", |all| {
        required(all, "priority", "Priority can not be empty.")?;
        priority(all).map(Update::Priority)
    }),
    ("tags", "AddTags", |all| some(listed(all, TAGS), "Tags can not be empty.").map(Update::Tag)),
    ("details", "AddDetails", |all| match all.get("details") {
        Some(Value::Object(details)) if !details.is_empty() => {
            Ok(Update::SetDetails(details.iter().map(|(name, value)| (name.clone(), shown(value))).collect()))
        }
        _ => Err("Details can not be empty."),
    }),
    ("assign", "Assign", |all| object_of(all, "owner").map(|who| foreign("assign it to", &who))),
    ("responders", "AddResponder", |all| {
        object_of(all, "responder").map(|who| foreign("add the responder", &who))
    }),
    ("teams", "AddTeam", |all| object_of(all, "team").map(|team| foreign("add the team", &team))),
];

/// `POST /v2/alerts/ID/ACTION`, or `PUT`. `None` where the action is none that is known.
///
/// # Errors
/// What Opsgenie answers by 422, in its words.
pub fn change(action: &str, body: &[u8]) -> Option<Result<Change, &'static str>> {
    let (_, word, read) = CHANGES.iter().find(|(name, ..)| *name == action)?;
    Some(of_body(word, body, *read))
}

/// `POST /v2/alerts/ID/actions/NAME`: what a person set up there for a button, and is not here.
///
/// # Errors
/// As [`change`].
pub fn custom(name: &str, body: &[u8]) -> Result<Change, &'static str> {
    let change = of_body("Custom", body, |_| Ok(Update::Note))?;
    Ok(Change { update: foreign("do the action", &line(name)), ..change })
}

/// `DELETE /v2/alerts/ID/tags?tags=A,B` and `…/details?keys=A,B`; of the whole alert, with an empty action, it is an end.
///
/// # Errors
/// As [`change`].
pub fn removal(action: &str, names: &str, note: &str, user: &str) -> Option<Result<Change, &'static str>> {
    let names: Vec<String> = names.split(',').map(line).filter(|name| !name.is_empty()).collect();
    let (word, update) = match action {
        "" => ("Delete", Ok(Update::Close)),
        "tags" => ("RemoveTags", some(names, "Tags can not be empty.").map(Update::Untag)),
        "details" => ("RemoveDetails", some(names, "Keys can not be empty.").map(Update::RemoveDetails)),
        _ => return None,
    };
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let note = filled(paragraph([note.to_string()]));
    Some(update.map(|update| Change { action: word, update, note, user: filled(line(user)) }))
}

/// The labels of an alert once its tags or details are changed; `None` where they are not.
pub fn amended(old: &Labels, update: &Update) -> Option<Labels> {
    let tagged = |tags: Vec<&str>| {
        let tags = tags.join(",");
        labels(old.iter().filter(|(name, _)| *name != TAGS).chain([(TAGS, tags.as_str())]))
    };
    let had: Vec<&str> = old.get(TAGS).unwrap_or("").split(',').filter(|tag| !tag.is_empty()).collect();
    Some(match update {
        Update::Tag(more) => {
            let new = more.iter().map(String::as_str).filter(|tag| !had.contains(tag));
            tagged(had.iter().copied().chain(new).collect())
        }
        Update::Untag(gone) => {
            tagged(had.into_iter().filter(|tag| !gone.iter().any(|one| one == tag)).collect())
        }
        Update::SetDetails(details) => {
            let kept = old.iter().filter(|(name, _)| details.iter().all(|(other, _)| other != name));
            labels(kept.chain(details.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
        }
        Update::RemoveDetails(names) => old.without(&names.iter().map(String::as_str).collect::<Vec<_>>()),
        _ => return None,
    })
}

fn of_body(action: &'static str, body: &[u8], read: Read) -> Result<Change, &'static str> {
    // A close without a body is one.
    let all = if body.is_empty() { Map::new() } else { object(body)? };
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let note = filled(paragraph([text(&all, "note").to_string()]));
    Ok(Change { action, update: read(&all)?, note, user: filled(line(text(&all, "user"))) })
}

fn until(all: &Map<String, Value>) -> Result<Timestamp, &'static str> {
    let told = required(all, "endTime", "End time can not be empty.")?;
    let at = Timestamp::parse_rfc3339(&told);
    // Clients that think in UTC leave out the zone.
    let at = at.or_else(|_| Timestamp::parse_rfc3339(&format!("{told}Z")));
    at.map_err(|_| "End time should be a date in ISO 8601, such as 2017-11-13T12:00:00Z.")
}

fn object_of(all: &Map<String, Value>, name: &str) -> Result<String, &'static str> {
    all.get(name).and_then(called).ok_or("Request body is not processable. Please check the errors.")
}

fn foreign(what: &str, whom: &str) -> Update {
    Update::Foreign(format!("{what} {whom}"))
}

fn some<T>(all: Vec<T>, missing: &'static str) -> Result<Vec<T>, &'static str> {
    if all.is_empty() { Err(missing) } else { Ok(all) }
}
