//! What must be so behind all crashes, and the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use watchtower_tests::api::Api;

use super::cluster::Cluster;
use super::load::Story;
use super::provider::{Answer, Arrival, Provider};
use super::{PLACES, STEPS};

/// What is under way when an incident is acknowledged is a call that is made: it has this long by its own limit.
const UNDER_WAY: Duration = Duration::from_secs(10);

/// What was counted.
#[derive(Debug, Default)]
pub struct Figures {
    pub incidents: usize,
    pub acknowledged: usize,
    pub pages_wanted: usize,
    pub pages_lost: usize,
    pub arrivals: usize,
    pub busy: usize,
    pub cut: usize,
    /// The same message again because a crash, or the provider, kept its sender from knowing.
    pub repeated: usize,
    /// Arrived behind the answer to an acknowledgement: they were under way.
    pub behind_ack: usize,
    pub latest_behind_ack: Duration,
    pub cancelled: usize,
    /// From the answer to a trigger to its first page, in milliseconds, sorted.
    pub first_page_ms: Vec<u128>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |q: usize| self.first_page_ms.get(self.first_page_ms.len() * q / 1000).copied().unwrap_or(0);
        write!(
            f,
            "{} incidents, {} acknowledged, {} pages wanted, {} lost; {} calls ({} answered busy, {} cut), {} repeated; \
             {} pages cancelled by acknowledgements, {} behind them (the latest by {} ms); first page after {} ms p50, {} ms p99, {} ms at most",
            self.incidents,
            self.acknowledged,
            self.pages_wanted,
            self.pages_lost,
            self.arrivals,
            self.busy,
            self.cut,
            self.repeated,
            self.cancelled,
            self.behind_ack,
            self.latest_behind_ack.as_millis(),
            at(500),
            at(990),
            self.first_page_ms.last().copied().unwrap_or(0)
        )
    }
}

/// Everything but what the provider saw, as a hub tells it.
struct Known {
    incident: Value,
    timeline: Vec<Value>,
    deliveries: Vec<Value>,
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
    arrivals.iter().for_each(|arrival| of.entry(&arrival.title).or_default().push(arrival));
    for story in stories {
        let incident = incidents.get(&story.key).unwrap_or_else(|| panic!("{} has no incident", story.key));
        let number = incident["number"].as_i64().unwrap_or(0);
        let known = Known {
            incident: incident.clone(),
            timeline: api.list(&format!("/incidents/{number}/timeline")),
            deliveries: api.list(&format!("/incidents/{number}/deliveries")),
        };
        let own = of.remove(story.key.as_str()).unwrap_or_default();
        once(&known.timeline);
        repeats(&own, cluster, &mut figures);
        if story.ack_after.is_some() {
            acknowledged(story, &known, &own, &mut figures);
        } else {
            unanswered(story, &known, &own, &mut figures);
        }
    }
    assert!(of.is_empty(), "messages about nothing that was told: {:?}", of.keys());
    figures.first_page_ms.sort_unstable();
    figures
}

/// All, by their titles.
fn incidents(api: &Api) -> BTreeMap<String, Value> {
    let (mut all, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = api.get(&format!("/incidents?limit=500{cursor}"));
        for incident in page["items"].as_array().into_iter().flatten() {
            let title = incident["title"].as_str().unwrap_or("").to_string();
            let before = all.insert(title, incident.clone());
            assert!(before.is_none(), "two incidents of one trouble: {before:?} and {incident}");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// Nothing that changes an incident happened twice.
fn once(timeline: &[Value]) {
    let mut seen = BTreeSet::new();
    for entry in timeline {
        let kind = entry["kind"].as_str().unwrap_or("");
        if matches!(kind, "opened" | "paged" | "acknowledged" | "exhausted" | "resolved") {
            // Each step has its own text, the others one.
            let what = if kind == "paged" { entry["text"].to_string() } else { kind.to_string() };
            assert!(seen.insert(what), "twice: {entry} in {timeline:#?}");
        }
    }
}

/// A message that comes again has its key, and a crash or the provider between.
fn repeats(own: &[&Arrival], cluster: &Cluster, figures: &mut Figures) {
    let mut by_key: BTreeMap<&str, Vec<&Arrival>> = BTreeMap::new();
    own.iter().for_each(|arrival| by_key.entry(&arrival.key).or_default().push(arrival));
    let mut places = BTreeSet::new();
    for (key, mut tries) in by_key {
        tries.sort_by_key(|arrival| arrival.at);
        let (place, number) = (tries[0].place, tries[0].number);
        assert!(tries.iter().all(|a| (a.place, a.number) == (place, number)), "{key} is of several messages");
        assert!(places.insert(place), "two messages of one step, {key} and another: {own:#?}");
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
fn unanswered(story: &Story, known: &Known, own: &[&Arrival], figures: &mut Figures) {
    let incident = &known.incident;
    assert_eq!(
        (&incident["state"], &incident["unanswered"]),
        (&"triggered".into(), &true.into()),
        "{incident}"
    );
    assert!(known.timeline.iter().any(|entry| entry["kind"] == "exhausted"), "{:#?}", known.timeline);
    let states: Vec<&Value> = known.deliveries.iter().map(|delivery| &delivery["state"]).collect();
    assert_eq!(states, vec!["delivered"; PLACES], "{}: {:#?}", story.key, known.deliveries);
    let taken = own.iter().filter(|arrival| arrival.answer != Answer::Busy);
    let places: BTreeSet<usize> = taken.map(|arrival| arrival.place).collect();
    figures.pages_wanted += PLACES;
    figures.pages_lost += PLACES - places.len();
    let told = story.told.get().expect("it was told");
    let first = own.iter().filter(|arrival| arrival.place == 0).map(|arrival| arrival.at).min();
    figures.first_page_ms.extend(first.map(|at| at.saturating_duration_since(*told).as_millis()));
}

/// Nothing is waiting, and nothing began behind the acknowledgement.
fn acknowledged(story: &Story, known: &Known, own: &[&Arrival], figures: &mut Figures) {
    figures.acknowledged += 1;
    let acked = *story.acked.get().expect("it was acknowledged");
    assert_eq!(known.incident["state"], "acknowledged", "{:#}", known.incident);
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
        // Composed behind the acknowledgement and sent all the same.
        assert_eq!(arrival.event, "incident.triggered", "{arrival:?}");
        let late = arrival.at.saturating_duration_since(acked);
        assert!(late < UNDER_WAY, "{late:?} behind the acknowledgement: {arrival:?} {:#?}", known.timeline);
        if !late.is_zero() {
            figures.behind_ack += 1;
            figures.latest_behind_ack = figures.latest_behind_ack.max(late);
        }
    }
}

/// Of the channel that it went to.
fn place_of(delivery: &Value) -> usize {
    let name = delivery["channel"].as_str().unwrap_or("");
    name.strip_prefix("step ").and_then(|n| n.parse().ok()).unwrap_or(STEPS)
}
