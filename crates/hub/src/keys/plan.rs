//! The steps of a rotation: publish, switch, retire; which of them may come next.
//!
//! Pure. Of the roots one is always published ahead of its use: an agent that missed a publication still knows the root
//! that the hub switches to, and gets what it missed from there. So a rotation publishes a root and switches to the one before.

use watchtower_api_types::{KeyKind, KeyState};
use watchtower_store::HubKeyRow;

/// Why a step cannot be taken now, with what to do instead.
pub type Refused = String;

/// Keys of a kind that are published while nothing is being rotated.
fn spares(kind: KeyKind) -> usize {
    match kind {
        KeyKind::Ca => 1,
        KeyKind::Signing | KeyKind::Master => 0,
    }
}

/// The keys of a kind in a state, oldest first.
pub fn in_state(rows: &[HubKeyRow], kind: KeyKind, state: KeyState) -> Vec<&HubKeyRow> {
    rows.iter().filter(|row| row.kind == kind.as_str() && row.state == state.as_str()).collect()
}

fn retiring(rows: &[HubKeyRow], kind: KeyKind) -> Option<&HubKeyRow> {
    in_state(rows, kind, KeyState::Retiring).first().copied()
}

/// Beyond the spares: what a rotation under way has published.
fn under_way(rows: &[HubKeyRow], kind: KeyKind) -> Vec<&HubKeyRow> {
    let published = in_state(rows, kind, KeyState::Published);
    if published.len() > spares(kind) { published } else { Vec::new() }
}

/// Whether a rotation may begin.
pub fn may_rotate(rows: &[HubKeyRow], kind: KeyKind) -> Result<(), Refused> {
    if let Some(row) = retiring(rows, kind) {
        return Err(match kind {
            KeyKind::Master => {
                format!("secrets are still being sealed anew: master key {} leaves when it is done", row.id)
            }
            _ => format!("{kind} key {} is still to be retired: retire it first", row.id),
        });
    }
    match under_way(rows, kind).last() {
        Some(row) => Err(format!("{kind} key {} is published already: switch, or abort", row.id)),
        None => Ok(()),
    }
}

/// The key in use, and the one to be used instead.
pub fn to_switch(rows: &[HubKeyRow], kind: KeyKind) -> Result<(&HubKeyRow, &HubKeyRow), Refused> {
    let active = in_state(rows, kind, KeyState::Active);
    match (active.first(), under_way(rows, kind).first(), retiring(rows, kind)) {
        (Some(active), Some(next), None) => Ok((active, next)),
        (.., Some(old)) => Err(format!("{kind} key {} is still to be retired: retire it first", old.id)),
        _ => Err(format!("no {kind} key was published to switch to: rotate first")),
    }
}

/// The key that is no longer used and still trusted.
pub fn to_retire(rows: &[HubKeyRow], kind: KeyKind) -> Result<&HubKeyRow, Refused> {
    retiring(rows, kind).ok_or_else(|| match under_way(rows, kind).first() {
        Some(_) => format!("the {kind} key in use would be retired: switch first, or abort"),
        None => format!("no {kind} key waits to be retired"),
    })
}

/// The key that was published last and is not used yet.
pub fn to_abort(rows: &[HubKeyRow], kind: KeyKind) -> Result<&HubKeyRow, Refused> {
    under_way(rows, kind).last().copied().ok_or_else(|| match retiring(rows, kind) {
        Some(_) => format!("the {kind} keys were switched already: retire the old one, then rotate again"),
        None => format!("no rotation of the {kind} key is under way"),
    })
}

/// Higher than every version before, also than those that a restored database has forgotten.
pub fn next_version(present: u64, now_ms: i64) -> u64 {
    (present + 1).max(now_ms.max(0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use watchtower_model::Timestamp;

    fn rows(kind: KeyKind, states: &[(&str, &str)]) -> Vec<HubKeyRow> {
        let row = |(n, (id, state)): (usize, &(&str, &str))| HubKeyRow {
            id: (*id).into(),
            kind: kind.as_str().into(),
            state: (*state).into(),
            bundle_version: n as i64,
            created_at: Timestamp(n as i64),
            switched_at: None,
            ended_at: None,
        };
        states.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_signing_key_goes_from_published_to_retired() {
        let kind = KeyKind::Signing;
        let quiet = rows(kind, &[("a", "active")]);
        assert!(may_rotate(&quiet, kind).is_ok());
        assert!(to_switch(&quiet, kind).is_err() && to_retire(&quiet, kind).is_err());
        assert!(to_abort(&quiet, kind).is_err());
        let published = rows(kind, &[("a", "active"), ("b", "published")]);
        assert!(may_rotate(&published, kind).unwrap_err().contains("published already"));
        let (old, new) = to_switch(&published, kind).unwrap();
        assert_eq!((old.id.as_str(), new.id.as_str()), ("a", "b"));
        assert_eq!(to_abort(&published, kind).unwrap().id, "b");
        assert!(to_retire(&published, kind).unwrap_err().contains("switch first"));
        let switched = rows(kind, &[("a", "retiring"), ("b", "active")]);
        assert!(may_rotate(&switched, kind).unwrap_err().contains("retire it first"));
        assert!(to_switch(&switched, kind).is_err() && to_abort(&switched, kind).is_err());
        assert_eq!(to_retire(&switched, kind).unwrap().id, "a");
        assert!(may_rotate(&rows(kind, &[("a", "retired"), ("b", "active")]), kind).is_ok());
    }

    #[test]
    fn roots_switch_to_the_one_that_was_published_before() {
        let kind = KeyKind::Ca;
        let quiet = rows(kind, &[("a", "active"), ("b", "published")]);
        assert!(may_rotate(&quiet, kind).is_ok());
        assert!(to_switch(&quiet, kind).is_err() && to_abort(&quiet, kind).is_err());
        let published = rows(kind, &[("a", "active"), ("b", "published"), ("c", "published")]);
        assert_eq!(to_switch(&published, kind).unwrap().1.id, "b");
        assert_eq!(to_abort(&published, kind).unwrap().id, "c", "the spare stays");
        let switched = rows(kind, &[("a", "retiring"), ("b", "active"), ("c", "published")]);
        assert_eq!(to_retire(&switched, kind).unwrap().id, "a");
        assert!(to_abort(&switched, kind).is_err());
    }

    #[test]
    fn versions_rise_past_what_a_restored_database_has_forgotten() {
        assert_eq!(next_version(1, 1_800_000_000_000), 1_800_000_000_000);
        assert_eq!(next_version(1_800_000_000_000, 5), 1_800_000_000_001);
        assert_eq!(next_version(1, -5), 2);
    }
}
