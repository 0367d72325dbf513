//! The launchers themselves: they start, answer, survive a crash, and leave nothing.

use std::net::TcpStream;

use watchtower_testkit::postgres::Postgres;
use watchtower_testkit::redis::Redis;

fn port(url: &str) -> u16 {
    url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

#[test]
fn postgres_starts_comes_back_after_a_crash_and_ends() {
    let Some(mut postgres) = Postgres::start() else { return };
    let (first, second) = (postgres.database(), postgres.database());
    assert_ne!(first, second);
    postgres.kill();
    postgres.restart();
    postgres.database();
    drop(postgres);
    assert!(TcpStream::connect(("127.0.0.1", port(&first))).is_err());
}

#[test]
fn redis_starts_comes_back_after_a_crash_and_ends() {
    let Some(mut redis) = Redis::start() else { return };
    redis.kill();
    redis.restart();
    let url = redis.url();
    drop(redis);
    assert!(TcpStream::connect(("127.0.0.1", port(&url))).is_err());
}
