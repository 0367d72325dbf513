//! The agent's loop: collects on its interval, talks while there is a hub, spools while there is none.
//!
//! Invariant: one thread and one loop; nothing in it waits for the network, a script or a disk that hangs.

mod interval;
mod session;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use watchtower_model::{EventKind, Labels, Severity};
use watchtower_protocol::{
    AgentEvent, AgentMessage, Goodbye, GoodbyeReason, HubMessage, Report, TrustBundle,
};

use crate::clock::{self, Moment};
use crate::collect::{facts, source::Source, watch};
use crate::executor::port::{Place, Port};
use crate::executor::{Ask, Say};
use crate::halt;
use crate::identity::{self, Identity};
use crate::link::{self, Backoff, LinkError, Offset, Welcomed};
use crate::policy::{Mode, Policy};
use crate::report::{AgentStats, Reporter, Wanted};
use crate::spool::{Quotas, Spool, SpoolError};
use crate::state_dir::{Remembered, StateDir, StateError};
use crate::update::works;
use interval::Interval;
use session::{Session, is_said_again};

/// Something urgent brings the next report forward, though not more often than this.
const URGENT: Duration = Duration::from_secs(1);
/// At the start a hub is usually there in a moment: the first report waits for it so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often an executor that refuses everything is asked whether it still does.
const ASK_AGAIN_MS: u64 = 30_000;

#[derive(Clone, Debug)]
pub struct Settings {
    pub state_dir: PathBuf,
    pub policy: PathBuf,
    /// Who runs commands.
    pub executor: Place,
    /// The executor's directory: whether commands are halted shows there, also while no executor runs.
    pub executor_dir: PathBuf,
    /// Where `/proc`, `/sys` and `/etc` are read.
    pub root: PathBuf,
    pub quotas: Quotas,
    /// An HTTP proxy that tunnels by CONNECT.
    pub proxy: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

enum Link {
    Waiting(Instant),
    Dialling(JoinHandle<Result<Welcomed, LinkError>>),
    Up(Session),
}

enum News {
    DialDue,
    Dialled(Result<Box<Welcomed>, LinkError>),
    Message(Result<HubMessage, LinkError>),
}

impl Link {
    /// Safe to cancel at any point.
    async fn next(&mut self) -> News {
        match self {
            Link::Waiting(until) => {
                sleep_until(*until).await;
                News::DialDue
            }
            Link::Dialling(task) => News::Dialled(match task.await {
                Ok(result) => result.map(Box::new),
                Err(error) => Err(LinkError::Protocol(error.to_string())),
            }),
            Link::Up(session) => News::Message(session.receive().await),
        }
    }
}

struct Agent {
    settings: Settings,
    state: StateDir,
    identity: Arc<Identity>,
    bundle: Arc<TrustBundle>,
    policy: Policy,
    reporter: Reporter,
    spool: Spool,
    port: Port,
    executor_state: StateDir,
    asked_again_mono_ms: u64,
    /// Whoever replaced the program waits for the word that it works.
    told_works: bool,
    offset: Offset,
    backoff: Backoff,
    interval: Interval,
    link: Link,
    next_url: usize,
    next_report: Instant,
}

/// Runs until `shutdown` says why to stop. Needs an enrolled state directory.
pub async fn run(
    settings: Settings,
    shutdown: impl Future<Output = GoodbyeReason>,
) -> Result<(), AgentError> {
    let state = StateDir::open(&settings.state_dir)?;
    let identity = Arc::new(Identity::load(&state)?);
    let bundle = Arc::new(identity::load_bundle(&state)?);
    let now = clock::now();
    let port = Port::open(&settings.executor, &state, settings.policy.clone())?;
    let mut agent = Agent::open(settings, state, identity, bundle, port, now)?;
    let mut shutdown = pin!(shutdown);
    loop {
        let next_report = agent.next_report;
        tokio::select! {
            () = sleep_until(next_report) => agent.report(),
            news = agent.link.next() => agent.on_news(news),
            say = agent.port.next() => agent.on_say(say),
            reason = &mut shutdown => {
                agent.say_goodbye(reason).await;
                return Ok(());
            }
        }
    }
}

impl Agent {
    fn open(
        settings: Settings,
        state: StateDir,
        identity: Arc<Identity>,
        bundle: Arc<TrustBundle>,
        port: Port,
        now: Moment,
    ) -> Result<Self, AgentError> {
        let mut source = Source::new(&settings.root);
        let boot_id = facts::boot_id(&mut source);
        let remembered = state.remembered();
        let spool = Spool::open(&state.file("spool"), settings.quotas, &boot_id)?;
        // Larger than any before, also when the clock went back or the state was lost.
        let epoch = (now.wall.0.max(0) as u64).max(remembered.epoch + 1).max(spool.newest_epoch() + 1);
        state.remember(&Remembered { boot_id: boot_id.clone(), epoch })?;
        let mut reporter = Reporter::new(source, epoch).scraping(settings.policy.with_file_name("scrape.d"));
        if let Some(event) = watch::reboot_event(&remembered.boot_id, &boot_id, now.wall) {
            reporter.push_event(event);
        }
        let policy = Policy::load(&settings.policy);
        let executor_state = StateDir::open(&settings.executor_dir)?;
        crate::log::info(
            "started",
            &[("agent", &identity.agent_id), ("hub", &bundle.hub_id), ("policy", &policy.mode.as_str())],
        );
        Ok(Agent {
            settings,
            state,
            identity,
            bundle,
            policy,
            reporter,
            spool,
            port,
            executor_state,
            asked_again_mono_ms: now.mono_ms,
            told_works: false,
            offset: Offset::default(),
            backoff: Backoff::default(),
            interval: Interval::default(),
            link: Link::Waiting(Instant::now()),
            next_url: 0,
            next_report: Instant::now() + PATIENCE,
        })
    }

    /// Collects, spools and, where there is a hub, sends.
    fn report(&mut self) {
        let now = clock::now();
        self.policy = Policy::load(&self.settings.policy);
        self.note_skew(now);
        let (interval_ms, watched) = self.interval.at(now.mono_ms);
        let facts = matches!(&self.link, Link::Up(session) if session.facts_due);
        let wanted = Wanted { interval_ms, watched, facts, correction_ms: self.offset.correction_ms(now) };
        let stats = AgentStats {
            dropped: self.spool.dropped(),
            pending: self.spool.pending(),
            clock_offset_seconds: self.offset.ms(now).map(|ms| ms as f64 / 1000.0),
            executions: self.port.status().running,
        };
        let refuses = self.refuses();
        let policy = (self.policy.mode.as_str(), refuses.as_deref());
        let mut report = self.reporter.report(now, &stats, policy, wanted);
        // History has its own, slower table: it is not kept for backfill.
        let processes = report.processes.take();
        let live = matches!(self.link, Link::Up(_));
        self.spool.keep(&report, self.reporter.dictionary().1, now, live);
        report.processes = processes;
        let next = self.next_report + Duration::from_millis(u64::from(interval_ms));
        // After a stall or a suspend there is nothing to catch up with.
        self.next_report =
            next.max(Instant::now() + URGENT.min(Duration::from_millis(u64::from(interval_ms))));
        if !std::mem::replace(&mut self.told_works, true) {
            works::tell(&self.state);
        }
        self.send_report(report, now);
        self.send_overdue(now);
        self.ask_again(now);
        self.check_link(now);
    }

    fn send_report(&mut self, mut report: Report, collected: Moment) {
        if let Link::Up(session) = &mut self.link {
            report.age_ms = clock::now().mono_ms.saturating_sub(collected.mono_ms);
            let first = std::mem::replace(&mut session.facts_due, false);
            self.send_all(vec![AgentMessage::Report(Box::new(report))]);
            self.tell_metadata(first);
        }
    }

    /// What the hub could not store at first.
    fn send_overdue(&mut self, now: Moment) {
        if matches!(self.link, Link::Up(_)) {
            let reports = self.spool.overdue(now);
            self.send_all(reports.into_iter().map(|report| AgentMessage::Report(Box::new(report))).collect());
        }
    }

    fn note_skew(&mut self, now: Moment) {
        let Some(ms) = self.offset.new_episode(now) else { return };
        self.reporter.push_event(AgentEvent {
            kind: EventKind::new("server.clock_skew"),
            severity: Severity::Warning,
            message: format!(
                "the server's clock is {:.1} s from the hub's; check its time service",
                ms as f64 / 1000.0
            ),
            labels: Labels::empty(),
            t: now.wall,
        });
    }

    fn check_link(&mut self, now: Moment) {
        if let Link::Up(session) = &mut self.link
            && let Err(error) = session.check_alive(now.mono_ms)
        {
            self.lost(&error);
        }
    }

    /// Nothing may run here, and nothing that could is there.
    fn is_without_executor(&self) -> bool {
        let absent = matches!(&self.settings.executor, Place::Socket(path) if !path.exists());
        absent && self.policy.mode == Mode::Monitor
    }

    /// Why commands would be refused, if they would. Under `monitor` no executor is expected.
    fn refuses(&self) -> Option<String> {
        if halt::is_set(&self.executor_state) {
            return Some("halted".into());
        }
        let refuses = self.port.status().refuses.clone();
        refuses.filter(|why| self.policy.mode != Mode::Monitor && why != "halted")
    }

    /// The hub sends no command to who refuses all: whether that still holds must be asked from here.
    fn ask_again(&mut self, now: Moment) {
        let due = now.mono_ms.saturating_sub(self.asked_again_mono_ms) >= ASK_AGAIN_MS;
        if due && self.port.status().refuses.is_some() && !self.is_without_executor() {
            self.asked_again_mono_ms = now.mono_ms;
            self.port.ask(Ask::Connected);
        }
    }

    fn on_say(&mut self, say: Say) {
        match say {
            Say::Rewound => {
                if let Link::Up(session) = &mut self.link {
                    session.rewound = true;
                }
            }
            Say::Message { message } => {
                let early = matches!(&self.link, Link::Up(session) if !session.rewound);
                if !(early && is_said_again(&message)) {
                    self.send_all(vec![message]);
                }
            }
            Say::Event { event } => self.push_urgent(event),
            Say::Status(_) => self.tell_trust(),
            Say::Done { .. } => {}
        }
    }

    fn push_urgent(&mut self, event: AgentEvent) {
        self.reporter.push_event(event);
        self.next_report = self.next_report.min(Instant::now() + URGENT);
    }

    fn hub_now(&self, now: Moment) -> watchtower_model::Timestamp {
        now.wall.plus_ms(self.offset.ms(now).unwrap_or(0))
    }

    /// Sends in order; a connection that fails is given up, its messages come again on the next.
    fn send_all(&mut self, messages: Vec<AgentMessage>) {
        let Link::Up(session) = &mut self.link else { return };
        let failed = messages.iter().find_map(|message| session.send(message).err());
        if let Some(error) = failed {
            self.lost(&error);
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::DialDue => self.dial(),
            News::Dialled(Ok(welcomed)) => self.on_welcome(*welcomed),
            News::Dialled(Err(error)) | News::Message(Err(error)) => self.lost(&error),
            News::Message(Ok(message)) => self.on_message(message),
        }
    }

    fn dial(&mut self) {
        let url = self.bundle.urls[self.next_url % self.bundle.urls.len()].clone();
        self.next_url = self.next_url.wrapping_add(1);
        let (bundle, identity) = (Arc::clone(&self.bundle), Arc::clone(&self.identity));
        let proxy = self.settings.proxy.clone();
        let task = async move { link::connect(&url, &bundle, &identity, proxy.as_deref(), None).await };
        self.link = Link::Dialling(tokio::spawn(task));
    }

    fn lost(&mut self, error: &LinkError) {
        let wait_ms = self.backoff.failed(error.is_final(), link::random_fraction());
        crate::log::warn("no connection to the hub", &[("error", error), ("again_in_ms", &wait_ms)]);
        self.interval.end_lease();
        self.link = Link::Waiting(Instant::now() + Duration::from_millis(wait_ms));
    }

    fn on_welcome(&mut self, welcomed: Welcomed) {
        let welcome = &welcomed.welcome;
        crate::log::info(
            "connected",
            &[("server", &welcome.server_name), ("hub_version", &welcome.hub_version)],
        );
        self.backoff.succeeded();
        // The URL that worked is tried first the next time.
        self.next_url = self.next_url.wrapping_sub(1);
        self.offset.reset();
        self.offset.sample(welcomed.hub_t, welcomed.at);
        self.interval.set_base(welcome.interval_ms);
        self.spool.connected(welcome.durable, welcome.backfill_credits);
        self.link = Link::Up(Session::new(welcomed));
        self.tell_trust();
        self.report_now();
        if !self.is_without_executor() {
            self.port.ask(Ask::Connected);
        }
        self.backfill();
    }

    fn report_now(&mut self) {
        self.next_report = Instant::now();
        self.report();
    }

    /// Sends what the credits allow.
    fn backfill(&mut self) {
        while matches!(self.link, Link::Up(_)) {
            let Some(report) = self.spool.next_backfill(clock::now()) else { return };
            self.send_all(vec![AgentMessage::Report(Box::new(report))]);
        }
    }

    /// Scripts go on: the next start of the agent hears of them.
    async fn say_goodbye(self, reason: GoodbyeReason) {
        crate::log::info("stopping", &[]);
        self.port.close().await;
        if let Link::Up(session) = self.link {
            session.close_with(&AgentMessage::Goodbye(Goodbye { reason })).await;
        }
    }
}
