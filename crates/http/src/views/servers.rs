//! Servers, their processes and events.

use std::collections::HashMap;
use std::path::Path;

use watchtower_api_types::{Event, Facts, Process, Processes, Server, ServerStatus, Time};
use watchtower_hub::Hub;
use watchtower_hub::servers::ServerState;
use watchtower_model::{ServerId, Severity, Timestamp, format_duration_ms};
use watchtower_protocol::{self as protocol, ProcessTable};
use watchtower_store::{DbError, EventRow};

/// Open incidents per server.
#[derive(Default)]
pub struct Trouble(HashMap<ServerId, (u32, Severity)>);

impl Trouble {
    pub async fn load(hub: &Hub) -> Result<Trouble, DbError> {
        let mut trouble = Trouble::default();
        for row in hub.store.open_incidents().await? {
            if let Some(server) = row.server_id {
                let entry = trouble.0.entry(server).or_insert((0, row.severity));
                *entry = (entry.0 + 1, entry.1.max(row.severity));
            }
        }
        Ok(trouble)
    }

    pub fn worst(&self, server: ServerId) -> Option<Severity> {
        self.0.get(&server).map(|(_, severity)| *severity)
    }
}

pub fn server(id: ServerId, state: ServerState, trouble: &Trouble, now: Timestamp) -> Server {
    let status = state.status(now);
    Server {
        id,
        status,
        status_reason: reason(&state, status, now),
        created_at: state.created_at.into(),
        last_report_at: state.last_report_at.map(|at| last_report(&state, at, now).into()),
        maintenance_until: state.maintenance_until.filter(|until| *until > now).map(Into::into),
        agent_id: state.agent_id,
        agent_version: state.facts.as_ref().map(|facts| facts.agent_version.clone()),
        interval_seconds: f64::from(state.interval_ms) / 1000.0,
        facts: state.facts.as_ref().map(facts),
        vitals: state.vitals,
        open_incidents: trouble.0.get(&id).map_or(0, |(n, _)| *n),
        worst_severity: trouble.worst(id),
        name: state.name,
        labels: state.labels,
    }
}

/// The row's time is written seldom; the monotonic clock knows better.
fn last_report(state: &ServerState, at: Timestamp, now: Timestamp) -> Timestamp {
    state.last_live.map_or(at, |live| now.plus_ms(-(live.elapsed().as_millis() as i64)).max(at))
}

fn reason(state: &ServerState, status: ServerStatus, now: Timestamp) -> String {
    let ago = |at: Timestamp| format_duration_ms(now.since(at).max(0) / 1000 * 1000);
    match status {
        ServerStatus::Pending => "waiting for the first report".into(),
        ServerStatus::Up => format!("reporting every {}", format_duration_ms(i64::from(state.interval_ms))),
        ServerStatus::Lost => match state.last_report_at {
            Some(at) => format!("no report for {}", ago(last_report(state, at, now))),
            None => "no report".into(),
        },
        ServerStatus::Away => match &state.goodbye {
            Some((reason, at)) => format!("said goodbye {} ago: {reason}", ago(*at)),
            None => "said goodbye".into(),
        },
        ServerStatus::Maintenance => match state.maintenance_until {
            Some(until) => {
                format!("in maintenance for another {}", format_duration_ms(until.since(now) / 1000 * 1000))
            }
            None => "in maintenance".into(),
        },
    }
}

fn facts(facts: &protocol::Facts) -> Facts {
    Facts {
        hostname: facts.hostname.clone(),
        os: facts.os.clone(),
        kernel: facts.kernel.clone(),
        arch: facts.arch.clone(),
        cpu_model: facts.cpu_model.clone(),
        cpus: facts.cpus,
        memory_bytes: facts.memory_bytes,
        swap_bytes: facts.swap_bytes,
        booted_at: (facts.booted_at.0 > 0).then(|| facts.booted_at.into()),
        init: facts.init.clone(),
        virtualization: facts.virtualization.clone(),
        policy: facts.policy.clone(),
        refuses: facts.refuses.clone(),
        addresses: facts.addresses.iter().map(|a| format!("{} {}", a.device, a.address)).collect(),
    }
}

pub fn processes(at: Timestamp, table: &ProcessTable) -> Processes {
    Processes {
        at: Time(at),
        total: table.total,
        threads: table.threads,
        items: table.items.iter().map(process).collect(),
    }
}

fn process(p: &protocol::Process) -> Process {
    Process {
        pid: p.pid,
        ppid: p.ppid,
        started_at: p.started_at.into(),
        user: p.user.clone(),
        state: p.state.clone(),
        threads: p.threads,
        cpu_percent: p.cpu_percent,
        rss_bytes: p.rss_bytes,
        read_bytes_per_second: p.read_bytes_per_second,
        write_bytes_per_second: p.write_bytes_per_second,
        name: p.name.clone(),
        command: p.command.clone(),
    }
}

pub fn event(hub: &Hub, row: EventRow) -> Event {
    event_of(hub, row.into_event())
}

pub fn event_of(hub: &Hub, event: watchtower_model::Event) -> Event {
    let server = event
        .server_id
        .and_then(|id| hub.servers.get(id))
        .map(|server| server.with(|state| state.name.clone()));
    Event {
        id: event.id,
        kind: event.kind.0,
        source: event.source,
        server_id: event.server_id,
        server,
        severity: event.severity,
        message: event.message,
        labels: event.labels,
        at: event.at.into(),
    }
}

/// Free bytes on the filesystem of a path; zero when it cannot be told.
pub fn disk_free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |stat| stat.f_bavail * stat.f_frsize)
}
