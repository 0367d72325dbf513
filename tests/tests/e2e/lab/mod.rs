//! The crash lab: incidents climb their policy, are acknowledged, merged, ended and reopened, while hubs, database and bus die at random;
//! no page is lost, and none leaves behind an acknowledgement, a merge or an end. The figures of the whole run are in docs/guarantees.md.

mod story;
mod provider;
mod cluster;
mod load;
mod verdict;
mod lives;

use std::time::{Duration, Instant};

use serde_json::json;
use watchtower_testkit::wait;
use watchtower_tests::api::Api;
use watchtower_tests::paging::text;
use watchtower_tests::random::Random;
use watchtower_tests::sink::SECRET;

use cluster::Cluster;
use load::Load;
use provider::Provider;
use story::{Fate, Story, stories};

/// Steps of the policy, each with a channel of its own.
const STEPS: usize = 3;
/// And the catch-all, which hears of what nobody answered.
const PLACES: usize = STEPS + 1;
const STEP: Duration = Duration::from_secs(1);
/// Acknowledgements come at any moment of the policy, and a little behind its end.
const LIFE: Duration = Duration::from_millis(STEP.as_millis() as u64 * STEPS as u64 + 500);
/// The longest from one fault to the next, in milliseconds.
const QUIET_MS: usize = 1_600;

/// What one hub is told, the others know.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// How much of it.
struct Scale {
    incidents: usize,
    /// They begin within this time.
    within: Duration,
    /// kill -9 of hubs and databases.
    kills: usize,
    timing: &'static str,
    /// Messages that a dead hub held are taken up behind this.
    lease: Duration,
    settled_within: Duration,
}

const REDUCED: Scale = Scale {
    incidents: 60,
    within: Duration::from_secs(8),
    kills: 4,
    timing: "lease=6s",
    lease: Duration::from_secs(6),
    settled_within: Duration::from_secs(60),
};

const WHOLE: Scale = Scale {
    incidents: 2_000,
    within: Duration::from_secs(240),
    kills: 110,
    timing: "",
    lease: Duration::from_secs(45),
    settled_within: Duration::from_secs(300),
};

fn scale() -> &'static Scale {
    if std::env::var_os("SOAK").is_some() { &WHOLE } else { &REDUCED }
}

#[test]
fn no_page_is_lost_or_late_while_one_hub_dies() {
    play(Cluster::embedded(scale().timing), scale());
}

#[test]
fn nor_while_three_hubs_their_database_and_their_bus_die() {
    if let Some(cluster) = Cluster::shared(scale().timing) {
        play(cluster, scale());
    }
}

fn play(mut cluster: Cluster, scale: &Scale) {
    let mut random = Random::of_test("lab");
    let provider = Provider::start(random.next());
    let apis = cluster.apis();
    let key = prepare(&apis[0], &provider);
    for api in &apis {
        // One hub was told.
        let known = || (api.status("GET", "/api/v1/integrations/lab", None) == Some(200)).then_some(());
        wait::until(KNOWN_WITHIN, "every hub to know who tells", known);
    }
    let stories = stories(scale.incidents, scale.within, LIFE, &mut random);
    let load = Load { stories: &stories, hubs: apis.clone(), key, provider: &provider };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let telling = scope.spawn(|| load.run());
        while !telling.is_finished() || cluster.hub_kills + cluster.database_kills < scale.kills {
            std::thread::sleep(Duration::from_millis(random.below(QUIET_MS) as u64));
            cluster.suffer(&mut random);
        }
    });
    let last_crash = Instant::now();
    everybody_hears(&apis[0], &provider, &stories, scale);
    // What a dead hub held of an acknowledged incident would be taken up by now.
    std::thread::sleep((scale.lease + Duration::from_secs(2)).saturating_sub(last_crash.elapsed()));
    let figures = verdict::judge(&apis[0], &cluster, &stories, &provider);
    eprintln!(
        "{} kills of hubs, {} of the database, {} faults of the bus in {} s: {figures}",
        cluster.hub_kills,
        cluster.database_kills,
        cluster.bus_faults,
        began.elapsed().as_secs()
    );
    assert_eq!(figures.pages_lost, 0, "pages were lost");
}

/// A channel for each step, the catch-all, and who tells. Returns that one's key.
fn prepare(api: &Api, provider: &Provider) -> String {
    let channel = |place: usize, name: &str| {
        let config = json!({"kind": "webhook", "url": provider.url(place), "secret": SECRET});
        let input = json!({"name": name, "config": config, "catch_all": place == STEPS});
        text(&api.post("/channels", &input)["id"])
    };
    let steps: Vec<_> = (0..STEPS)
        .map(|step| {
            let id = channel(step, &format!("step {step}"));
            json!({"delay_seconds": STEP.as_secs(), "targets": [{"kind": "channel", "id": id}]})
        })
        .collect();
    channel(STEPS, "catch-all");
    let policy = api.post("/policies", &json!({"name": "lab", "steps": steps}));
    let service = api.post("/services", &json!({"name": "lab", "policy_id": policy["id"]}));
    let integration = json!({"name": "lab", "kind": "pagerduty", "service_id": service["id"]});
    text(&api.post("/integrations", &integration)["key"])
}

/// Waits until each step of each incident to which nobody came has been told; what is missing then is counted as lost.
fn everybody_hears(api: &Api, provider: &Provider, stories: &[Story], scale: &Scale) {
    let began = Instant::now();
    let mut open: Vec<&Story> = stories.iter().filter(|story| story.must_be_heard()).collect();
    while !open.is_empty() && began.elapsed() < scale.settled_within {
        open.retain(|story| provider.places_heard(&story.key, story.again.get()) < PLACES);
        std::thread::sleep(Duration::from_millis(200));
    }
    eprintln!("settled after {} s, {} without all of their pages", began.elapsed().as_secs(), open.len());
    // What was merged into may have begun its policy once more.
    let into = stories.iter().filter_map(|story| match story.fate {
        Fate::Merged { into, .. } => provider.number_of(&stories[into].key),
        _ => None,
    });
    for number in into {
        wait::until(scale.settled_within, "what was merged into to be through its policy", || {
            let told = api.list(&format!("/incidents/{number}/deliveries"));
            let through = api.get(&format!("/incidents/{number}"))["unanswered"] == true;
            (through && told.iter().all(|one| one["state"] == "delivered")).then_some(())
        });
    }
}
