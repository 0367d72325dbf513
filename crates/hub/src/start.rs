//! Starts and stops a hub: every part is built and wired here, in order.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use watchtower_bus::Bus;
use watchtower_egress::{Egress, EgressConfig, Exception};
use watchtower_matchers::Matchers;
use watchtower_store::metrics::MetricFiles;
use watchtower_store::{Schema, Store};
use watchtower_tsdb::{Named, Options, Owner, Tsdb};

use crate::disk::Disk;
use crate::evaluate::Evaluator;
use crate::forward::Forward;
use crate::ingest::Appender;
use crate::metadata::Metadata;
use crate::query::MetricStore;
use crate::{
    Hub, HubConfig, HubError, Inner, Keys, Meters, Objects, defaults, deployments, disk, evaluate, ingest,
    jobs, respond, upkeep,
};

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data directory {path}: {reason}")]
    DataDir { path: String, reason: String },
    #[error("another hub uses the data directory {0}")]
    Locked(String),
    #[error("{0}")]
    Keys(#[from] crate::keys::KeyError),
    #[error("database: {0}")]
    Database(#[from] watchtower_store::DbError),
    #[error("metrics: {0}")]
    Metrics(String),
    #[error("{0}")]
    Option(String),
    #[error("{0}")]
    Hub(#[from] HubError),
}

impl Hub {
    /// Opens the data directory and starts every stage. `listeners` are the hub's own addresses, which nothing outgoing may reach.
    pub async fn start(config: HubConfig, listeners: Vec<std::net::SocketAddr>) -> Result<Hub, StartError> {
        lock_data_dir(&config)?;
        let store = open_store(&config).await?;
        let keys = Keys::open(&config.data_dir.join("keys"), &store).await?;
        defaults::seed(&store).await?;
        let (metric_files, tsdb, metadata) = open_metrics(&config).await?;
        let bus = open_bus(&config, &keys)?;
        let egress = Egress::new(EgressConfig {
            exceptions: exceptions(&config)?,
            own_listeners: listeners,
            ..EgressConfig::default()
        })
        .map_err(|error| StartError::Option(error.to_string()))?;
        let forward =
            Forward::open(&config, &tsdb).map_err(|e| StartError::Metrics(format!("forward: {e}")))?;
        let appender = Appender::start(Arc::clone(&tsdb), forward.clone())
            .map_err(|e| StartError::Metrics(e.to_string()))?;
        let inner = Inner {
            started_at: store.clock().now(),
            damage: Default::default(),
            disk: Disk::new(&config.data_dir, config.disk_borders),
            evaluator: Evaluator::load(&store).await?,
            config,
            store,
            tsdb,
            metric_files,
            bus,
            egress,
            keys,
            servers: Default::default(),
            links: Default::default(),
            appender,
            forward,
            metadata,
            outside: Default::default(),
            calls: Default::default(),
            settled: Default::default(),
            windows_told: Default::default(),
            inhibitors: Default::default(),
            meters: Meters::default(),
            watching: Default::default(),
            queries: Default::default(),
            deployments: Default::default(),
            logins: Default::default(),
            listeners: Default::default(),
            shelf: Default::default(),
            objects: RwLock::new(Arc::new(Objects::default())),
            reloading: tokio::sync::Mutex::new(()),
            followed: Default::default(),
            responding: tokio::sync::Mutex::new(()),
            configuring: tokio::sync::Mutex::new(()),
            halt: jobs::switch::Switch::new("halt"),
            page_hold: jobs::switch::Switch::new("page_hold"),
            audits: Default::default(),
            pace: Default::default(),
            cut_off: AtomicBool::new(false),
            stopping: tokio::sync::watch::channel(false).0,
            outdated: tokio::sync::watch::channel(None).0,
        };
        let hub = Hub { inner: Arc::new(inner), supposed: None };
        hub.load().await?;
        hub.run_stages();
        deployments::resume(&hub).await?;
        Ok(hub)
    }

    async fn load(&self) -> Result<(), HubError> {
        if self.config.database_url.is_none() {
            // This process alone has the data directory: who held a message in it is dead.
            let released = self.store.release_outbox(self.now()).await?;
            if released > 0 {
                tracing::info!(
                    released,
                    "messages that were under way when the last hub ended are sent again"
                );
            }
        }
        self.logins.reload(&self.store).await?;
        self.servers.load(&self.store.servers().await?);
        for agent in self.store.agents().await? {
            if let Some(server) = self.servers.get(agent.server_id) {
                server.with(|state| state.agent_id = Some(agent.id));
            }
        }
        for server in self.servers.all() {
            self.tsdb.set_resource(server.id.0, server.with(|state| state.target_labels()));
        }
        // What other senders wrote before is watched from the start, also if they never come back.
        let all = Matchers::default();
        let outside = Named { matchers: &all, owner: Owner::Nobody, range: None };
        if !self.tsdb.series(&outside, 1)?.is_empty() {
            self.evaluator.want_outside();
        }
        self.halt.refresh(&self.store).await?;
        self.page_hold.refresh(&self.store).await?;
        if self.config.restored {
            jobs::page_hold::begin_after_restore(self).await?;
        }
        jobs::repair::resume(self).await?;
        self.reload_objects().await?;
        jobs::secrets::seal_readable(self).await?;
        evaluate::end_orphans(self).await
    }

    fn run_stages(&self) {
        tokio::spawn(ingest::run_liveness(self.clone()));
        evaluate::start(self);
        tokio::spawn(respond::run_event_rules(self.clone()));
        tokio::spawn(jobs::run_timers(self.clone()));
        tokio::spawn(jobs::send::run(self.clone()));
        tokio::spawn(respond::telegram::run(self.clone()));
        tokio::spawn(disk::run(self.clone()));
        self.forward.send(self);
        upkeep::start(self);
    }

    /// Stops taking work, lets what is under way end, and stores what is only in memory.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        self.links.close_all();
        // Senders hold leases: what does not end in time is sent again by the next hub.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (hub, tsdb, now, forward) =
            (self.clone(), Arc::clone(&self.tsdb), self.now(), self.forward.clone());
        let flush = move || {
            forward.flush();
            if let Err(error) = hub.metadata.save(&hub.metric_files) {
                tracing::error!("storing metadata at the stop: {error}");
            }
            tsdb.flush(now)
        };
        match tokio::task::spawn_blocking(flush).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!("flushing metrics at the stop: {error}"),
            Err(_) => tracing::error!("flushing metrics at the stop ended abnormally"),
        }
    }
}

async fn open_store(config: &HubConfig) -> Result<Store, StartError> {
    let store = match &config.database_url {
        Some(url) => Store::connect_postgres(url).await?,
        None => Store::open_sqlite(&config.data_dir.join("watchtower.db"))?,
    };
    if let Schema::Added(version) = store.schema().await? {
        tracing::warn!(
            "the database has schema version {version}, made by a newer Watchtower: this one works on it, and knows nothing of what is new"
        );
    }
    Ok(store)
}

fn exceptions(config: &HubConfig) -> Result<Vec<Exception>, StartError> {
    let parse = |text: &String| {
        text.parse::<Exception>().map_err(|error| StartError::Option(format!("--allow-egress: {error}")))
    };
    config.egress_exceptions.iter().map(parse).collect()
}

fn open_bus(config: &HubConfig, keys: &Keys) -> Result<Bus, StartError> {
    match &config.redis_url {
        Some(url) => Bus::redis(url, &format!("watchtower-{}", keys.hub_id())),
        None => Ok(Bus::in_process()),
    }
    .map_err(|error| StartError::Option(format!("--redis-url: {error}")))
}

async fn open_metrics(config: &HubConfig) -> Result<(Arc<MetricFiles>, Arc<Tsdb>, Metadata), StartError> {
    let dir = config.data_dir.join("metrics");
    let options = Options { max_age_ms: config.kept.raw_ms, ..Options::default() };
    let opened = tokio::task::spawn_blocking(move || {
        let files = Arc::new(MetricFiles::open(&dir).map_err(|e| e.to_string())?);
        let store = MetricStore(Arc::clone(&files));
        let opened = Tsdb::open(Arc::new(store), options).map_err(|e| e.to_string())?;
        let metadata = Metadata::load(&files).map_err(|e| e.to_string())?;
        Ok::<_, String>((files, opened, metadata))
    })
    .await
    .map_err(|_| StartError::Metrics("opening ended abnormally".into()))?;
    let (files, (tsdb, report), metadata) = opened.map_err(StartError::Metrics)?;
    tracing::info!(
        series = report.series,
        samples = report.replayed_samples,
        lost_bytes = report.lost_log_bytes,
        "metrics opened"
    );
    Ok((files, Arc::new(tsdb), metadata))
}

/// One hub per data directory: two would write over each other's samples.
fn lock_data_dir(config: &HubConfig) -> Result<(), StartError> {
    let path = config.data_dir.display().to_string();
    let fail = |error: std::io::Error| StartError::DataDir { path: path.clone(), reason: error.to_string() };
    std::fs::create_dir_all(&config.data_dir).map_err(fail)?;
    let file = std::fs::File::create(config.data_dir.join("lock")).map_err(fail)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| StartError::Locked(path.clone()))?;
    // Held until the process ends, however it ends.
    std::mem::forget(file);
    Ok(())
}
