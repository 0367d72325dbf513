//! A large installation for ten minutes: 10,000 agents, 250 series each, 50 rules, on the machine that also generates the load.
//!
//! The generator encodes a report once for all agents that send at the same moment and shows what it used itself, so that the rest of
//! the machine is the hub's.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use watchtower_model::{Labels, Timestamp};
use watchtower_protocol::{
    AgentMessage, Dictionary, Encoding, Frame, HubMessage, Lane, Report, SeriesEntry, Value, encode,
};
use watchtower_tests::agents::{TROUBLE, now_ms};
use watchtower_tests::api::Api;
use watchtower_tests::hub::{Hub, Setup};
use watchtower_tests::link::{Key, Link, Verdict};
use watchtower_tests::paging::{page_each_to, text};
use watchtower_tests::sink::Sink;

use crate::process::{cpu_seconds, resident_mb};
use crate::table::{Table, quantile, spread};

const AGENTS: usize = 10_000;
const SERIES: usize = 250;
const RULES: usize = 50;
const INTERVAL_MS: i64 = 10_000;
/// Agents send at one of so many moments of an interval.
const SLOTS: i64 = 100;
const MINUTES: usize = 10;
/// Behind the last connection, before anything is counted.
const SETTLE: Duration = Duration::from_secs(30);
/// Servers that get into trouble while it runs, one each second.
const TROUBLED: usize = 300;
const ENROLLERS: usize = 8;
const RECONNECT: Duration = Duration::from_secs(1);

/// What all agents of the generator share.
struct Wave {
    dictionary: Dictionary,
    hash: String,
    epoch: u64,
    began_ms: i64,
    /// The frame of the newest moment.
    frame: Mutex<(i64, Arc<Frame>)>,
    troubled: Vec<AtomicBool>,
    /// When an agent's first report of its trouble was sent.
    told_ms: Vec<AtomicU64>,
    connected: AtomicU64,
    broken: AtomicU64,
    sent: AtomicU64,
    /// Milliseconds from a report to its acknowledgement, of this minute.
    lags: Mutex<Vec<i64>>,
}

pub fn measure(table: &mut Table) {
    let hub = Hub::start(Setup { timing: "interval=10s,lost_grace=1h".into(), ..Setup::default() });
    let (api, sink) = (hub.api(), Sink::start());
    page_each_to(&api, &sink);
    rules(&api);
    let tokens = enrol(&api);
    let wave = Arc::new(Wave::new());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started");
    for (i, token) in tokens.into_iter().enumerate() {
        runtime.spawn(agent(Arc::clone(&wave), hub.agent_address(), i, token));
    }
    while wave.connected.load(Ordering::Relaxed) < AGENTS as u64 {
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(SETTLE);
    let minutes = run(&wave, &hub);
    report(table, &wave, &minutes);
    let mut latencies = notified(&wave, &sink);
    let missed = TROUBLED - latencies.len();
    table.row(
        &format!("sample to notification, {AGENTS} servers, p50 / p95 / p99"),
        format!("{} ({missed} of {TROUBLED} missed)", spread(&mut latencies)),
        "",
        "",
    );
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// Forty-nine that stay quiet, thresholds and rates in turn, and the one for trouble.
fn rules(api: &Api) {
    for i in 1..RULES {
        let expr = match i % 2 {
            0 => format!("sim_filler{{n=\"{i}\"}} > 1e15"),
            _ => format!("rate(sim_filler{{n=\"{i}\"}}[1m]) > 1e15"),
        };
        api.post(
            "/rules",
            &json!({"name": format!("Quiet {i}"), "kind": "metric", "expr": expr, "severity": "warning"}),
        );
    }
    let expr = format!("{TROUBLE} > 0");
    api.post(
        "/rules",
        &json!({"name": "Simulated trouble", "kind": "metric", "expr": expr, "severity": "error"}),
    );
}

/// A server and a token for each agent.
fn enrol(api: &Api) -> Vec<String> {
    let add = |i: usize| {
        let server = api.post("/servers", &json!({"name": name(i), "labels": {"fleet": "load"}}));
        text(&api.post(&format!("/servers/{}/enrolment", text(&server["id"])), &json!({}))["token"])
    };
    let mut tokens = vec![String::new(); AGENTS];
    std::thread::scope(|scope| {
        for (at, part) in tokens.chunks_mut(AGENTS.div_ceil(ENROLLERS)).enumerate() {
            let first = at * AGENTS.div_ceil(ENROLLERS);
            scope.spawn(move || part.iter_mut().enumerate().for_each(|(i, token)| *token = add(first + i)));
        }
    });
    tokens
}

fn name(i: usize) -> String {
    format!("load-{i}")
}

/// One minute, as it was used.
struct Minute {
    hub_cpu: f64,
    generator_cpu: f64,
    hub_mb: f64,
    reports: u64,
    lags: Vec<i64>,
}

fn run(wave: &Wave, hub: &Hub) -> Vec<Minute> {
    let own = std::process::id() as i32;
    wave.take_lags();
    let mut troubled = wave.troubled.iter().step_by(AGENTS / TROUBLED).take(TROUBLED);
    (0..MINUTES)
        .map(|_| {
            let before = (cpu_seconds(hub.pid()), cpu_seconds(own), wave.sent.load(Ordering::Relaxed));
            for _ in 0..60 {
                if let Some(agent) = troubled.next() {
                    agent.store(true, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_secs(1));
            }
            let minute = Minute {
                hub_cpu: cpu_seconds(hub.pid()) - before.0,
                generator_cpu: cpu_seconds(own) - before.1,
                hub_mb: resident_mb(hub.pid()),
                reports: wave.sent.load(Ordering::Relaxed) - before.2,
                lags: wave.take_lags(),
            };
            eprintln!("{}", minute.line());
            minute
        })
        .collect()
}

impl Minute {
    fn line(&self) -> String {
        let mut lags = self.lags.clone();
        format!(
            "hub {:.1} CPU s, {:.0} MB; generator {:.1} CPU s; {} sent, {} acknowledged after {}",
            self.hub_cpu,
            self.hub_mb,
            self.generator_cpu,
            self.reports,
            self.lags.len(),
            spread(&mut lags)
        )
    }
}

fn report(table: &mut Table, wave: &Wave, minutes: &[Minute]) {
    let sum = |part: fn(&Minute) -> f64| minutes.iter().map(part).sum::<f64>();
    let samples = sum(|minute| minute.reports as f64) * SERIES as f64;
    let seconds = 60.0 * minutes.len() as f64;
    let hub_cpu = sum(|minute| minute.hub_cpu);
    let what = format!("{AGENTS} agents, {SERIES} series, {RULES} rules, {MINUTES} minutes");
    table.row(
        &what,
        format!(
            "{:.0} samples/s, hub {:.2} cores ({:.2} s per million), generator {:.2} cores",
            samples / seconds,
            hub_cpu / seconds,
            hub_cpu / (samples / 1e6),
            sum(|minute| minute.generator_cpu) / seconds
        ),
        "",
        "",
    );
    let mb = |minute: Option<&Minute>| minute.map_or(0.0, |minute| minute.hub_mb);
    table.row(
        "hub memory, first and last minute",
        format!("{:.0} and {:.0} MB", mb(minutes.first()), mb(minutes.last())),
        "",
        "",
    );
    let p99 = |minute: &Minute| quantile(&mut minute.lags.clone(), 0.99).to_string();
    let each: Vec<String> = minutes.iter().map(p99).collect();
    table.row("sample to durable, p99 of each minute", format!("{} ms", each.join(" ")), "flat", "");
    let acked: usize = minutes.iter().map(|minute| minute.lags.len()).sum();
    let sent: u64 = minutes.iter().map(|minute| minute.reports).sum();
    let broken = wave.broken.load(Ordering::Relaxed);
    table.row("reports sent, acknowledged; connections broken", format!("{sent}, {acked}; {broken}"), "", "");
}

/// Milliseconds from the report of a trouble to its webhook.
fn notified(wave: &Wave, sink: &Sink) -> Vec<i64> {
    let told: HashMap<String, i64> =
        wave.told_ms.iter().enumerate().map(|(i, at)| (name(i), at.load(Ordering::Relaxed) as i64)).collect();
    let mut latencies = BTreeMap::new();
    for call in sink.calls() {
        let server = call.body["incident"]["server"].as_str().unwrap_or("").to_string();
        if let Some(at) = told.get(&server).filter(|at| **at > 0) {
            latencies.entry(server).or_insert(call.at_ms - at);
        }
    }
    latencies.into_values().collect()
}

impl Wave {
    fn new() -> Wave {
        let entry = |name: &str, labels| SeriesEntry { name: name.into(), labels };
        let filler = (0..SERIES - 1).map(|n| entry("sim_filler", Labels::from_pairs([("n", n.to_string())])));
        let series = std::iter::once(entry(TROUBLE, Labels::empty())).chain(filler).collect();
        let dictionary = Dictionary { series };
        let began_ms = now_ms();
        Wave {
            hash: dictionary.hash(),
            dictionary,
            epoch: began_ms as u64,
            began_ms,
            frame: Mutex::new((-1, Arc::new(Frame::Text(String::new())))),
            troubled: (0..AGENTS).map(|_| AtomicBool::new(false)).collect(),
            told_ms: (0..AGENTS).map(|_| AtomicU64::new(0)).collect(),
            connected: AtomicU64::new(0),
            broken: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            lags: Mutex::new(Vec::new()),
        }
    }

    fn take_lags(&self) -> Vec<i64> {
        std::mem::take(&mut self.lags.lock().expect("no holder panics"))
    }

    /// The next one of a slot.
    fn next_moment(&self, slot: i64) -> i64 {
        let now = (now_ms() - self.began_ms) / (INTERVAL_MS / SLOTS);
        now + 1 + (slot - now - 1).rem_euclid(SLOTS)
    }

    fn until(&self, moment: i64) -> Duration {
        let at = self.began_ms + moment * (INTERVAL_MS / SLOTS);
        Duration::from_millis((at - now_ms()).max(0) as u64)
    }

    /// A report's number is that of its interval.
    fn seq(moment: i64) -> u64 {
        (moment / SLOTS) as u64 + 1
    }

    fn report(&self, moment: i64, trouble: bool) -> AgentMessage {
        let seq = Wave::seq(moment);
        let filler = (0..SERIES as u32 - 1).map(|n| (n + 1, Value(value(n, seq, moment))));
        AgentMessage::Report(Box::new(Report {
            epoch: self.epoch,
            seq,
            lane: Lane::Live,
            t: Timestamp(self.began_ms + moment * (INTERVAL_MS / SLOTS)),
            age_ms: 0,
            interval_ms: INTERVAL_MS as u32,
            dictionary: self.hash.clone(),
            samples: std::iter::once((0, Value(f64::from(u8::from(trouble))))).chain(filler).collect(),
            processes: None,
            facts: None,
            events: vec![],
        }))
    }

    fn frame(&self, moment: i64, encoding: Encoding) -> Arc<Frame> {
        let mut newest = self.frame.lock().expect("no holder panics");
        if newest.0 != moment {
            *newest = (moment, Arc::new(encode(&self.report(moment, false), encoding)));
        }
        Arc::clone(&newest.1)
    }
}

/// Of ten series, four never change, four count, and two are noise.
fn value(n: u32, seq: u64, moment: i64) -> f64 {
    match n % 10 {
        0..4 => f64::from(n) * 1024.0,
        4..8 => (seq * u64::from(n + 1) * 37) as f64,
        _ => ((moment as u64 * 2_654_435_761 + u64::from(n) * 40_503) % 10_000) as f64 / 100.0,
    }
}

async fn agent(wave: Arc<Wave>, address: String, i: usize, token: String) {
    let key = Key::make();
    let mut token = Some(token);
    // Thousands that dial in one moment are another test.
    tokio::time::sleep(Duration::from_millis(2 * i as u64)).await;
    loop {
        if connected(&wave, &address, i, &key, &mut token).await.is_err() {
            wave.broken.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn connected(
    wave: &Wave,
    address: &str,
    i: usize,
    key: &Key,
    token: &mut Option<String>,
) -> Result<(), String> {
    let mut link = Link::dial(address).await?;
    match link.handshake(key, token.as_deref()).await? {
        Verdict::Welcome(_) => {}
        Verdict::Refused(refusal) => return Err(refusal.message),
    }
    link.send(&AgentMessage::Dictionary(wave.dictionary.clone())).await?;
    if token.take().is_some() {
        wave.connected.fetch_add(1, Ordering::Relaxed);
    }
    let mut unacked: BTreeMap<u64, i64> = BTreeMap::new();
    loop {
        let moment = wave.next_moment(i as i64 % SLOTS);
        let due = tokio::time::sleep(wave.until(moment));
        tokio::pin!(due);
        loop {
            tokio::select! {
                () = &mut due => break,
                message = link.next() => take(wave, &mut link, &mut unacked, message?).await?,
            }
        }
        unacked.insert(Wave::seq(moment), send(wave, &mut link, i, moment).await?);
    }
}

async fn take(
    wave: &Wave,
    link: &mut Link,
    unacked: &mut BTreeMap<u64, i64>,
    message: HubMessage,
) -> Result<(), String> {
    match message {
        HubMessage::Ack(progress) => {
            if let Some(sent) = unacked.remove(&progress.seq) {
                wave.lags.lock().expect("no holder panics").push(now_ms() - sent);
            }
            Ok(())
        }
        HubMessage::Ping { id, hub_t } => {
            link.send(&AgentMessage::Pong { id, hub_t, agent_t: Timestamp(now_ms()) }).await
        }
        HubMessage::NeedDictionary { .. } => Err("the dictionary is not known".into()),
        HubMessage::Error { code, .. } => Err(code),
        _ => Ok(()),
    }
}

/// Returns when it was sent.
async fn send(wave: &Wave, link: &mut Link, i: usize, moment: i64) -> Result<i64, String> {
    let trouble = wave.troubled[i].load(Ordering::Relaxed);
    let sent = now_ms();
    if trouble {
        link.send(&wave.report(moment, true)).await?;
        let _ = wave.told_ms[i].compare_exchange(0, sent as u64, Ordering::Relaxed, Ordering::Relaxed);
    } else {
        let frame = wave.frame(moment, link.encoding);
        link.send_frame((*frame).clone()).await?;
    }
    wave.sent.fetch_add(1, Ordering::Relaxed);
    Ok(sent)
}
