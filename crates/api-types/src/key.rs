//! The hub's own keys, as administrators see them: ids and states, never the keys.

use crate::Time;
use crate::derive::{inputs, shapes, words};

words! {
    pub enum KeyKind {
        /// Roots of the agents' TLS.
        Ca = "ca",
        /// Signs commands.
        Signing = "signing",
        /// Seals secrets at rest.
        Master = "master",
    }

    pub enum KeyState {
        /// Agents are told of it; it is not used yet.
        Published = "published",
        /// In use.
        Active = "active",
        /// No longer used, still trusted or needed to open what it sealed.
        Retiring = "retiring",
        /// Deleted; withdrawn ones, too.
        Retired = "retired",
    }
}

shapes! {
    pub struct HubKey {
        pub id: String,
        pub kind: KeyKind,
        pub state: KeyState,
        /// The first trust bundle that names it; absent where no agent is to know it.
        pub bundle_version: Option<u64>,
        /// Agents that confirm that they have it.
        pub agents_holding: Option<u64>,
        pub agents_lacking: Option<u64>,
        /// The first 20 of them by name.
        pub lacking: Vec<String>,
        /// Of a master key: secrets that it sealed.
        pub secrets: Option<u64>,
        pub created_at: Time,
        pub switched_at: Option<Time>,
        pub ended_at: Option<Time>,
    }

    pub struct HubKeys {
        /// Of the trust bundle that agents are offered.
        pub bundle_version: u64,
        pub agents: u64,
        /// Agents that do not confirm this bundle.
        pub agents_behind: u64,
        /// The first 20 of them by name.
        pub behind: Vec<String>,
        pub items: Vec<HubKey>,
    }
}

inputs! {
    pub struct KeySwitch {
        /// Also while connected agents lack the key.
        #[serde(default)]
        pub force: bool,
    }

    pub struct KeyRetirement {
        /// Also while commands that the key signed are under way: they are refused on their servers.
        #[serde(default)]
        pub force: bool,
    }
}
