//! Channels: ways to reach people. Secrets go in and never come out.

use watchtower_model::ChannelId;

use crate::Time;
use crate::derive::{inputs, shapes};

shapes! {
    pub struct Channel {
        pub id: ChannelId,
        pub name: String,
        /// With secrets shown as `***`.
        pub config: ChannelConfig,
        pub enabled: bool,
        /// Hears of incidents that no one answered.
        pub catch_all: bool,
        pub created_at: Time,
        pub last_delivered_at: Option<Time>,
        pub last_error: Option<String>,
        pub last_error_at: Option<Time>,
    }

    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    pub enum ChannelConfig {
        /// JSON by POST, signed with HMAC-SHA256.
        Webhook {
            url: String,
            /// Made by the hub when empty.
            #[serde(default)]
            secret: String,
        },
        /// A Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat).
        Slack { url: String },
        Email {
            to: Vec<String>,
            from: String,
            host: String,
            port: u16,
            /// `starttls`, `tls` or `plain`.
            security: String,
            #[serde(default)]
            username: Option<String>,
            #[serde(default)]
            password: Option<String>,
        },
    }

    /// What the channel's provider answered to a test message.
    pub struct ChannelTest {
        pub delivered: bool,
        pub detail: String,
        pub duration_seconds: f64,
        /// The webhook's secret, when this is the moment it may be seen.
        pub secret: Option<String>,
    }
}

inputs! {
    pub struct ChannelInput {
        pub name: String,
        /// `***` keeps the secret that is stored.
        pub config: ChannelConfig,
        #[serde(default = "yes")]
        pub enabled: bool,
        #[serde(default)]
        pub catch_all: bool,
    }
}

fn yes() -> bool {
    true
}
