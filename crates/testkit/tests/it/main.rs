//! The launchers themselves: they start, answer, survive a crash, and leave nothing.

use std::net::TcpStream;

use watchtower_testkit::hosts::Network;
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

#[test]
fn hosts_boot_run_commands_reach_us_and_leave_nothing() {
    let Some(network) = Network::start() else { return };
    let began = std::time::Instant::now();
    let (one, two) = (network.host(1), network.host(2));
    eprintln!("two hosts booted in {:?}", began.elapsed());
    assert_eq!(one.must("hostname").trim(), one.name);
    one.put("/etc/marker", "here\n", 0o640);
    assert_eq!(one.must("cat /etc/marker; stat -c %a /etc/marker"), "here\n640\n");
    assert!(!two.run("cat /etc/marker").status.success(), "hosts share nothing that is written");
    one.must("systemctl is-active ssh dbus systemd-networkd");
    for host in [&one, &two] {
        host.must("systemd-run --quiet --unit=twin sleep infinity");
    }
    one.must("systemctl kill -s KILL twin");
    two.must("systemctl is-active twin");

    let listener = std::net::TcpListener::bind((network.gateway(), 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    one.must(&format!("bash -c 'exec 3<>/dev/tcp/{}/{port}'", network.gateway()));
    assert_eq!(listener.accept().unwrap().1.ip().to_string(), one.address);

    let (gateway, name) = (network.gateway(), one.name.clone());
    drop((one, two, network));
    assert!(!std::path::Path::new(&format!("/sys/class/net/vb-{name}")).exists(), "its link is still there");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(std::net::TcpListener::bind((gateway.as_str(), 0)).is_err(), "the bridge is still there");
    let number = gateway.split('.').nth(2).unwrap();
    assert!(!mounts.contains(&format!("/run/{number}/")), "{mounts}");
}
