//! Many changes of configuration at once: tried, or made.

use watchtower_model::Id;

use crate::derive::{inputs, shapes, words};

words! {
    pub enum ConfigAction {
        Create = "create",
        Update = "update",
        Delete = "delete",
    }
}

shapes! {
    /// What is wrong with changes; nothing when all of them would be taken.
    pub struct ConfigCheck {
        pub problems: Vec<ConfigProblem>,
        /// Indices of updates that would leave the object as it is.
        pub unchanged: Vec<u32>,
    }

    pub struct ConfigProblem {
        /// Of the change, from 0.
        pub index: u32,
        /// Of its input; empty where it is about the whole.
        pub field: String,
        pub message: String,
    }

    /// What was made of many changes: all of them, unless it says why not.
    pub struct ConfigApplied {
        /// In the order of the changes, from the first on.
        pub done: Vec<ConfigDone>,
        /// What is in the way of those behind; absent when all are made.
        pub stopped: Option<ConfigProblem>,
    }

    pub struct ConfigDone {
        /// Of the change, from 0.
        pub index: u32,
        /// The object's own, also of one that the change knew by another.
        #[schema(value_type = String)]
        pub id: Id,
        /// Of an integration that was made: shown this once.
        pub key: Option<String>,
    }

    /// The versions of all configuration.
    pub struct ConfigVersions {
        pub items: Vec<ConfigVersion>,
    }

    pub struct ConfigVersion {
        /// As in the ids of endpoints: `service`.
        pub noun: String,
        #[schema(value_type = String)]
        pub id: Id,
        /// As in the `ETag` of the object.
        pub version: i64,
    }
}

inputs! {
    /// Changes in the order in which they are made: each may refer to what those before it make.
    pub struct ConfigChanges {
        pub changes: Vec<ConfigChange>,
    }

    pub struct ConfigChange {
        pub action: ConfigAction,
        /// As in the ids of endpoints: `service`.
        pub noun: String,
        /// Of what is new, any that the others refer to it by.
        #[schema(value_type = String)]
        pub id: Id,
        /// The body of the request that would make or change it.
        #[serde(default)]
        pub input: serde_json::Value,
        /// The version that was read, of what is changed or deleted: with another one stored, the change is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub read: Option<i64>,
    }
}
