//! Configuration that is checked before it is written: what the hub would say to each of many changes.

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
}

inputs! {
    /// Changes in the order in which they would be made: each may refer to what those before it make.
    pub struct ConfigCheckInput {
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
    }
}
