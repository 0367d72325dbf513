//! Which agents have which key: counted from the versions of the trust bundle that they confirm.

use watchtower_api_types::KeyKind;
use watchtower_store::AgentRow;

use crate::Hub;
use crate::error::HubError;

/// What one agent confirms.
#[derive(Debug, Clone)]
pub struct Holder {
    pub name: String,
    pub connected: bool,
    collector: u64,
    executor: Option<u64>,
}

/// Every agent that may connect, by name.
pub async fn all(hub: &Hub) -> Result<Vec<Holder>, HubError> {
    let of = |row: AgentRow| {
        let server = hub.servers.get(row.server_id)?;
        Some(Holder {
            name: server.with(|state| state.name.clone()),
            connected: hub.links.get(row.id).is_some(),
            collector: row.bundle_version.max(0) as u64,
            executor: row.executor_bundle_version.map(|version| version.max(0) as u64),
        })
    };
    let mut holders: Vec<Holder> = hub.store.agents().await?.into_iter().filter_map(of).collect();
    holders.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(holders)
}

impl Holder {
    /// Whether it has the keys of this kind that the bundle of this version names. Roots matter to the collector alone; commands
    /// are judged by the executor, or by the collector where there is none.
    pub fn has(&self, kind: KeyKind, version: u64) -> bool {
        let confirmed = match kind {
            KeyKind::Signing => self.executor.unwrap_or(self.collector),
            KeyKind::Ca | KeyKind::Master => self.collector,
        };
        confirmed >= version
    }

    /// Whether everything that judges on this server goes by this bundle.
    pub fn is_at(&self, version: u64) -> bool {
        self.has(KeyKind::Ca, version) && self.has(KeyKind::Signing, version)
    }
}

/// The first of some names, and how many more there are.
pub fn some(names: &[&str], max: usize) -> String {
    let shown = names[..names.len().min(max)].join(", ");
    match names.len().saturating_sub(max) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executor_judges_commands_and_the_collector_the_hub() {
        let holder = |collector, executor| Holder { name: "a".into(), connected: true, collector, executor };
        let behind = holder(3, Some(2));
        assert!(behind.has(KeyKind::Ca, 3) && !behind.has(KeyKind::Signing, 3));
        assert!(!behind.is_at(3) && behind.is_at(2));
        assert!(
            !holder(3, Some(0)).has(KeyKind::Signing, 1),
            "an executor that was not heard of confirms nothing"
        );
        assert!(holder(3, None).is_at(3), "where nothing may run there is no executor");
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        assert_eq!(some(&["a", "b"], 2), "a, b");
        assert_eq!(some(&["a", "b", "c"], 2), "a, b and 1 more");
    }
}
