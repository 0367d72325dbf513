//! What a story expects: of the incident as it is, and of what happened.

use watchtower_incident::{PendingKind, time_to_ack_ms, time_to_resolve_ms};
use watchtower_model::Timestamp;

use super::Story;

impl Story {
    pub(super) fn expect(&mut self, what: &[&str]) {
        let incident = self.incident.clone().expect("an incident to look at");
        match what {
            ["no", "page", "until", at] => {
                let at = self.time(at);
                self.run_to(at);
                let page =
                    self.seen.iter().find(|(_, s)| s.starts_with("page") || s.starts_with("catch-all"));
                assert_eq!(page, None, "{}: {}", self.name, self.line);
            }
            ["status", status] => {
                assert_eq!(incident.status.as_str(), *status, "{}: {}", self.name, self.line)
            }
            ["gathers"] => assert!(incident.gathers(self.now), "{}: {}", self.name, self.line),
            ["gathers", "nothing"] => {
                assert!(!incident.gathers(self.now), "{}: {}", self.name, self.line)
            }
            ["headline", words @ ..] => {
                assert_eq!(incident.headline(), words.join(" "), "{}: {}", self.name, self.line)
            }
            ["flapping"] => assert!(incident.flapping, "{}: {}", self.name, self.line),
            ["unanswered"] => assert!(incident.unanswered, "{}", self.name),
            ["generation", n] => {
                assert_eq!(incident.generation.to_string(), *n, "{}: {}", self.name, self.line)
            }
            ["time", "to", "ack", d] => assert_eq!(time_to_ack_ms(&incident), Some(self.duration(d))),
            ["time", "to", "resolve", d] => assert_eq!(time_to_resolve_ms(&incident), Some(self.duration(d))),
            ["pending", kind, "at", at] => {
                let kind: PendingKind = serde_json::from_value((*kind).into()).unwrap();
                let found = incident.pending_actions.iter().find(|a| a.kind == kind).map(|a| a.at);
                assert_eq!(found, Some(self.time(at)), "{}: {}", self.name, self.line);
            }
            ["nothing", "pending"] => {
                assert_eq!(incident.next_wake_at(), None, "{}: {}", self.name, self.line)
            }
            _ => self.expect_seen(&what.join(" ")),
        }
    }

    fn expect_seen(&mut self, what: &str) {
        let meets = |(at, s): &(Timestamp, String)| {
            *at == self.now
                && match what.strip_prefix("line ").map(|w| w.split_once(' ').unwrap_or((w, ""))) {
                    Some((kind, part)) => s.starts_with(&format!("line {kind} ")) && s.contains(part),
                    None => s == what || s.starts_with(&format!("{what} ")),
                }
        };
        match self.seen.iter().position(meets) {
            Some(i) => drop(self.seen.remove(i)),
            None => panic!("{}: {:?} did not happen; seen: {:#?}", self.name, self.line, self.seen),
        }
    }
}
