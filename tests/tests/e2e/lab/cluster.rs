//! Hubs with all that they stand on, and the crashes they are put through.

use std::time::{Duration, Instant};

use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::redis::Redis;
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::random::Random;

/// The longest that a dead hub stays down, in milliseconds.
const DOWN_MS: usize = 800;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    HubDies,
    AllHubsDie,
    DatabaseDies,
    DatabaseAndHubDie,
    BusForgets,
    BusDies,
}

const EMBEDDED: &[Fault] = &[Fault::HubDies];
/// The first of each in this order, then by chance: the more often one is here, the likelier it is.
const SHARED: &[Fault] = &[
    Fault::HubDies,
    Fault::BusForgets,
    Fault::DatabaseDies,
    Fault::AllHubsDie,
    Fault::BusDies,
    Fault::DatabaseAndHubDie,
    Fault::HubDies,
    Fault::HubDies,
    Fault::HubDies,
    Fault::HubDies,
    Fault::HubDies,
    Fault::HubDies,
];

/// What may leave a message under way without its sender knowing the end.
pub struct Crash {
    pub from: Instant,
    pub to: Instant,
}

pub struct Cluster {
    pub hubs: Vec<Hub>,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    pub crashes: Vec<Crash>,
    /// Processes of hubs that were killed.
    pub hub_kills: usize,
    pub database_kills: usize,
    pub bus_faults: usize,
    rounds: usize,
}

impl Cluster {
    /// One hub on the database inside it.
    pub fn embedded(timing: &str) -> Cluster {
        let setup = Setup { timing: timing.into(), ..Setup::default() };
        Cluster::of(vec![Hub::start(setup)], None, None)
    }

    /// Three hubs on one PostgreSQL and Redis. `None` where these are not to be had, with the reason told.
    pub fn shared(timing: &str) -> Option<Cluster> {
        let (postgres, redis) = (Postgres::start()?, Redis::start()?);
        let setup = Setup {
            timing: timing.into(),
            database_url: Some(postgres.database()),
            redis_url: Some(redis.url()),
            ..Setup::default()
        };
        let first = Hub::start(setup);
        let (second, third) = (first.beside(), first.beside());
        Some(Cluster::of(vec![first, second, third], Some(postgres), Some(redis)))
    }

    fn of(hubs: Vec<Hub>, postgres: Option<Postgres>, redis: Option<Redis>) -> Cluster {
        Cluster {
            hubs,
            postgres,
            redis,
            crashes: Vec::new(),
            hub_kills: 0,
            database_kills: 0,
            bus_faults: 0,
            rounds: 0,
        }
    }

    /// Each hub as administrator. They stay what they are through every crash.
    pub fn apis(&self) -> Vec<Api> {
        self.hubs.iter().map(Hub::api).collect()
    }

    /// One fault; when it returns, everything runs again.
    pub fn suffer(&mut self, random: &mut Random) {
        let faults = if self.postgres.is_some() { SHARED } else { EMBEDDED };
        let at = if self.rounds < faults.len() { self.rounds } else { random.below(faults.len()) };
        self.rounds += 1;
        let down = Duration::from_millis(random.below(DOWN_MS) as u64);
        let one = random.below(self.hubs.len());
        match faults[at] {
            Fault::HubDies => self.crash(false, one..one + 1, down),
            Fault::AllHubsDie => self.crash(false, 0..self.hubs.len(), down),
            Fault::DatabaseDies => self.crash(true, 0..0, down),
            Fault::DatabaseAndHubDie => self.crash(true, one..one + 1, down),
            Fault::BusForgets => {
                self.redis.iter().for_each(Redis::flush);
                self.bus_faults += 1;
            }
            Fault::BusDies => {
                self.redis.iter_mut().for_each(Redis::kill);
                std::thread::sleep(down);
                self.redis.iter_mut().for_each(Redis::restart);
                self.bus_faults += 1;
            }
        }
    }

    fn crash(&mut self, database: bool, hubs: std::ops::Range<usize>, down: Duration) {
        let from = Instant::now();
        if database {
            self.postgres.iter_mut().for_each(Postgres::kill);
            self.database_kills += 1;
        }
        self.hubs[hubs.clone()].iter_mut().for_each(Hub::kill);
        self.hub_kills += hubs.len();
        let dead = Instant::now();
        std::thread::sleep(down);
        if database {
            self.postgres.iter_mut().for_each(Postgres::restart);
        }
        // Without a database what was delivered cannot be recorded until it is back.
        self.crashes.push(Crash { from, to: if database { Instant::now() } else { dead } });
        self.hubs[hubs].iter_mut().for_each(Hub::restart);
    }
}
