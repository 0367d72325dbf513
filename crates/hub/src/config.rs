//! What a hub is started with, already checked.

use std::path::PathBuf;

use watchtower_model::parse_duration_ms;
use watchtower_promql::Settings;

use crate::disk::Borders;
use crate::forward::config::Receiver;
use crate::jobs::pace::WINDOW_MS;
use crate::link::Programs;

/// Days that raw metrics are kept.
pub const METRICS_DAYS: i64 = 15;
/// Days that events, incidents and runs are kept.
pub const RECORDS_DAYS: i64 = 400;
/// Hours of one process snapshot a minute.
pub const PROCESSES_HOURS: i64 = 24;

#[derive(Debug, Clone)]
pub struct HubConfig {
    pub data_dir: PathBuf,
    /// PostgreSQL in place of the embedded database.
    pub database_url: Option<String>,
    /// Redis in place of the in-process bus.
    pub redis_url: Option<String>,
    /// Where people reach the hub: in links of messages.
    pub public_url: String,
    /// It was given, not derived from the listener's address: pages lead there from wherever they arrive.
    pub public_url_is_set: bool,
    /// Where agents reach it.
    pub agent_url: String,
    /// Addresses the guarded connector may reach although they are local, as `host:port` or CIDR.
    pub egress_exceptions: Vec<String>,
    /// Acts as administrator until the first one exists.
    pub bootstrap_token: Option<String>,
    pub keep_bootstrap: bool,
    /// The agents that installers and deployments fetch.
    pub programs: Programs,
    /// Which version of Prometheus queries and rules follow.
    pub promql: Settings,
    /// Where stored samples go on to.
    pub remote_write: Vec<Receiver>,
    /// Who outside hears each minute that all is well.
    pub heartbeat_url: Option<String>,
    /// The data comes from a backup: nobody is paged and nothing begins on servers until a person says so.
    pub restored: bool,
    pub timing: Timing,
    /// How full the disk may be.
    pub disk_borders: Borders,
}

/// Times that tests shorten.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The interval agents are asked to report at.
    pub interval_ms: u32,
    /// No `server.lost` in the first part of a hub's service.
    pub lost_grace_ms: i64,
    /// Rules that are not evaluated on arrival run this often.
    pub evaluate_every_ms: u64,
    /// A message whose sender was not heard of for so long is taken up by another; longer than any delivery may take.
    pub lease_ms: i64,
    /// What is overdue is looked for this often.
    pub audit_every_ms: u64,
    /// The time in which a channel is told of a few incidents one by one, and of more together.
    pub pace_ms: i64,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            interval_ms: 10_000,
            lost_grace_ms: 90_000,
            evaluate_every_ms: 10_000,
            lease_ms: 45_000,
            audit_every_ms: 60_000,
            pace_ms: WINDOW_MS,
        }
    }
}

impl Timing {
    /// `interval=1s,lost_grace=5s,evaluate=1s`: for drills and tests.
    pub fn parse(text: &str) -> Result<Timing, String> {
        let mut timing = Timing::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=DURATION"))?;
            let ms = parse_duration_ms(value).map_err(|e| e.to_string())?;
            match name {
                "interval" => {
                    timing.interval_ms = u32::try_from(ms).map_err(|_| "interval is too long")?.max(1000)
                }
                "lost_grace" => timing.lost_grace_ms = ms,
                "evaluate" => timing.evaluate_every_ms = ms.max(100) as u64,
                "lease" => timing.lease_ms = ms.max(1000),
                "pace" => timing.pace_ms = ms.max(0),
                "audit" => timing.audit_every_ms = ms.max(100) as u64,
                _ => {
                    return Err(format!(
                        "{name:?} is not one of interval, lost_grace, evaluate, lease, audit, pace"
                    ));
                }
            }
        }
        Ok(timing)
    }
}
