//! Which alert a signal belongs to, and which incident an alert joins.
//!
//! An alert is unique among the open ones by (source, key); the store's unique index is the arbiter, this
//! decides what to do with what it found.

use watchtower_model::Labels;

/// The key of an alert whose source brings none: a hash of its sorted identifying labels.
pub fn alert_key(identifying: &Labels) -> String {
    format!("{:016x}", identifying.fingerprint())
}

/// The key under which alerts of one service join one open incident. Without `group_by` every alert has an
/// incident of its own; with it, the values of those labels decide. A label that is missing counts as empty.
pub fn group_key(source: &str, key: &str, labels: &Labels, group_by: &[String]) -> String {
    if group_by.is_empty() {
        return format!("{source}/{key}");
    }
    format!("group/{:016x}", labels.only(group_by).fingerprint())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSignalKind {
    Trigger,
    Acknowledge,
    Resolve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertDecision {
    /// No open alert has this key: make one, and join or open an incident.
    Open,
    /// Count it on the open alert and tell its incident.
    Again,
    /// Acknowledge the open alert's incident.
    Acknowledge,
    /// Close the open alert and tell its incident.
    Close,
    /// Accepted and dropped: acknowledge or resolve of something that is not open, as PagerDuty does.
    Drop,
}

/// What a signal does, given whether an alert with its (source, key) is open.
pub fn decide_alert(is_open: bool, signal: AlertSignalKind) -> AlertDecision {
    match (signal, is_open) {
        (AlertSignalKind::Trigger, false) => AlertDecision::Open,
        (AlertSignalKind::Trigger, true) => AlertDecision::Again,
        (AlertSignalKind::Acknowledge, true) => AlertDecision::Acknowledge,
        (AlertSignalKind::Resolve, true) => AlertDecision::Close,
        (AlertSignalKind::Acknowledge | AlertSignalKind::Resolve, false) => AlertDecision::Drop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_order_and_groups_ignore_other_labels() {
        let a = Labels::from_pairs([("server", "web-1"), ("disk", "/")]);
        let b = Labels::from_pairs([("disk", "/"), ("server", "web-1")]);
        let c = Labels::from_pairs([("disk", "/var"), ("server", "web-1")]);
        assert_eq!(alert_key(&a), alert_key(&b));
        assert_ne!(alert_key(&a), alert_key(&c));
        let by = vec!["server".to_string()];
        assert_eq!(group_key("rule:1", "k1", &a, &by), group_key("rule:2", "k2", &c, &by));
        assert_ne!(group_key("rule:1", "k1", &a, &[]), group_key("rule:2", "k1", &a, &[]));
    }

    #[test]
    fn a_late_resolve_is_dropped_and_a_repeat_is_counted() {
        assert_eq!(decide_alert(false, AlertSignalKind::Resolve), AlertDecision::Drop);
        assert_eq!(decide_alert(false, AlertSignalKind::Acknowledge), AlertDecision::Drop);
        assert_eq!(decide_alert(true, AlertSignalKind::Trigger), AlertDecision::Again);
        assert_eq!(decide_alert(false, AlertSignalKind::Trigger), AlertDecision::Open);
    }
}
