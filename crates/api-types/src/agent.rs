//! The agent as it is shipped: what a deployment run from elsewhere needs of the hub.

use crate::derive::shapes;

shapes! {
    /// What agents of this hub trust, where they dial, and the programs it ships. No secret.
    pub struct AgentBinaries {
        pub hub_id: String,
        /// As servers reach the hub, in order of preference.
        pub urls: Vec<String>,
        /// Base64 SHA-256 of the hub's roots, as `watchtower-agent probe --pin` takes them.
        pub pins: Vec<String>,
        /// The trust bundle as one line of base64: goes with a token into `watchtower-agent enrol`.
        pub bundle: String,
        pub items: Vec<AgentBinary>,
    }

    pub struct AgentBinary {
        /// `x86_64` or `aarch64`.
        pub arch: String,
        pub version: String,
        pub sha256: String,
        pub size_bytes: u64,
    }

    pub struct AgentProgram {
        pub arch: String,
        pub version: String,
        pub sha256: String,
        /// The program itself in base64.
        pub data: String,
    }
}
