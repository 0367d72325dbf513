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
        pub templates: ChannelTemplates,
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
        /// An app of Slack: its message has a button, and says how the incident goes.
        SlackApp {
            /// Of the bot, `xoxb-…`.
            token: String,
            signing_secret: String,
            /// Id of a conversation, such as `C024BE91L`.
            channel: String,
            #[serde(default)]
            api_url: Option<String>,
        },
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
        /// A topic of ntfy.sh or of an own server.
        Ntfy {
            /// `https://ntfy.sh/my-topic`
            url: String,
            #[serde(default)]
            token: Option<String>,
        },
        /// A webhook of Discord.
        Discord { url: String },
        /// A workflow of Microsoft Teams.
        Teams { url: String },
        /// A webhook of a space of Google Chat.
        GoogleChat { url: String },
        /// A bot of Telegram.
        Telegram {
            token: String,
            /// Number of a chat, or `@name` of a public channel.
            chat: String,
            /// Another server in the place of the provider's own; the same in those below.
            #[serde(default)]
            api_url: Option<String>,
        },
        Pushover {
            /// Of the application.
            token: String,
            /// Key of a user or group.
            user: String,
            #[serde(default)]
            api_url: Option<String>,
        },
        /// A text message, or a call.
        Twilio {
            /// SID of the account.
            account: String,
            token: String,
            /// A number, or the SID of a messaging service.
            from: String,
            /// Who is reached, as `+4930123456`.
            phone: String,
            /// Calls instead of writing.
            #[serde(default)]
            voice: bool,
            #[serde(default)]
            api_url: Option<String>,
        },
        /// An integration of PagerDuty (Events API v2).
        Pagerduty {
            routing_key: String,
            #[serde(default)]
            api_url: Option<String>,
        },
        /// A browser, by the push service of its maker. Made by the browser itself: `POST /me/browsers`.
        WebPush {
            /// Where its push service takes messages for it.
            url: String,
            /// Its public key (`p256dh`), base64url.
            key: String,
            /// The secret that it shares with the hub, base64url.
            auth: String,
        },
    }

    /// What a channel would send.
    pub struct ChannelPreview {
        /// Absent for a webhook: it is no text.
        pub headline: Option<String>,
        pub lines: Vec<String>,
        /// The address that is called; of a mail, its recipients and server. Secrets are `***`, here and below.
        pub to: Option<String>,
        pub content_type: Option<String>,
        /// Exactly as the provider would get it. Links to acknowledge end in `***`.
        pub body: Option<String>,
        /// Why there is none of these three: something is missing in the configuration.
        pub unwritten: Option<String>,
        /// Why the hub's own words stand in the place of a template's.
        pub failed: Vec<TemplateFailure>,
    }

    /// A template that cannot be used.
    pub struct TemplateFailure {
        /// `page.title`, `page.body`, `end.title` or `end.body`.
        pub template: String,
        pub message: String,
        /// Where in the template, from 1; absent where it is what came of it that is wrong.
        pub line: Option<u32>,
        pub column: Option<u32>,
    }

    /// What a browser needs to ask its push service for messages of this hub.
    pub struct PushKey {
        /// `applicationServerKey`: a point of P-256, uncompressed, base64url.
        pub key: String,
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
        #[serde(default)]
        pub templates: ChannelTemplates,
    }

    /// A subscription, as a browser has it.
    pub struct BrowserInput {
        /// What its person calls it.
        pub name: String,
        /// `endpoint`
        pub url: String,
        /// `keys.p256dh`
        pub key: String,
        /// `keys.auth`
        pub auth: String,
    }

    /// A channel's own words, in the place of the hub's.
    #[derive(Default)]
    pub struct ChannelTemplates {
        /// Of pages.
        #[serde(default)]
        pub page: ChannelWords,
        /// Of notices that it is over.
        #[serde(default)]
        pub end: ChannelWords,
    }

    /// Templates: `{{ $title }}`, `{{ $labels.job | toUpper }}`.
    #[derive(Default)]
    pub struct ChannelWords {
        /// The headline. A webhook has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// Where it is and the details; of a webhook, the whole JSON document.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub body: Option<String>,
    }

    pub struct ChannelPreviewInput {
        /// As it would be saved; what is not known yet may be empty.
        pub channel: ChannelInput,
        /// Number of an incident; a sample where it is absent.
        #[serde(default)]
        pub incident: Option<i64>,
        /// The notice that it is over, and not a page.
        #[serde(default)]
        pub end: bool,
    }
}

fn yes() -> bool {
    true
}
