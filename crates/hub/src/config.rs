//! What a hub is started with, already checked.

use std::path::PathBuf;

use watchtower_model::parse_duration_ms;
use watchtower_promql::Settings;
use watchtower_tsdb::Kept;

use crate::disk::Borders;
use crate::forward::config::Receiver;
use crate::jobs::pace::WINDOW_MS;
use crate::link::Programs;

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
    /// How long metrics are kept.
    pub kept: Kept,
}

/// The least and the most that samples may be kept: agents send again what is a day old, and every day costs a file.
const RAW_DAYS: std::ops::RangeInclusive<i64> = 2..=400;
const DAY_MS: i64 = 86_400_000;

/// `raw=15d,1m=90d,1h=2y`, any of them: samples, and rollups by the minute and the hour. A rollup that is kept no longer than samples is
/// not made.
pub fn parse_kept(text: &str) -> Result<Kept, String> {
    let mut kept = Kept::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is not NAME=DURATION"))?;
        let ms = parse_duration_ms(value).map_err(|e| e.to_string())?;
        match name {
            "raw" => kept.raw_ms = ms,
            "1m" => kept.minute_ms = ms,
            "1h" => kept.hour_ms = ms,
            _ => return Err(format!("{name:?} is not one of raw, 1m, 1h")),
        }
    }
    if !RAW_DAYS.contains(&(kept.raw_ms / DAY_MS)) {
        return Err(format!("raw must be from {}d to {}d", RAW_DAYS.start(), RAW_DAYS.end()));
    }
    Ok(kept)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_checked() {
        assert_eq!(parse_kept(""), Ok(Kept::default()));
        let days = |raw, minute, hour| Kept {
            raw_ms: raw * DAY_MS,
            minute_ms: minute * DAY_MS,
            hour_ms: hour * DAY_MS,
        };
        assert_eq!(parse_kept("raw=30d, 1h=3y"), Ok(days(30, 90, 3 * 365)));
        assert_eq!(parse_kept("1m=0s"), Ok(days(15, 0, 730)));
        for wrong in ["raw", "raw=1d", "raw=2y", "5m=1d", "1m=x"] {
            assert!(parse_kept(wrong).is_err(), "{wrong}");
        }
    }
}
