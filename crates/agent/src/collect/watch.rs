//! Events that the agent derives from what it read: a reboot, a process killed for lack of memory.

use watchtower_model::{EventKind, Labels, Severity, Timestamp};
use watchtower_protocol::AgentEvent;

use super::segment::Segment;

const OOM_COUNTER: &str = "node_vmstat_oom_kill";

#[derive(Debug, Default)]
pub struct OomWatch {
    last: Option<f64>,
}

impl OomWatch {
    /// Compares the kernel's counter with that of the last collection.
    pub fn look(&mut self, vmstat: &Segment, now: Timestamp, events: &mut Vec<AgentEvent>) {
        let count = vmstat
            .entries()
            .iter()
            .zip(vmstat.values())
            .find_map(|(entry, value)| (entry.name == OOM_COUNTER).then_some(*value));
        let Some(count) = count else { return };
        let killed = self.last.map_or(0.0, |last| count - last);
        if killed > 0.0 {
            events.push(AgentEvent {
                kind: EventKind::new("oom.kill"),
                severity: Severity::Error,
                message: format!("the kernel killed {killed} process(es) for lack of memory"),
                labels: Labels::empty(),
                t: now,
            });
        }
        self.last = Some(count);
    }
}

/// The event of a boot that differs from the one remembered; nothing on the agent's first start.
pub fn reboot_event(known_boot_id: &str, boot_id: &str, now: Timestamp) -> Option<AgentEvent> {
    let rebooted = !known_boot_id.is_empty() && !boot_id.is_empty() && known_boot_id != boot_id;
    rebooted.then(|| AgentEvent {
        kind: EventKind::new("server.rebooted"),
        severity: Severity::Warning,
        message: "the server was started again".into(),
        labels: Labels::from_pairs([("boot_id", super::one_line(boot_id))]),
        t: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rising_counter_is_an_event() {
        let mut watch = OomWatch::default();
        let mut events = Vec::new();
        for count in [7.0, 7.0, 9.0, 9.0, 0.0] {
            let mut vmstat = Segment::default();
            vmstat.push(OOM_COUNTER, &[], count);
            watch.look(&vmstat, Timestamp(1), &mut events);
        }
        assert_eq!(events.len(), 1);
        assert!(events[0].message.contains("killed 2 process"));
    }

    #[test]
    fn a_first_start_is_no_reboot() {
        assert!(reboot_event("", "a", Timestamp(1)).is_none());
        assert!(reboot_event("a", "a", Timestamp(1)).is_none());
        assert_eq!(reboot_event("a", "b", Timestamp(1)).unwrap().kind.0, "server.rebooted");
    }
}
