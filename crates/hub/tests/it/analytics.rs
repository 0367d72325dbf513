//! A story of ten incidents whose figures were counted by hand, on both databases.

use serde_json::{Value, json};
use watchtower_api_types::{
    Channel, IncidentAnalytics, IncidentFigures, Role, Rule, Service, Team, UserPatch,
};
use watchtower_hub::access;
use watchtower_hub::analytics::{self, Question};
use watchtower_hub::configure::{self, Channels, Noun, Rules, Schedules, Services, Teams};
use watchtower_model::{ChannelId, Id, IncidentId, Labels, ServiceId, Severity, Timestamp, UserId};
use watchtower_store::{AlertRow, IncidentRow, Json, OutboxRow, Store};
use watchtower_testkit::postgres::Postgres;

use crate::scene::Scene;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

fn parsed<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn make<N: Noun>(scene: &Scene, input: Value) -> N::View {
    configure::create::<N>(&scene.hub, &scene.admin().await, parsed(input)).await.unwrap()
}

async fn channel(scene: &Scene, name: &str) -> ChannelId {
    let config = json!({"kind": "webhook", "url": "https://chat.example/hook"});
    let made: Channel = make::<Channels>(scene, json!({"name": name, "config": config})).await;
    made.id
}

async fn person(scene: &Scene, name: &str, channels: &[ChannelId]) -> UserId {
    let id = scene.user(name, Role::Responder).await.user.unwrap();
    let user = scene.hub.store.user(id).await.unwrap().unwrap();
    let patch: UserPatch = parsed(json!({ "channels": channels }));
    access::patch_user(&scene.hub, user, patch).await.unwrap();
    id
}

struct Story {
    scene: Scene,
    /// A midnight UTC in winter.
    day: Timestamp,
    numbers: i64,
}

/// What became of an incident, in minutes after it began.
#[derive(Default)]
struct Ends {
    acked: Option<i64>,
    resolved: Option<i64>,
    test: bool,
}

impl Story {
    async fn incident(&mut self, service: ServiceId, source: &str, at_ms: i64, ends: Ends) -> IncidentId {
        self.numbers += 1;
        let (id, at) = (IncidentId(self.id()), self.day.plus_ms(at_ms));
        let behind = |minutes: Option<i64>| minutes.map(|minutes| at.plus_ms(minutes * MINUTE));
        let row = IncidentRow {
            id,
            number: 1000 + self.numbers,
            title: format!("incident {}", self.numbers),
            // Of the open ones the hub's clockwork asks the engine's state: there are none here.
            state: "resolved".into(),
            severity: Severity::Error,
            service_id: service,
            server_id: None,
            test: ends.test,
            group_key: self.numbers.to_string(),
            generation: 1,
            revision: 1,
            next_wake_at: None,
            triggered_at: at,
            acknowledged_at: behind(ends.acked),
            first_acknowledged_at: behind(ends.acked),
            resolved_at: behind(ends.resolved),
            repair: None,
            merged_into: None,
            body: "{}".into(),
            processes: None,
        };
        let alert = AlertRow {
            id: parsed(json!(self.id().to_string())),
            source: source.into(),
            dedup_key: self.numbers.to_string(),
            state: "resolved".into(),
            severity: Severity::Error,
            summary: "wrong".into(),
            description: String::new(),
            labels: Json(Labels::empty()),
            value: None,
            rule_id: None,
            server_id: None,
            incident_id: Some(id),
            count: 1,
            first_seen_at: at,
            last_seen_at: at,
            resolved_at: behind(ends.resolved),
            ends_at: None,
        };
        let store = &self.scene.hub.store;
        store.commit(vec![Store::insert_incident(&row), Store::insert_alert(&alert)]).await.unwrap();
        id
    }

    fn id(&self) -> Id {
        watchtower_hub::random::id(self.scene.hub.now())
    }

    async fn page(&self, incident: IncidentId, channel: ChannelId, at_ms: i64) {
        let (id, at) = (self.id(), self.day.plus_ms(at_ms));
        let row = OutboxRow {
            id,
            idem_key: id.to_string(),
            incident_id: incident,
            generation: 1,
            kind: "page".into(),
            channel_id: channel,
            body: "{}".into(),
            state: "pending".into(),
            attempts: 0,
            created_at: at,
            next_at: None,
            lease_until: None,
            delivered_at: None,
            handle: None,
            last_error: None,
        };
        let store = &self.scene.hub.store;
        store
            .commit(vec![Store::insert_outbox(&row), Store::outbox_delivered(id, 0, at, None)])
            .await
            .unwrap();
    }
}

/// Name; incidents, open, acknowledged, ended alone; mean, median and 90th percentile of both times.
type Short<'a> = (&'a str, [u32; 4], [Option<f64>; 3], [Option<f64>; 3]);

fn short(one: &IncidentFigures) -> Short<'_> {
    (
        &one.name,
        [one.incidents, one.open, one.acknowledged, one.ended_alone],
        [
            one.time_to_acknowledge_mean_seconds,
            one.time_to_acknowledge_p50_seconds,
            one.time_to_acknowledge_p90_seconds,
        ],
        [one.time_to_resolve_mean_seconds, one.time_to_resolve_p50_seconds, one.time_to_resolve_p90_seconds],
    )
}

/// Two services of which one is a team's, Ann with two channels and Ben with one, and all that happened to them in a day.
async fn told(database_url: Option<String>) -> (Story, ServiceId) {
    let scene = Scene::new(database_url).await;
    let now = scene.hub.now();
    let day = Timestamp((now.0 / (24 * HOUR) - 3) * 24 * HOUR);
    let team: Team = make::<Teams>(&scene, json!({"name": "web"})).await;
    let policy = scene.hub.objects().policies[0].id.to_string();
    let service =
        |name: &str, team: Option<String>| json!({"name": name, "policy_id": policy, "team_id": team});
    let shop: Service = make::<Services>(&scene, service("shop", Some(team.id.to_string()))).await;
    let mail: Service = make::<Services>(&scene, service("mail", None)).await;
    let rule: Rule =
        make::<Rules>(&scene, json!({"name": "Disk", "kind": "metric", "expr": "up == 0"})).await;
    let [phone, push, own, room] = [
        channel(&scene, "phone").await,
        channel(&scene, "push").await,
        channel(&scene, "own").await,
        channel(&scene, "room").await,
    ];
    let ann = person(&scene, "ann", &[phone, push]).await;
    person(&scene, "ben", &[own]).await;
    let layer = json!({
        "name": "first", "participants": [ann], "unit": "daily", "handoff": "08:00", "start": "2026-01-01",
    });
    make::<Schedules>(&scene, json!({"name": "s", "timezone": "Asia/Kolkata", "layers": [layer]})).await;
    let mut story = Story { scene, day, numbers: 0 };
    let disk = format!("rule:{}", rule.id);

    let channels = [phone, push, own, room];
    story.happens([shop.id, mail.id], &disk, channels).await;
    (story, mail.id)
}

impl Story {
    async fn happens(&mut self, [shop, mail]: [ServiceId; 2], disk: &str, channels: [ChannelId; 4]) {
        let [phone, push, own, room] = channels;
        // Ten that count, one drill, one that began before.
        for (minutes, acked, resolved) in [
            (0, Some(1), Some(10)),
            (10, Some(3), Some(20)),
            (20, None, Some(5)),
            (30, None, Some(4)),
            (40, None, Some(6)),
        ] {
            let ends = Ends { acked, resolved, test: false };
            self.incident(shop, disk, minutes * MINUTE, ends).await;
        }
        for (minutes, acked, resolved) in [(50, Some(20), None), (60, Some(8), Some(60))] {
            self.incident(mail, "api", minutes * MINUTE, Ends { acked, resolved, test: false }).await;
        }
        let quiet = self.incident(mail, "rule:gone", 70 * MINUTE, Ends::default()).await;
        let loud = self.incident(shop, disk, 80 * MINUTE, Ends { acked: Some(2), ..Ends::default() }).await;
        let last = self.incident(shop, "api", 23 * HOUR, Ends::default()).await;
        let drill = self.incident(shop, disk, 90 * MINUTE, Ends { test: true, ..Ends::default() }).await;
        let before = self.incident(shop, disk, -MINUTE, Ends::default()).await;

        // Ann: 17:00 UTC is 22:30 in Kolkata; phone and push within five minutes are one; again ten minutes later.
        self.page(loud, phone, 17 * HOUR).await;
        self.page(loud, push, 17 * HOUR + 4 * MINUTE).await;
        self.page(loud, push, 17 * HOUR + 10 * MINUTE).await;
        self.page(quiet, phone, 17 * HOUR + 2 * MINUTE).await;
        self.page(last, phone, 2 * HOUR).await;
        // One message about both is one interruption, and one page to those who are nobody in particular.
        self.page(loud, phone, 2 * HOUR).await;
        self.page(last, room, 7 * HOUR).await;
        // Ben is in no schedule: UTC.
        self.page(last, own, 6 * HOUR + 59 * MINUTE).await;
        self.page(quiet, own, 7 * HOUR).await;
        self.page(quiet, room, 7 * HOUR).await;
        self.page(drill, own, 8 * HOUR).await;
        self.page(before, own, 8 * HOUR).await;
    }
}

fn check_figures(found: &IncidentAnalytics) {
    // To acknowledge: 1, 2, 3, 8, 20 minutes. To resolve: 4, 5, 6, 10, 20, 60.
    let all = (
        "all",
        [10, 4, 5, 2],
        [Some(408.0), Some(180.0), Some(1200.0)],
        [Some(1050.0), Some(360.0), Some(3600.0)],
    );
    assert_eq!(short(&found.total), all);
    assert_eq!((found.total.acknowledged_share, found.total.ended_alone_share), (Some(0.5), Some(0.2)));
    let shop_figures = (
        "shop",
        [7, 2, 3, 2],
        [Some(120.0), Some(120.0), Some(180.0)],
        [Some(540.0), Some(360.0), Some(1200.0)],
    );
    assert_eq!(short(&found.services[0]), shop_figures);
    assert_eq!(
        found.services.iter().map(|s| (s.name.as_str(), s.incidents)).collect::<Vec<_>>(),
        [("shop", 7), ("mail", 3)]
    );
    assert_eq!(found.teams.iter().map(|t| (t.name.as_str(), t.incidents)).collect::<Vec<_>>(), [("web", 7)]);
    let rules: Vec<_> =
        found.rules.iter().map(|r| (r.name.as_str(), r.incidents, r.ended_alone_share)).collect();
    let third = Some(2.0 / 6.0);
    assert_eq!(
        rules,
        [("Disk", 6, third), ("by hand or by the API", 3, Some(0.0)), ("a removed rule", 1, Some(0.0))]
    );

    let people: Vec<_> = found
        .people
        .iter()
        .map(|p| (p.name.as_str(), p.timezone.as_str(), p.interruptions, p.at_night))
        .collect();
    assert_eq!(people, [("ann", "Asia/Kolkata", 4, 3), ("ben", "UTC", 2, 1)]);
    let hours = |hours: &[(usize, u32)]| -> Vec<u32> {
        (0..24).map(|hour| hours.iter().find(|(at, _)| *at == hour).map_or(0, |(_, n)| *n)).collect()
    };
    assert_eq!(found.people[0].by_hour, hours(&[(22, 3), (7, 1)]));
    assert_eq!(found.people[1].by_hour, hours(&[(6, 1), (7, 1)]));
    assert_eq!((found.shared_pages, found.truncated), (1, false));
}

async fn the_story(database_url: Option<String>) {
    let (story, mail) = told(database_url).await;
    let day = story.day;
    let question = Question { from: day, to: day.plus_ms(24 * HOUR), services: None, timezone: None };
    let found = analytics::incidents(&story.scene.hub, &question, |_| true).await.unwrap();
    check_figures(&found);
    let of_mail = Question { services: Some(vec![mail]), timezone: Some("UTC".into()), ..question.clone() };
    let found = analytics::incidents(&story.scene.hub, &of_mail, |_| true).await.unwrap();
    assert_eq!((found.total.incidents, found.services.len(), found.teams.len()), (3, 1, 0));
    let people: Vec<_> =
        found.people.iter().map(|p| (p.name.as_str(), p.timezone.as_str(), p.interruptions)).collect();
    assert_eq!(people, [("ann", "UTC", 1), ("ben", "UTC", 1)]);
    // Who sees no incident without a server sees none of these, nor whom they woke.
    let found = analytics::incidents(&story.scene.hub, &question, |server| server.is_some()).await.unwrap();
    assert_eq!((found.total.incidents, found.people.len(), found.shared_pages), (0, 0, 0));
    assert_eq!(found.total.acknowledged_share, None);
    for wrong in
        [Question { to: day, ..question.clone() }, Question { timezone: Some("Moon".into()), ..question }]
    {
        assert!(analytics::incidents(&story.scene.hub, &wrong, |_| true).await.is_err(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_incidents_are_counted_as_by_hand() {
    the_story(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_incidents_are_counted_as_by_hand_on_postgresql() {
    let Some(postgres) = Postgres::start() else { return };
    the_story(Some(postgres.database())).await;
}
