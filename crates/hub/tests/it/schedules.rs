//! Schedules in the hub: who is paged, what the timeline says of it, and what an edit or an override changes.

use serde_json::{Value, json};
use watchtower_api_types::{Channel, Policy, Role, Schedule, Service, UserPatch};
use watchtower_hub::access::{self, Principal};
use watchtower_hub::configure::{self, Channels, Noun, Policies, Schedules, Services};
use watchtower_hub::respond::{self, AlertTrigger, on_call};
use watchtower_hub::{HubError, random};
use watchtower_incident::{Actor, Incident};
use watchtower_model::{ChannelId, IncidentId, ServiceId, Timestamp};
use watchtower_testkit::postgres::Postgres;

use crate::scene::{Scene, alert};

/// A hub with Ann and Ben, each with a channel, the schedule `db-primary` of which Ann has the first year, and a service that pages it.
struct Duty {
    scene: Scene,
    admin: Principal,
    ann: Person,
    ben: Person,
    service: ServiceId,
}

struct Person {
    principal: Principal,
    channel: ChannelId,
}

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn make<N: Noun>(scene: &Scene, input: Value) -> Result<N::View, HubError> {
    configure::create::<N>(&scene.hub, &scene.admin().await, parsed(input)).await
}

async fn channel(scene: &Scene, name: &str) -> ChannelId {
    let config = json!({"kind": "webhook", "url": "https://chat.example/hook"});
    let made: Channel = make::<Channels>(scene, json!({"name": name, "config": config})).await.unwrap();
    made.id
}

async fn person(scene: &Scene, name: &str) -> Person {
    let (principal, channel) = (scene.user(name, Role::Responder).await, channel(scene, name).await);
    let user = scene.hub.store.user(principal.user.unwrap()).await.unwrap().unwrap();
    let patch: UserPatch = parsed(json!({"channels": [channel]}));
    access::patch_user(&scene.hub, user, patch).await.unwrap();
    Person { principal, channel }
}

impl Duty {
    async fn new(database_url: Option<String>) -> Duty {
        let scene = Scene::new(database_url).await;
        let (admin, ann, ben) =
            (scene.admin().await, person(&scene, "ann").await, person(&scene, "ben").await);
        let schedule = schedule(&scene, &[&ann, &ben], 52);
        let schedule: Schedule = make::<Schedules>(&scene, schedule).await.unwrap();
        let step = json!({"delay_seconds": 300, "targets": [{"kind": "schedule", "id": schedule.id}]});
        let policy = json!({"name": "db", "steps": [step]});
        let policy: Policy = make::<Policies>(&scene, policy).await.unwrap();
        let service = json!({"name": "db", "policy_id": policy.id});
        let service: Service = make::<Services>(&scene, service).await.unwrap();
        Duty { scene, admin, ann, ben, service: service.id }
    }

    async fn over(&self, more: Value) -> Result<(), HubError> {
        let mut input = json!({"kind": "replace", "user": "ben", "to_at": self.scene.hub.now().plus_ms(3_600_000).to_rfc3339()});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        configure::add_override(&self.scene.hub, &self.admin, "db-primary", parsed(input)).await.map(drop)
    }

    async fn incident(&self) -> IncidentId {
        let now = self.scene.hub.now();
        let trigger = AlertTrigger { service: Some(self.service), ..alert(&random::id(now).to_string()) };
        respond::trigger(&self.scene.hub, trigger, Vec::new()).await.unwrap().unwrap()
    }

    /// Channels that got a message of this kind.
    async fn told(&self, incident: IncidentId, kind: &str) -> Vec<ChannelId> {
        let rows = self.scene.hub.store.outbox_of(incident).await.unwrap();
        let mut told: Vec<_> = rows.iter().filter(|row| row.kind == kind).map(|row| row.channel_id).collect();
        told.sort_unstable();
        told
    }

    /// The lines of the timeline of one kind.
    async fn lines(&self, incident: IncidentId, kind: &str) -> Vec<String> {
        let entries = self.scene.hub.store.timeline(incident).await.unwrap();
        entries.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.text).collect()
    }

    async fn state(&self, incident: IncidentId) -> Incident {
        respond::read_state(&self.scene.hub.store.incident(incident).await.unwrap().unwrap()).unwrap()
    }

    async fn shown(&self) -> Schedule {
        let stored = configure::find::<Schedules>(&self.scene.hub, "db-primary").unwrap();
        Schedules::view(&self.scene.hub, &stored, true).await.unwrap()
    }

    async fn update(&self, input: Value) -> Schedule {
        let hub = &self.scene.hub;
        configure::update::<Schedules>(hub, &self.admin, "db-primary", parsed(input)).await.unwrap()
    }
}

/// Turns of so many weeks that began today at midnight.
fn schedule(scene: &Scene, people: &[&Person], weeks: u32) -> Value {
    let participants: Vec<_> = people.iter().map(|person| person.principal.user.unwrap()).collect();
    let layer = json!({"name": "all day", "participants": participants, "unit": "weekly", "length": weeks,
        "handoff": "00:00", "start": scene.hub.now().day()});
    json!({"name": "db-primary", "timezone": "UTC", "layers": [layer]})
}

async fn the_one_on_call_is_paged(database_url: Option<String>) {
    let duty = Duty::new(database_url).await;
    let first = duty.incident().await;
    assert_eq!(duty.told(first, "page").await, [duty.ann.channel]);
    let lines = duty.lines(first, "on_call").await;
    assert!(lines[0].starts_with("ann, on call for db-primary until "), "{lines:?}");
    assert!(lines[0].ends_with("00:00 (all day)"), "{lines:?}");
    // Who is asked is decided as the step begins, not when the policy was copied.
    duty.over(json!({})).await.unwrap();
    respond::escalate(&duty.scene.hub, first, Actor::System).await.unwrap();
    let second = duty.incident().await;
    assert_eq!(duty.told(second, "page").await, [duty.ben.channel]);
    let lines = duty.lines(second, "on_call").await;
    assert!(lines[0].starts_with("ben, on call for db-primary until ") && lines[0].ends_with("(override)"));
    // The notice goes to who was paged, whoever is on call by then.
    respond::resolve_by_hand(&duty.scene.hub, first, Actor::System, String::new()).await.unwrap();
    assert_eq!(duty.told(first, "resolve").await, [duty.ann.channel]);
    let refused =
        configure::delete::<Schedules>(&duty.scene.hub, &duty.admin, "db-primary").await.unwrap_err();
    assert_eq!(refused.to_string(), "policy \"db\" pages this schedule");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_on_call_is_paged_on_sqlite() {
    the_one_on_call_is_paged(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_on_call_is_paged_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    the_one_on_call_is_paged(Some(postgres.database())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_without_anybody_on_call_gives_way_at_once() {
    let duty = Duty::new(None).await;
    duty.over(json!({"kind": "remove", "user": "ann"})).await.unwrap();
    let all = make::<Channels>(
        &duty.scene,
        json!({"name": "all", "catch_all": true, "config": {"kind": "webhook", "url": "https://chat.example/all"}}),
    );
    let all: Channel = all.await.unwrap();
    let incident = duty.incident().await;
    assert_eq!(duty.lines(incident, "on_call").await, ["nobody is on call for db-primary"]);
    assert_eq!(duty.lines(incident, "step_empty").await.len(), 1);
    assert_eq!(duty.told(incident, "page").await, [all.id], "the policy has run out");
    let state = duty.state(incident).await;
    assert!(state.unanswered && state.next_wake_at().is_none());
    // With another step, that one is paged in the same moment.
    let id = duty.shown().await.id;
    let policy = json!({"name": "db", "steps": [
        {"delay_seconds": 300, "targets": [{"kind": "schedule", "id": id}]},
        {"delay_seconds": 300, "targets": [{"kind": "channel", "id": duty.ben.channel}]},
    ]});
    configure::update::<Policies>(&duty.scene.hub, &duty.admin, "db", parsed(policy)).await.unwrap();
    let incident = duty.incident().await;
    assert_eq!(duty.told(incident, "page").await, [duty.ben.channel]);
    assert_eq!(duty.state(incident).await.step, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_channel_is_named_before_and_when_it_matters() {
    let duty = Duty::new(None).await;
    assert_eq!(duty.shown().await.warnings, Vec::<String>::new());
    let ann = duty.scene.hub.store.user(duty.ann.principal.user.unwrap()).await.unwrap().unwrap();
    access::patch_user(&duty.scene.hub, ann, parsed(json!({"channels": []}))).await.unwrap();
    assert_eq!(duty.shown().await.warnings, ["ann has no channel that is switched on"]);
    let incident = duty.incident().await;
    let lines = duty.lines(incident, "on_call").await;
    assert!(lines[0].starts_with("ann (no channel reaches this person), on call"), "{lines:?}");
    assert_eq!(duty.told(incident, "page").await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_leaves_the_past_and_the_turn_as_they_are() {
    let duty = Duty::new(None).await;
    let before = duty.scene.hub.now();
    let cid = person(&duty.scene, "cid").await;
    let edited = duty.update(schedule(&duty.scene, &[&cid, &duty.ben, &duty.ann], 52)).await;
    assert_eq!(edited.on_call[0].user, "ann", "her turn is not over");
    let again = duty.update(schedule(&duty.scene, &[&cid, &duty.ben, &duty.ann], 52)).await;
    assert_eq!(again.on_call, edited.on_call);
    let removed = duty.update(schedule(&duty.scene, &[&cid, &duty.ben], 52)).await;
    assert_eq!(removed.on_call[0].user, "cid", "the next after her who is still there");
    let stored = configure::find::<Schedules>(&duty.scene.hub, "db-primary").unwrap();
    assert_eq!(stored.body.definitions.len(), 3, "what changes nothing is no definition of its own");
    assert_eq!(on_call::people(&duty.scene.hub, &stored, before)[0].user, "ann", "as it was then");
    let daily = json!({"name": "db-primary", "timezone": "UTC", "layers": []});
    assert_eq!(duty.update(daily).await.warnings, ["nobody is on call in the next 30 days"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overrides_are_checked_and_end_early() {
    let duty = Duty::new(None).await;
    let hub = &duty.scene.hub;
    let past = hub.now().plus_ms(-1).to_rfc3339();
    let far = hub.now().plus_ms(400 * 86_400_000).to_rfc3339();
    for (wrong, field) in [
        (json!({"user": "nobody"}), "user"),
        (json!({"to_at": past}), "to_at"),
        (json!({"to_at": far}), "to_at"),
        (json!({"kind": "add", "instead_of": "ann"}), "instead_of"),
    ] {
        let error = duty.over(wrong).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{field}: ")), "{error}");
    }
    duty.over(json!({"instead_of": "ann"})).await.unwrap();
    let shown = duty.shown().await;
    assert_eq!((shown.on_call[0].user.as_str(), shown.overrides.len()), ("ben", 1));
    let id = shown.overrides[0].id.to_string();
    configure::end_override(hub, &duty.admin, "db-primary", &id).await.unwrap();
    let shown = duty.shown().await;
    assert_eq!((shown.on_call[0].user.as_str(), shown.overrides.len()), ("ann", 0));
    let again = configure::end_override(hub, &duty.admin, "db-primary", &id).await;
    assert!(matches!(again, Err(HubError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_calendar_is_for_who_has_the_link_of_now() {
    let duty = Duty::new(None).await;
    duty.update(schedule(&duty.scene, &[&duty.ann, &duty.ben], 1)).await;
    let hub = &duty.scene.hub;
    let secret = |url: &str| url.split_once("token=").unwrap().1.to_string();
    assert_eq!(on_call::calendar(hub, "db-primary", ""), None);
    let old = secret(&configure::new_calendar(hub, &duty.admin, "db-primary").await.unwrap().url);
    let new = secret(&configure::new_calendar(hub, &duty.admin, "db-primary").await.unwrap().url);
    assert_eq!(on_call::calendar(hub, "db-primary", &old), None);
    let text = on_call::calendar(hub, "db-primary", &new).unwrap();
    assert!(text.contains("SUMMARY:ben on call for db-primary\r\n"), "{text}");
    configure::end_calendar(hub, &duty.admin, "db-primary").await.unwrap();
    assert_eq!(on_call::calendar(hub, "db-primary", &new), None);
}

/// When Ann and Ben have their next whole days by the schedule `daily`, and somebody who is in no schedule.
struct Days {
    duty: Duty,
    cy: Person,
    ann: (Timestamp, Timestamp),
    ben: (Timestamp, Timestamp),
}

impl Days {
    async fn new(database_url: Option<String>) -> Days {
        let duty = Duty::new(database_url).await;
        let cy = person(&duty.scene, "cy").await;
        let layer = json!({"name": "days", "unit": "daily", "handoff": "00:00", "start": "2026-01-01",
            "participants": [duty.ann.principal.user, duty.ben.principal.user]});
        let input = json!({"name": "daily", "timezone": "UTC", "layers": [layer]});
        make::<Schedules>(&duty.scene, input).await.unwrap();
        let now = duty.scene.hub.now();
        let stored = configure::find::<Schedules>(&duty.scene.hub, "daily").unwrap();
        let shifts = on_call::shifts(&duty.scene.hub, &stored.body, now, now.plus_ms(6 * 86_400_000));
        let next = |name: &str| {
            let whole = shifts.iter().find(|shift| shift.user == name && shift.from_at.0 > now.plus_ms(1000));
            whole.map(|shift| (shift.from_at.0, shift.to_at.0)).unwrap()
        };
        let (ann, ben) = (next("ann"), next("ben"));
        Days { duty, cy, ann, ben }
    }

    async fn offer(&self, by: &Principal, input: Value) -> Result<watchtower_api_types::ShiftSwap, HubError> {
        configure::offer_swap(&self.duty.scene.hub, by, "daily", parsed(input)).await
    }

    async fn take(&self, by: &Principal, id: &str, input: Value) -> Result<usize, HubError> {
        let taken = configure::take_swap(&self.duty.scene.hub, by, "daily", id, parsed(input)).await?;
        Ok(taken.overrides.len())
    }

    /// Who has the middle of a time.
    fn who(&self, (from, to): (Timestamp, Timestamp)) -> Vec<String> {
        let hub = &self.duty.scene.hub;
        let stored = configure::find::<Schedules>(hub, "daily").unwrap();
        let middle = from.plus_ms(to.since(from) / 2);
        on_call::people(hub, &stored, middle).into_iter().map(|person| person.user).collect()
    }
}

fn range((from, to): (Timestamp, Timestamp)) -> Value {
    json!({"from_at": from.to_rfc3339(), "to_at": to.to_rfc3339()})
}

async fn swaps(database_url: Option<String>) {
    let days = Days::new(database_url).await;
    let (ann, ben, cy) = (&days.duty.ann.principal, &days.duty.ben.principal, &days.cy.principal);
    // Of nothing more said, it is the next shift, to its end.
    let next = days.offer(ann, json!({})).await.unwrap();
    assert!(next.to_at.0 <= days.ann.1, "{next:?}");
    configure::withdraw_swap(&days.duty.scene.hub, ann, "daily", &next.id.to_string()).await.unwrap();
    assert_eq!(days.who(days.ann), ["ann"]);
    // Only one's own: another's is for who may edit schedules.
    let mut hers = range(days.ann);
    assert_eq!(
        days.offer(ben, hers.clone()).await.unwrap_err().to_string().split(':').next(),
        Some("from_at")
    );
    hers["user"] = json!("ann");
    assert!(matches!(days.offer(ben, hers.clone()).await, Err(HubError::Forbidden(_))));
    let offered = days.offer(&days.duty.admin, hers).await.unwrap();
    let id = offered.id.to_string();
    assert!(matches!(days.offer(ann, range(days.ann)).await, Err(HubError::Conflict(_))), "twice");
    assert!(matches!(
        configure::withdraw_swap(&days.duty.scene.hub, ben, "daily", &id).await,
        Err(HubError::Forbidden(_))
    ));
    assert!(days.take(ann, &id, json!({})).await.is_err(), "their own");
    assert!(matches!(days.take(ben, &id, json!({"user": "cy"})).await, Err(HubError::Forbidden(_))));
    assert_eq!(days.take(cy, &id, json!({})).await.unwrap(), 1);
    assert_eq!((days.who(days.ann), days.who(days.ben)), (vec!["cy".to_string()], vec!["ben".to_string()]));
    assert!(matches!(days.take(ben, &id, json!({})).await, Err(HubError::NotFound { .. })), "taken once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_that_is_offered_is_taken_once() {
    swaps(None).await;
    if let Some(postgres) = Postgres::start() {
        swaps(Some(postgres.database())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shift_is_swapped_against_another_by_who_has_that() {
    let days = Days::new(None).await;
    let (ann, ben, cy) = (&days.duty.ann.principal, &days.duty.ben.principal, &days.cy.principal);
    let mut input = range(days.ann);
    input["in_return"] = range(days.ben);
    let id = days.offer(ann, input.clone()).await.unwrap().id.to_string();
    let refused = days.take(cy, &id, json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("cy is not on call for daily all that time"), "{refused}");
    assert_eq!(days.take(ben, &id, json!({})).await.unwrap(), 2);
    assert_eq!((days.who(days.ann), days.who(days.ben)), (vec!["ben".to_string()], vec!["ann".to_string()]));
    // Both hear of it, each once.
    for person in [&days.duty.ann, &days.duty.ben] {
        let news = days.duty.scene.news(person.channel).await;
        assert_eq!(news.len(), 1, "{news:?}");
        assert!(news[0].title.starts_with("on call for daily: ben instead of ann, from "), "{news:?}");
        assert!(news[0].lines.0[0].starts_with("ann instead of ben, from "), "{news:?}");
    }
    assert!(days.duty.scene.news(days.cy.channel).await.is_empty());
    // Her own shift is no return.
    input["in_return"] = range(days.ben);
    assert!(days.offer(ann, input).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_the_schedule_has_overtaken_puts_nobody_on_call() {
    let days = Days::new(None).await;
    let (ann, cy) = (&days.duty.ann.principal, &days.cy.principal);
    let id = days.offer(ann, range(days.ann)).await.unwrap().id.to_string();
    let mut instead = range(days.ann);
    instead["kind"] = json!("replace");
    instead["user"] = json!("ben");
    instead["instead_of"] = json!("ann");
    configure::add_override(&days.duty.scene.hub, &days.duty.admin, "daily", parsed(instead)).await.unwrap();
    let refused = days.take(cy, &id, json!({})).await.unwrap_err().to_string();
    assert!(refused.contains("ann is not on call for daily all that time"), "{refused}");
    assert_eq!(days.who(days.ann), ["ben"]);
}
