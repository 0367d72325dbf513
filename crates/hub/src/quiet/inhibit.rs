//! One inhibition, ready to be asked: what is wrong already keeps what follows from it from paging, as Alertmanager's `inhibit_rules` do.
//!
//! <https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings>

use std::collections::HashMap;

use watchtower_matchers::Matchers;
use watchtower_model::{AlertId, Id, Labels};
use watchtower_store::Stored;

use crate::objects::InhibitionBody;

#[derive(Clone)]
pub struct Inhibition {
    pub id: Id,
    pub version: i64,
    name: String,
    source: Matchers,
    target: Matchers,
    equal: Vec<String>,
    /// The servers that its maker is restricted to: theirs alone are causes, and covered.
    servers: Option<Matchers>,
}

/// An alert as silences and inhibitions see it.
pub(super) struct Seen<'a> {
    /// Its own over its server's.
    pub labels: &'a Labels,
    /// Its server's alone, which no alert can claim to have.
    pub own: Option<&'a Labels>,
}

/// An open alert that keeps others quiet.
#[derive(Clone)]
pub(super) struct Source {
    pub alert: AlertId,
    pub fingerprint: u64,
    pub name: String,
    pub incident: Option<i64>,
}

/// The sources of one inhibition, by the values that its targets must have too.
#[derive(Default)]
pub(super) struct Sources(HashMap<Vec<String>, Bucket>);

/// The first source of each sort decides: the others would only say the same.
#[derive(Default)]
struct Bucket {
    source_only: Option<Source>,
    /// It matches both sides: another that does too is not inhibited by it.
    both: Option<Source>,
}

impl Sources {
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values().flat_map(|bucket| bucket.source_only.iter().chain(&bucket.both))
    }
}

impl Inhibition {
    /// Absent when it is switched off. What was checked when it was saved does not fail here.
    pub fn of(stored: &Stored<InhibitionBody>) -> Option<Inhibition> {
        let body = Some(&stored.body).filter(|body| body.input.enabled)?;
        Some(Inhibition {
            id: stored.id,
            version: stored.version,
            name: body.input.name.clone(),
            source: body.input.source.parse().ok()?,
            target: body.input.target.parse().ok()?,
            equal: body.input.equal.clone(),
            servers: body.servers.as_deref().map(str::parse).transpose().ok()?,
        })
    }

    pub(super) fn is_source(&self, alert: &Seen) -> bool {
        self.is_within(alert) && self.source.matches(alert.labels)
    }

    pub(super) fn is_target(&self, alert: &Seen) -> bool {
        self.is_within(alert) && self.target.matches(alert.labels)
    }

    fn is_within(&self, alert: &Seen) -> bool {
        match (&self.servers, alert.own) {
            (None, _) => true,
            (Some(servers), Some(own)) => servers.matches(own),
            (Some(_), None) => false,
        }
    }

    /// A missing label is an empty one.
    fn values(&self, labels: &Labels) -> Vec<String> {
        self.equal.iter().map(|name| labels.get(name).unwrap_or_default().to_string()).collect()
    }

    /// Keeps an alert that [`Inhibition::is_source`]; those that began first come first.
    pub(super) fn keep(&self, sources: &mut Sources, alert: &Seen, source: Source) {
        let bucket = sources.0.entry(self.values(alert.labels)).or_default();
        let slot = if self.is_target(alert) { &mut bucket.both } else { &mut bucket.source_only };
        slot.get_or_insert(source);
    }

    /// The alert that keeps this one quiet.
    pub(super) fn inhibitor<'s>(&self, sources: &'s Sources, alert: &Seen) -> Option<&'s Source> {
        if !self.is_target(alert) {
            return None;
        }
        let bucket = sources.0.get(&self.values(alert.labels))?;
        let both = bucket.both.as_ref().filter(|_| !self.source.matches(alert.labels));
        bucket.source_only.as_ref().or(both)
    }

    pub(super) fn words(&self, source: &Source) -> String {
        let by = format!("the inhibition {:?}: inhibited by the alert {:?}", self.name, source.name);
        match source.incident {
            Some(number) => format!("{by} of incident {number}"),
            None => by,
        }
    }
}

#[cfg(test)]
mod tests {
    use watchtower_model::Timestamp;

    use super::*;

    /// `NAME=VALUE,...` as labels.
    fn labels(text: &str) -> Labels {
        Labels::from_pairs(text.split(',').filter_map(|pair| pair.split_once('=')))
    }

    fn inhibition(source: &str, target: &str, equal: &[&str], servers: Option<&str>) -> Inhibition {
        let input = serde_json::json!({"name": "i", "source": source, "target": target, "equal": equal});
        let body = InhibitionBody {
            input: serde_json::from_value(input).unwrap(),
            created_by: "ada".into(),
            servers: servers.map(String::from),
        };
        let (id, at) = (Id::from_bytes([1; 16]), Timestamp(0));
        let stored =
            Stored { id, version: 1, changed_by: "ada".into(), created_at: at, updated_at: at, body };
        Inhibition::of(&stored).unwrap()
    }

    /// The open alert that keeps the last one quiet; each is open, the last one too.
    fn inhibitor(rule: &Inhibition, open: &[&str]) -> Option<String> {
        let all: Vec<Labels> = open.iter().map(|text| labels(text)).collect();
        let mut sources = Sources::default();
        for (text, labels) in open.iter().zip(&all) {
            let seen = Seen { labels, own: Some(labels) };
            if rule.is_source(&seen) {
                let alert = AlertId(Id::from_bytes([2; 16]));
                let name = text.to_string();
                rule.keep(&mut sources, &seen, Source { alert, fingerprint: 0, name, incident: None });
            }
        }
        let last = all.last().unwrap();
        rule.inhibitor(&sources, &Seen { labels: last, own: Some(last) }).map(|source| source.name.clone())
    }

    /// The cases of Alertmanager's own `TestInhibitRuleHasEqual` and `TestInhibitRuleMatches`, in this form.
    #[test]
    fn as_alertmanager_does() {
        let plain = inhibition("s=1", "t=1", &["e"], None);
        for (open, by) in [
            (&["t=1,e=1"][..], None),
            (&["s=1,e=1", "t=1,e=1"], Some("s=1,e=1")),
            (&["s=1,e=1", "t=1,e=2"], None),
            (&["s=1,e=1", "t=2,e=1"], None),
            (&["s=2,e=1", "t=1,e=1"], None),
            // Both lack it, or one has it empty: the same.
            (&["s=1", "t=1"], Some("s=1")),
            (&["s=1,e=", "t=1"], Some("s=1,e=")),
            (&["s=1,e=1", "t=1"], None),
            // It matches both sides: not inhibited by itself, nor by another that does, but by one that is a source alone.
            (&["s=1,t=1,e=1"], None),
            (&["s=1,t=1,e=1,n=2", "s=1,t=1,e=1"], None),
            (&["s=1,e=1", "s=1,t=1,e=1"], Some("s=1,e=1")),
            // One that matches both sides inhibits a target alone.
            (&["s=1,t=1,e=1", "t=1,e=1"], Some("s=1,t=1,e=1")),
            (&["s=1,t=1,e=1", "s=1,e=1", "t=1,e=1"], Some("s=1,e=1")),
            (&["s=1,e=1,n=1", "s=1,e=1,n=2", "t=1,e=1"], Some("s=1,e=1,n=1")),
        ] {
            assert_eq!(inhibitor(&plain, open).as_deref(), by, "{open:?}");
        }
        let everywhere = inhibition("s=1", "t=1", &[], None);
        assert_eq!(inhibitor(&everywhere, &["s=1,e=1", "t=1,e=2"]).as_deref(), Some("s=1,e=1"));
    }

    #[test]
    fn who_is_restricted_inhibits_only_by_and_on_their_own_servers() {
        let own = inhibition("s=1", "t=1", &[], Some("env=test"));
        assert!(inhibitor(&own, &["s=1,env=test", "t=1,env=test"]).is_some());
        assert!(inhibitor(&own, &["s=1,env=prod", "t=1,env=test"]).is_none());
        assert!(inhibitor(&own, &["s=1,env=test", "t=1,env=prod"]).is_none());
        let labels = labels("t=1,env=test");
        assert!(!own.is_target(&Seen { labels: &labels, own: None }), "what an alert claims does not count");
    }
}
