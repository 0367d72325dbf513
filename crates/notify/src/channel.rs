//! How a channel is configured. It holds secrets: the store seals it, people see it [`redacted`](ChannelConfig::redacted).

use std::fmt;

use serde::{Deserialize, Serialize};
use watchtower_egress::Egress;

use crate::check::ChannelError;
use crate::deliver::{call, said};
use crate::discord::DiscordConfig;
use crate::email::EmailConfig;
use crate::google_chat::GoogleChatConfig;
use crate::ntfy::NtfyConfig;
use crate::pagerduty::PagerdutyConfig;
use crate::pushover::PushoverConfig;
use crate::slack::SlackConfig;
use crate::slack_app::SlackAppConfig;
use crate::teams::TeamsConfig;
use crate::telegram::TelegramConfig;
use crate::twilio::TwilioConfig;
use crate::web_push::WebPushConfig;
use crate::webhook::WebhookConfig;
use crate::written::Written;
use crate::{DeliveryError, Message, Receipt};

/// Stands in the place of a secret; sent back unchanged, it means "as stored".
pub const REDACTED: &str = "***";

/// What the file of each channel says of it.
pub(crate) trait Channel: Clone {
    /// The word used in tables and messages.
    const KIND: &'static str;

    /// It goes on ringing until it hears that somebody has it, or keeps an incident of its own.
    const RINGS: bool = false;

    /// People read it: many pages at one time may be one message. A program, and what keeps an incident of its own, gets each.
    const BUNDLES: bool = true;

    /// Whether it can be saved. Its secrets are known not to be redacted.
    fn check(&self) -> Result<(), ChannelError>;

    fn secrets(&mut self) -> Vec<Secret<'_>>;

    /// Where its secrets are sent to.
    fn destination(&self) -> String;

    /// In the provider's form. `message` is within its bounds, `key` can stand in a header.
    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError>;

    /// Sends once.
    async fn deliver(&self, egress: &Egress, message: &Message, key: &str) -> Result<Receipt, DeliveryError> {
        let answer = call(egress, Self::KIND, self.written(message, key)?.post()).await?;
        Ok(Receipt::said(said(&answer)))
    }
}

/// A field that nobody is shown.
pub(crate) struct Secret<'a> {
    pub field: &'static str,
    pub text: &'a mut String,
    /// Its host may be seen; its path may be a key.
    pub is_url: bool,
}

impl<'a> Secret<'a> {
    pub fn word(field: &'static str, text: &'a mut String) -> Self {
        Secret { field, text, is_url: false }
    }

    pub fn url(field: &'static str, text: &'a mut String) -> Self {
        Secret { field, text, is_url: true }
    }

    fn redacted(&self) -> String {
        if self.is_url { redacted_url(self.text) } else { REDACTED.into() }
    }

    fn is_redacted(&self) -> bool {
        *self.text == self.redacted()
    }
}

macro_rules! channels {
    ($($kind:ident($config:ty)),+ $(,)?) => {
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum ChannelConfig {
            $($kind($config)),+
        }

        impl ChannelConfig {
            /// The word used in tables and messages.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(ChannelConfig::$kind(_) => <$config as Channel>::KIND),+
                }
            }

            /// Whether it is to hear of an acknowledgement: it goes on ringing until then.
            pub fn rings(&self) -> bool {
                match self {
                    $(ChannelConfig::$kind(_) => <$config as Channel>::RINGS),+
                }
            }

            /// Whether many pages at one time may be one message.
            pub fn bundles(&self) -> bool {
                match self {
                    $(ChannelConfig::$kind(_) => <$config as Channel>::BUNDLES),+
                }
            }

            /// Checks a configuration before it is saved.
            pub fn check(&self) -> Result<(), ChannelError> {
                match self {
                    $(ChannelConfig::$kind(config) => check(config)),+
                }
            }

            /// The same without its secrets. A URL keeps its host alone, since its path may be a key.
            pub fn redacted(&self) -> ChannelConfig {
                match self {
                    $(ChannelConfig::$kind(config) => ChannelConfig::$kind(redacted(config))),+
                }
            }

            /// An edit of a redacted configuration: what still is redacted is taken from `stored`. A secret is kept
            /// only for the destination it was given for, so that an edit cannot send it elsewhere.
            pub fn with_secrets_of(self, stored: &ChannelConfig) -> ChannelConfig {
                match (self, stored) {
                    $((ChannelConfig::$kind(edited), ChannelConfig::$kind(stored)) => {
                        ChannelConfig::$kind(with_secrets_of(edited, stored))
                    })+
                    (edited, _) => edited,
                }
            }

            pub(crate) fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
                match self {
                    $(ChannelConfig::$kind(config) => config.written(message, key)),+
                }
            }

            pub(crate) async fn deliver(
                &self,
                egress: &Egress,
                message: &Message,
                key: &str,
            ) -> Result<Receipt, DeliveryError> {
                match self {
                    $(ChannelConfig::$kind(config) => config.deliver(egress, message, key).await),+
                }
            }
        }
    };
}

channels! {
    Webhook(WebhookConfig),
    Slack(SlackConfig),
    SlackApp(SlackAppConfig),
    Email(EmailConfig),
    Ntfy(NtfyConfig),
    Discord(DiscordConfig),
    Teams(TeamsConfig),
    GoogleChat(GoogleChatConfig),
    Telegram(TelegramConfig),
    Pushover(PushoverConfig),
    Twilio(TwilioConfig),
    Pagerduty(PagerdutyConfig),
    WebPush(WebPushConfig),
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = serde_json::to_string(&self.redacted()).map_err(|_| fmt::Error)?;
        f.write_str(&shown)
    }
}

fn check<C: Channel>(config: &C) -> Result<(), ChannelError> {
    if let Some(secret) = config.clone().secrets().iter().find(|secret| secret.is_redacted()) {
        return Err(ChannelError::Anew { field: secret.field });
    }
    config.check()
}

fn redacted<C: Channel>(config: &C) -> C {
    let mut shown = config.clone();
    for secret in shown.secrets() {
        *secret.text = secret.redacted();
    }
    shown
}

fn with_secrets_of<C: Channel>(mut edited: C, stored: &C) -> C {
    let mut stored = stored.clone();
    // A URL that is as stored says first that the words beside it go where they went.
    restore(&mut edited, &mut stored, true);
    if edited.destination() == stored.destination() {
        restore(&mut edited, &mut stored, false);
    }
    edited
}

fn restore<C: Channel>(edited: &mut C, stored: &mut C, urls: bool) {
    let stored = stored.secrets();
    for secret in edited.secrets().into_iter().filter(|secret| secret.is_url == urls) {
        let old = stored.iter().find(|old| old.field == secret.field);
        if let Some(old) = old.filter(|old| *secret.text == old.redacted()) {
            secret.text.clone_from(old.text);
        }
    }
}

fn redacted_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", ""));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{REDACTED}")
}
