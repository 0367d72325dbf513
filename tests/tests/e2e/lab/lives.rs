//! What became of incidents that were merged, or ended and reopened.

use serde_json::Value;

use super::PLACES;
use super::provider::{Arrival, Provider};
use super::story::Story;
use super::verdict::{Figures, Known, answered, nobody_came};

/// It sends nothing any more; what was still to be asked is asked of what it went into.
pub fn merged(story: &Story, known: &Known, into: &Value, own: &[&Arrival], figures: &mut Figures) {
    figures.merged += 1;
    let incident = &known.incident;
    assert_eq!(
        (&incident["state"], &incident["merged_into"]),
        (&"resolved".into(), &into["number"]),
        "{incident:#}"
    );
    answered(story, known, own, figures);
}

/// All steps were told anew, and nobody was told of the end behind the word that it was none.
pub fn reopened(story: &Story, known: &Known, own: &[&Arrival], provider: &Provider, figures: &mut Figures) {
    figures.reopened += 1;
    nobody_came(known);
    for delivery in &known.deliveries {
        let state = delivery["state"].as_str().unwrap_or("");
        assert!(matches!(state, "delivered" | "cancelled"), "{}: {delivery}", story.key);
        figures.cancelled += usize::from(state == "cancelled");
    }
    let (again, reopened) = (story.again.get(), story.reopened.get());
    let (again, reopened) = (again.expect("it was reopened"), *reopened.expect("it was reopened"));
    figures.pages_wanted += PLACES;
    figures.pages_lost += PLACES - provider.places_heard(&story.key, Some(again));
    for end in own.iter().filter(|arrival| !arrival.is_page()) {
        assert_eq!(end.event, "incident.resolved", "{end:?}");
        let paged = own.iter().any(|page| page.is_page() && page.place == end.place && page.at < end.at);
        assert!(paged, "an end of which the beginning was not told: {end:?} in {own:#?}");
        figures.under_way(end, reopened, known);
    }
    // Pages of the time before it ended are not sent in the time after it.
    let before = |key: &str| own.iter().any(|a| a.key == key && a.at < *again);
    let ended = *story.settled.get().expect("it was ended");
    for page in own.iter().filter(|arrival| arrival.is_page() && before(&arrival.key)) {
        figures.under_way(page, ended, known);
    }
}
