//! States of systemd services, from one `systemctl` child on the slow interval.
//!
//! Invariant: never two children at once; one that hangs is killed at the first collection after its time.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use watchtower_model::{EventKind, Labels, Severity, Timestamp};
use watchtower_protocol::AgentEvent;

use super::segment::Segment;
use super::source::{CollectError, Source};

const PROGRAM: &str = "systemctl";
/// Time for one listing.
pub const LISTING_MS: u64 = 5_000;
/// Bytes of one listing that are read; about 100 per unit.
const LISTING_BYTES_MAX: u64 = 512 * 1024;
/// Stack of the reading thread.
const STACK_BYTES: usize = 64 * 1024;

const STATES: [&str; 5] = ["activating", "active", "deactivating", "failed", "inactive"];

#[derive(Debug)]
struct Listing {
    child: Child,
    output: Receiver<Vec<u8>>,
    started_mono_ms: u64,
}

#[derive(Debug, Default)]
pub struct Units {
    listing: Option<Listing>,
    /// Unknown until the first listing: what had failed before the agent started is told by the metric.
    failed: Option<BTreeSet<String>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Unit {
    name: String,
    state: String,
    kind: String,
}

impl Units {
    pub fn is_busy(&self) -> bool {
        self.listing.is_some()
    }

    /// Starts a listing where systemd runs and none is under way.
    pub fn start(&mut self, source: &Source, mono_ms: u64) -> Result<(), CollectError> {
        if self.listing.is_some() || !source.path("run/systemd/system").is_dir() {
            return Ok(());
        }
        let mut command = Command::new(PROGRAM);
        command.args(["show", "--property=Id,LoadState,ActiveState,Type", "*.service"]);
        self.spawn(command, mono_ms)
    }

    fn spawn(&mut self, mut command: Command, mono_ms: u64) -> Result<(), CollectError> {
        let failed = |why: std::io::Error| CollectError::Child { program: PROGRAM, why: why.to_string() };
        let mut child = command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let stdout = child.stdout.take().expect("standard output was asked to be a pipe");
        let (sender, output) = sync_channel(1);
        std::thread::Builder::new()
            .name("units".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut bytes = Vec::new();
                let _ = stdout.take(LISTING_BYTES_MAX).read_to_end(&mut bytes);
                let _ = sender.send(bytes);
            })
            .map_err(failed)?;
        self.listing = Some(Listing { child, output, started_mono_ms: mono_ms });
        Ok(())
    }

    /// Takes a finished listing over into `out`; `Ok(false)` while there is none.
    pub fn poll(
        &mut self,
        out: &mut Segment,
        mono_ms: u64,
        now: Timestamp,
        events: &mut Vec<AgentEvent>,
    ) -> Result<bool, CollectError> {
        let Some(listing) = &mut self.listing else { return Ok(false) };
        match listing.output.try_recv() {
            Ok(bytes) => {
                // The child has closed its output: it is about to end, or was cut off and is killed.
                let _ = listing.child.kill();
                let _ = listing.child.wait();
                self.listing = None;
                self.take_over(&String::from_utf8_lossy(&bytes), out, now, events);
                Ok(true)
            }
            Err(TryRecvError::Empty) if mono_ms.saturating_sub(listing.started_mono_ms) > LISTING_MS => {
                let _ = listing.child.kill();
                let _ = listing.child.wait();
                self.listing = None;
                Err(CollectError::TimedOut { ms: LISTING_MS })
            }
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => {
                self.listing = None;
                Err(CollectError::Child { program: PROGRAM, why: "its output was lost".into() })
            }
        }
    }

    fn take_over(&mut self, text: &str, out: &mut Segment, now: Timestamp, events: &mut Vec<AgentEvent>) {
        let units = parse(text);
        out.begin();
        for unit in &units {
            for state in STATES {
                let labels = [("name", &*unit.name), ("state", state), ("type", &*unit.kind)];
                out.push("node_systemd_unit_state", &labels, if unit.state == state { 1.0 } else { 0.0 });
            }
        }
        out.finish();
        let failed: BTreeSet<String> =
            units.into_iter().filter(|unit| unit.state == "failed").map(|unit| unit.name).collect();
        if let Some(before) = &self.failed {
            for name in failed.difference(before) {
                events.push(event("unit.failed", Severity::Error, name, "failed", now));
            }
            for name in before.difference(&failed) {
                events.push(event("unit.recovered", Severity::Info, name, "is no longer failed", now));
            }
        }
        self.failed = Some(failed);
    }
}

fn event(kind: &str, severity: Severity, unit: &str, what: &str, now: Timestamp) -> AgentEvent {
    AgentEvent {
        kind: EventKind::new(kind),
        severity,
        message: super::one_line(&format!("{unit} {what}")),
        labels: Labels::from_pairs([("unit", super::one_line(unit))]),
        t: now,
    }
}

/// Blocks of `Key=value` lines, one per unit, separated by an empty line.
fn parse(text: &str) -> Vec<Unit> {
    let mut units: Vec<Unit> = text
        .split("\n\n")
        .filter_map(|block| {
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or("")
            };
            let unit = Unit {
                name: field("Id").to_string(),
                state: field("ActiveState").to_string(),
                kind: field("Type").to_string(),
            };
            (field("LoadState") == "loaded" && !unit.name.is_empty()).then_some(unit)
        })
        .collect();
    units.sort_by(|a, b| a.name.cmp(&b.name));
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "Type=notify\nId=nginx.service\nLoadState=loaded\nActiveState=active\n\n\
        Type=oneshot\nId=backup.service\nLoadState=loaded\nActiveState=inactive\n\n\
        Id=gone.service\nLoadState=not-found\nActiveState=inactive\n";

    #[test]
    fn changes_become_events_and_states_become_series() {
        let mut units = Units::default();
        let mut out = Segment::default();
        let mut events = Vec::new();
        units.take_over(LISTING, &mut out, Timestamp(1), &mut events);
        assert_eq!(out.values().len(), 10);
        assert_eq!(out.entries()[0].labels.get("name"), Some("backup.service"));
        let failed = LISTING.replace("ActiveState=active", "ActiveState=failed");
        for text in [&failed, &failed, &LISTING.to_string()] {
            units.take_over(text, &mut out, Timestamp(2), &mut events);
        }
        let kinds: Vec<_> = events.iter().map(|e| (e.kind.0.as_str(), e.message.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("unit.failed", "nginx.service failed"),
                ("unit.recovered", "nginx.service is no longer failed")
            ]
        );
    }

    fn child(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_listing_is_read_in_the_background_and_a_hanging_one_is_killed() {
        let mut units = Units::default();
        let mut out = Segment::default();
        units.spawn(child("printf 'Id=a.service\\nLoadState=loaded\\nActiveState=active\\n'"), 0).unwrap();
        while !units.poll(&mut out, 0, Timestamp(1), &mut Vec::new()).unwrap() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(out.values(), [0.0, 1.0, 0.0, 0.0, 0.0]);

        units.spawn(child("exec sleep 60"), 0).unwrap();
        assert!(!units.poll(&mut out, LISTING_MS, Timestamp(1), &mut Vec::new()).unwrap());
        let pid = units.listing.as_ref().unwrap().child.id();
        let hung = units.poll(&mut out, LISTING_MS + 1, Timestamp(1), &mut Vec::new());
        assert!(matches!(hung, Err(CollectError::TimedOut { .. })));
        assert!(!units.is_busy() && !std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
