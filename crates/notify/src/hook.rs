//! What the channels share that are one URL and nothing else: whoever knows it can write there.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::channel::{Channel, Secret};
use crate::check::{self, ChannelError};
use crate::written::Written;
use crate::{DeliveryError, Message};

/// What the URLs of one provider take.
pub(crate) trait Provider: Clone {
    const KIND: &'static str;

    /// The URL with what the provider wants to be asked beside it. `key` can stand in it as it is.
    fn address(url: &str, _key: &str) -> String {
        url.into()
    }

    fn body(message: &Message) -> Value;
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct HookConfig<P> {
    /// The whole URL is the secret.
    pub url: String,
    #[serde(skip)]
    provider: PhantomData<P>,
}

impl<P> HookConfig<P> {
    pub fn new(url: impl Into<String>) -> Self {
        HookConfig { url: url.into(), provider: PhantomData }
    }
}

impl<P: Provider> Channel for HookConfig<P> {
    const KIND: &'static str = P::KIND;

    fn check(&self) -> Result<(), ChannelError> {
        check::url("url", &self.url)
    }

    fn secrets(&mut self) -> Vec<Secret<'_>> {
        vec![Secret::url("url", &mut self.url)]
    }

    fn destination(&self) -> String {
        self.url.clone()
    }

    fn written(&self, message: &Message, key: &str) -> Result<Written, DeliveryError> {
        Ok(Written::json(P::address(&self.url, key), key, &P::body(message)))
    }
}

/// `url` with one more parameter, or several.
pub(crate) fn asking(url: &str, parameters: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{parameters}")
}
