//! What must be so behind all crashes, and the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchtower_tests::api::Api;

use super::cluster::Cluster;
use super::lives;
use super::provider::{Answer, Arrival, Provider};
use super::story::{Fate, Story, key_of};
use super::{PLACES, STEPS};

/// What is under way when an incident is acknowledged, merged or ended is a call that is made: it has this long by its own limit.
pub const UNDER_WAY: Duration = Duration::from_secs(10);

/// What was counted.
#[derive(Debug, Default)]
pub struct Figures {
    pub incidents: usize,
    pub acknowledged: usize,
    pub merged: usize,
    pub reopened: usize,
    pub pages_wanted: usize,
    pub pages_lost: usize,
    pub arrivals: usize,
    pub busy: usize,
    pub cut: usize,
    /// The same message again because a crash, or the provider, kept its sender from knowing.
    pub repeated: usize,
    /// Arrived behind the answer to an acknowledgement, a merge or an end: they were under way.
    pub behind: usize,
    pub latest_behind: Duration,
    pub cancelled: usize,
    /// From the answer to a trigger to its first page, in milliseconds, sorted.
    pub first_page_ms: Vec<u128>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |q: usize| self.first_page_ms.get(self.first_page_ms.len() * q / 1000).copied().unwrap_or(0);
        write!(
            f,
            "{} incidents, {} acknowledged, {} merged, {} reopened; {} pages wanted, {} lost; {} calls ({} answered busy, {} cut), \
             {} repeated; {} pages cancelled by answers, {} behind them (the latest by {} ms); first page after {} ms p50, {} ms p99, {} ms at most",
            self.incidents,
            self.acknowledged,
            self.merged,
            self.reopened,
            self.pages_wanted,
            self.pages_lost,
            self.arrivals,
            self.busy,
            self.cut,
            self.repeated,
            self.cancelled,
            self.behind,
            self.latest_behind.as_millis(),
            at(500),
            at(990),
            self.first_page_ms.last().copied().unwrap_or(0)
        )
    }
}

impl Figures {
    /// What arrived behind an answer was under way when it was given.
    ///
    /// # Panics
    /// If it was not.
    pub fn under_way(&mut self, arrival: &Arrival, answered: Instant, known: &Known) {
        let late = arrival.at.saturating_duration_since(answered);
        assert!(late < UNDER_WAY, "{late:?} behind the answer: {arrival:?} {:#?}", known.timeline);
        if !late.is_zero() {
            self.behind += 1;
            self.latest_behind = self.latest_behind.max(late);
        }
    }
}

/// Everything but what the provider saw, as a hub tells it.
pub struct Known {
    pub incident: Value,
    pub timeline: Vec<Value>,
    pub deliveries: Vec<Value>,
}

/// # Panics
/// With what is not as it must be.
pub fn judge(api: &Api, cluster: &Cluster, stories: &[Story], provider: &Provider) -> Figures {
    assert_eq!(provider.wrong(), Vec::<String>::new(), "what the provider refuses");
    let arrivals = provider.arrivals();
    let incidents = incidents(api);
    assert_eq!(incidents.len(), stories.len(), "each trouble is one incident, whoever told of it how often");
    let mut figures = Figures { incidents: incidents.len(), arrivals: arrivals.len(), ..Figures::default() };
    let count = |answer: Answer| arrivals.iter().filter(|a| a.answer == answer).count();
    (figures.busy, figures.cut) = (count(Answer::Busy), count(Answer::Cut));
    let mut of: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    arrivals.iter().for_each(|arrival| of.entry(&arrival.story).or_default().push(arrival));
    for (i, story) in stories.iter().enumerate() {
        let incident = incidents.get(&story.key).unwrap_or_else(|| panic!("{} has no incident", story.key));
        let number = incident["number"].as_i64().unwrap_or(0);
        let known = Known {
            incident: incident.clone(),
            timeline: api.list(&format!("/incidents/{number}/timeline")),
            deliveries: api.list(&format!("/incidents/{number}/deliveries")),
        };
        let own = of.remove(story.key.as_str()).unwrap_or_default();
        let climbs = climbs(i, stories);
        at_most(&known.timeline, climbs);
        repeats(&own, climbs, cluster, &mut figures);
        match story.fate {
            Fate::Acknowledged { .. } => acknowledged(story, &known, &own, &mut figures),
            Fate::Unanswered => unanswered(story, &known, &own, climbs, &mut figures),
            Fate::Merged { into, .. } => {
                let target = &incidents[&stories[into].key];
                lives::merged(story, &known, target, &own, &mut figures);
            }
            Fate::Reopened { .. } => lives::reopened(story, &known, &own, provider, &mut figures),
        }
    }
    assert!(of.is_empty(), "messages about nothing that was told: {:?}", of.keys());
    figures.first_page_ms.sort_unstable();
    figures
}

/// All, by the keys of their stories.
fn incidents(api: &Api) -> BTreeMap<String, Value> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = api.get(&format!("/incidents?limit=500{cursor}"));
        for incident in page["items"].as_array().into_iter().flatten() {
            let key = key_of(incident["title"].as_str().unwrap_or("")).to_string();
            let before = all.insert(key, incident.clone());
            assert!(before.is_none(), "two incidents of one trouble: {before:?} and {incident}");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// How often its policy may be climbed: anew when it is reopened, or when something joins it by a merge that nobody had answered.
fn climbs(index: usize, stories: &[Story]) -> usize {
    let joined = |other: &Story| matches!(other.fate, Fate::Merged { into, .. } if into == index);
    let again = matches!(stories[index].fate, Fate::Reopened { .. });
    1 + usize::from(again) + stories.iter().filter(|other| joined(other)).count()
}

/// Nothing that changes an incident happened twice in one climb.
fn at_most(timeline: &[Value], climbs: usize) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for entry in timeline {
        let kind = entry["kind"].as_str().unwrap_or("");
        let may = match kind {
            "opened" | "acknowledged" | "resolved" | "reopened" => 1,
            "paged" | "exhausted" => climbs,
            _ => continue,
        };
        // Each step has its own text, the others one.
        let what = if kind == "paged" { entry["text"].to_string() } else { kind.to_string() };
        let times = seen.entry(what).or_default();
        *times += 1;
        assert!(*times <= may, "once more: {entry} in {timeline:#?}");
    }
}

/// A message that comes again has its key, and a crash or the provider between.
fn repeats(own: &[&Arrival], climbs: usize, cluster: &Cluster, figures: &mut Figures) {
    let mut by_key: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    own.iter().for_each(|arrival| by_key.entry(&arrival.key).or_default().push(arrival));
    let mut messages: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (key, mut tries) in by_key {
        tries.sort_by_key(|arrival| arrival.at);
        let first = tries[0];
        let same = |a: &&Arrival| (a.place, a.number, &a.event) == (first.place, first.number, &first.event);
        assert!(tries.iter().all(same), "{key} is of several messages: {tries:#?}");
        let of_step = messages.entry((first.place, &first.event)).or_default();
        *of_step += 1;
        let may = if first.is_page() { climbs } else { 1 };
        assert!(*of_step <= may, "one message more of one step, {key}: {own:#?}");
        for pair in tries.windows(2) {
            let (first, again) = (pair[0], pair[1]);
            let between = |crash: &&super::cluster::Crash| crash.from <= again.at && crash.to >= first.at;
            match first.answer {
                Answer::Busy => continue,
                Answer::Cut => {}
                Answer::Taken => {
                    let crashes = cluster.crashes.iter().filter(between).count();
                    assert!(crashes > 0, "sent again without a crash between: {first:?} {again:?}");
                }
            }
            figures.repeated += 1;
        }
    }
}

/// Every step was sent and taken, and the incident says that nobody came.
fn unanswered(story: &Story, known: &Known, own: &[&Arrival], climbs: usize, figures: &mut Figures) {
    nobody_came(known);
    let states: Vec<&Value> = known.deliveries.iter().map(|delivery| &delivery["state"]).collect();
    assert!(states.iter().all(|state| *state == "delivered"), "{}: {:#?}", story.key, known.deliveries);
    let counts = if climbs == 1 { PLACES..=PLACES } else { PLACES..=PLACES * climbs };
    assert!(counts.contains(&states.len()), "{}: {:#?}", story.key, known.deliveries);
    let taken = own.iter().filter(|arrival| arrival.answer != Answer::Busy);
    let places: BTreeSet<usize> = taken.map(|arrival| arrival.place).collect();
    figures.pages_wanted += PLACES;
    figures.pages_lost += PLACES - places.len();
    let told = story.told.get().expect("it was told");
    let first = own.iter().filter(|arrival| arrival.place == 0).map(|arrival| arrival.at).min();
    figures.first_page_ms.extend(first.map(|at| at.saturating_duration_since(*told).as_millis()));
}

/// It went through its policy, and says so.
pub fn nobody_came(known: &Known) {
    let incident = &known.incident;
    assert_eq!(
        (&incident["state"], &incident["unanswered"]),
        (&"triggered".into(), &true.into()),
        "{incident}"
    );
    assert!(known.timeline.iter().any(|entry| entry["kind"] == "exhausted"), "{:#?}", known.timeline);
}

/// Nothing is waiting, and nothing began behind the acknowledgement.
fn acknowledged(story: &Story, known: &Known, own: &[&Arrival], figures: &mut Figures) {
    figures.acknowledged += 1;
    assert_eq!(known.incident["state"], "acknowledged", "{:#}", known.incident);
    answered(story, known, own, figures);
}

/// Each page is delivered or cancelled, and none began behind the answer to who had it.
pub fn answered(story: &Story, known: &Known, own: &[&Arrival], figures: &mut Figures) {
    let answer = *story.settled.get().expect("it was answered");
    assert!((1..=PLACES).contains(&known.deliveries.len()), "{:#?}", known.deliveries);
    for delivery in &known.deliveries {
        let state = delivery["state"].as_str().unwrap_or("");
        assert!(matches!(state, "delivered" | "cancelled"), "{}: {delivery}", story.key);
        figures.cancelled += usize::from(state == "cancelled");
        let place = place_of(delivery);
        let arrived = own.iter().any(|arrival| arrival.place == place && arrival.answer != Answer::Busy);
        assert!(state == "cancelled" || arrived, "called delivered, but never was: {delivery}");
    }
    for arrival in own {
        // Composed behind the answer and sent all the same.
        assert!(arrival.is_page(), "{arrival:?}");
        figures.under_way(arrival, answer, known);
    }
}

/// Of the channel that it went to.
fn place_of(delivery: &Value) -> usize {
    let name = delivery["channel"].as_str().unwrap_or("");
    name.strip_prefix("step ").and_then(|n| n.parse().ok()).unwrap_or(STEPS)
}
