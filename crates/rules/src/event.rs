//! Event rules: which events become alerts, and which end them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use watchtower_matchers::Matchers;
use watchtower_model::{Event, Labels, Severity, Timestamp, check_name};

use crate::EVENT_MAX_AGE_MS;
use crate::key::DedupKey;
use crate::rule::{RuleError, Templates, dressed, duration, rendered, templates};
use crate::state::{Transition, TransitionKind};

/// Bytes of a pattern on kinds.
const PATTERN_BYTES_MAX: usize = 64;

/// A rule as people write it and the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventRuleSpec {
    pub name: String,
    /// A pattern on the event's kind; `*` stands for any characters: `unit.*`.
    pub kind: String,
    /// A pattern on the kind of the event that ends the alert, such as `unit.recovered`.
    pub resolved_by: Option<String>,
    /// Matchers on the event's labels: `unit=~"nginx|redis"`.
    pub matchers: String,
    /// Instead of the event's own.
    pub severity: Option<Severity>,
    /// Events older than this are history.
    pub max_age_ms: i64,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

impl Default for EventRuleSpec {
    fn default() -> Self {
        EventRuleSpec {
            name: String::new(),
            kind: String::new(),
            resolved_by: None,
            matchers: String::new(),
            severity: None,
            max_age_ms: EVENT_MAX_AGE_MS,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// See [`EventRuleSpec`].
#[derive(Clone, Debug)]
pub struct EventRule {
    pub name: String,
    kind: String,
    resolved_by: Option<String>,
    matchers: Matchers,
    severity: Option<Severity>,
    max_age_ms: i64,
    labels: Templates,
    annotations: Templates,
}

/// What an event means to a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum EventVerdict {
    NoMatch,
    /// It would have been an alert, but is older than the rule's `max_age`.
    TooOld {
        age_ms: i64,
    },
    /// `Firing` or `Resolved`.
    Alert(Box<Transition>),
}

impl EventRule {
    pub fn compile(spec: &EventRuleSpec) -> Result<Self, RuleError> {
        check_name(&spec.name).map_err(RuleError::Name)?;
        let matchers = spec.matchers.parse::<Matchers>();
        Ok(EventRule {
            name: spec.name.clone(),
            kind: pattern("kind", &spec.kind)?,
            resolved_by: spec.resolved_by.as_deref().map(|p| pattern("resolved_by", p)).transpose()?,
            matchers: matchers
                .map_err(|e| RuleError::Pattern { field: "matchers", reason: e.to_string() })?,
            severity: spec.severity,
            max_age_ms: duration("max_age_ms", spec.max_age_ms)?,
            labels: templates("labels", &spec.labels)?,
            annotations: templates("annotations", &spec.annotations)?,
        })
    }

    /// Events of one server with equal labels are one alert.
    pub fn judge(&self, event: &Event, now: Timestamp) -> EventVerdict {
        let resolves = self.resolved_by.as_deref().is_some_and(|p| glob(p, &event.kind.0));
        if !(resolves || glob(&self.kind, &event.kind.0)) || !self.matchers.matches(&event.labels) {
            return EventVerdict::NoMatch;
        }
        let age_ms = now.since(event.at);
        if age_ms > self.max_age_ms {
            return EventVerdict::TooOld { age_ms };
        }
        let mut identity = event.labels.to_builder();
        if let Some(server) = event.server_id {
            identity.set("server_id", &server.to_string());
        }
        let known =
            Labels::from_pairs([("kind", event.kind.0.as_str()), ("message", event.message.as_str())]);
        let shown = known.merged(&event.labels);
        // What templates may use is more than what the alert is called by.
        let own = dressed(&self.name, &self.labels, &shown, f64::NAN);
        let unnamed: Vec<&str> = ["kind", "message"]
            .into_iter()
            .filter(|n| event.labels.get(n).is_none() && !self.labels.iter().any(|(l, _)| l == n))
            .collect();
        EventVerdict::Alert(Box::new(Transition {
            kind: if resolves { TransitionKind::Resolved } else { TransitionKind::Firing },
            key: DedupKey::of(&identity.build()),
            labels: own.without(&unnamed),
            annotations: rendered(&self.annotations, &shown, f64::NAN),
            severity: self.severity.unwrap_or(event.severity),
            value: f64::NAN,
            since: event.at,
            at: now,
        }))
    }
}

fn pattern(field: &'static str, text: &str) -> Result<String, RuleError> {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'*');
    if !text.is_empty() && text.len() <= PATTERN_BYTES_MAX && text.bytes().all(ok) {
        return Ok(text.to_string());
    }
    let reason = format!("{text:?} is not a pattern such as unit.failed or unit.*");
    Err(RuleError::Pattern { field, reason: reason.chars().take(200).collect() })
}

/// `*` matches any run of characters; greedy with one step back, so linear in practice.
fn glob(pattern: &str, text: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), text.as_bytes());
    let (mut i, mut j) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while j < t.len() {
        if p.get(i) == Some(&b'*') {
            star = Some((i, j));
            i += 1;
        } else if p.get(i) == Some(&t[j]) {
            (i, j) = (i + 1, j + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (i, j) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    p[i..].iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::{EventId, EventKind, Id, ServerId};

    fn event(kind: &str, unit: &str, at: i64) -> Event {
        Event {
            id: EventId(Id::NIL),
            kind: EventKind::new(kind),
            source: "agent".into(),
            server_id: Some(ServerId(Id::from_bytes([1; 16]))),
            severity: Severity::Error,
            message: format!("{unit} went down"),
            labels: Labels::from_pairs([("unit", unit)]),
            at: Timestamp(at),
        }
    }

    fn rule() -> EventRule {
        EventRule::compile(&EventRuleSpec {
            name: "Unit failed".into(),
            kind: "unit.fail*".into(),
            resolved_by: Some("unit.recovered".into()),
            matchers: "unit=~\"nginx|redis\"".into(),
            annotations: BTreeMap::from([(
                "summary".into(),
                "{{ $labels.message }} ({{ $labels.kind }})".into(),
            )]),
            ..EventRuleSpec::default()
        })
        .unwrap()
    }

    fn alert(verdict: EventVerdict) -> Transition {
        match verdict {
            EventVerdict::Alert(transition) => *transition,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_fires_and_its_counterpart_resolves() {
        let now = Timestamp(10_000);
        let fired = alert(rule().judge(&event("unit.failed", "nginx", 5_000), now));
        assert_eq!((fired.kind, fired.severity), (TransitionKind::Firing, Severity::Error));
        assert_eq!(fired.annotations["summary"], "nginx went down (unit.failed)");
        assert_eq!(fired.labels.to_string(), "{alertname=\"Unit failed\", unit=\"nginx\"}");
        let resolved = alert(rule().judge(&event("unit.recovered", "nginx", 9_000), now));
        assert_eq!((resolved.kind, &resolved.key), (TransitionKind::Resolved, &fired.key));
        assert_ne!(alert(rule().judge(&event("unit.failed", "redis", 5_000), now)).key, fired.key);
    }

    #[test]
    fn others_and_old_ones_do_not() {
        let now = Timestamp(4_000_000);
        assert_eq!(rule().judge(&event("unit.started", "nginx", 0), now), EventVerdict::NoMatch);
        assert_eq!(rule().judge(&event("unit.failed", "cron", 0), now), EventVerdict::NoMatch);
        let verdict = rule().judge(&event("unit.failed", "nginx", 0), now);
        assert_eq!(verdict, EventVerdict::TooOld { age_ms: 4_000_000 });
    }

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "a.b", true),
            ("unit.*", "unit.failed", true),
            ("unit.*", "unit", false),
            ("*.failed", "a.b.failed", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2", false),
            ("a", "ab", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        let bad = EventRuleSpec { name: "x".into(), kind: "Unit[".into(), ..EventRuleSpec::default() };
        assert!(EventRule::compile(&bad).unwrap_err().to_string().starts_with("kind: "));
        let bad = EventRuleSpec {
            name: "x".into(),
            kind: "a".into(),
            matchers: "b".into(),
            ..EventRuleSpec::default()
        };
        assert!(EventRule::compile(&bad).unwrap_err().to_string().starts_with("matchers: at 1"));
    }
}
