//! Fan-out to subscribers with bounded buffers. Who is too slow loses messages and is told that it did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::{BusError, Counters};

/// Messages that wait for one subscriber.
pub const BUFFER_MESSAGES: usize = 1_024;
/// Subscriptions of one hub.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Message {
        topic: Arc<str>,
        payload: Arc<[u8]>,
    },
    /// Something was lost: read the truth again.
    Lagged,
}

/// One subscriber's end. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    messages: mpsc::Receiver<Received>,
    lag: Arc<Lag>,
}

#[derive(Debug, Default)]
struct Lag {
    lost: AtomicU64,
    told: Notify,
}

impl Subscription {
    /// The next message, or `Lagged` as soon as one was lost; it comes before messages that wait. `None` when
    /// the bus is gone.
    pub async fn recv(&mut self) -> Option<Received> {
        loop {
            if self.lag.lost.swap(0, Ordering::AcqRel) > 0 {
                return Some(Received::Lagged);
            }
            tokio::select! {
                message = self.messages.recv() => return message,
                () = self.lag.told.notified() => {}
            }
        }
    }
}

struct Subscriber {
    prefix: String,
    messages: mpsc::Sender<Received>,
    lag: Arc<Lag>,
}

impl Subscriber {
    fn lose(&self) {
        self.lag.lost.fetch_add(1, Ordering::AcqRel);
        self.lag.told.notify_one();
    }
}

#[derive(Default)]
pub(crate) struct Fan {
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Fan {
    pub fn subscribe(&self, prefix: &str) -> Result<Subscription, BusError> {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|s| !s.messages.is_closed());
        if subscribers.len() >= SUBSCRIPTIONS_MAX {
            return Err(BusError::TooManySubscriptions);
        }
        let (sender, messages) = mpsc::channel(BUFFER_MESSAGES);
        let lag = Arc::new(Lag::default());
        subscribers.push(Subscriber { prefix: prefix.into(), messages: sender, lag: Arc::clone(&lag) });
        Ok(Subscription { messages, lag })
    }

    pub fn has_subscriber(&self, topic: &str) -> bool {
        let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.iter().any(|s| topic.starts_with(&s.prefix) && !s.messages.is_closed())
    }

    pub fn publish(&self, topic: &str, payload: &[u8], counters: &Counters) {
        let message = Received::Message { topic: topic.into(), payload: payload.into() };
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|s| {
            if !topic.starts_with(&s.prefix) {
                return true;
            }
            match s.messages.try_send(message.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Closed(_)) => false,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    s.lose();
                    Counters::add(&counters.lagged, 1);
                    true
                }
            }
        });
    }

    /// Messages of other hubs may have been missed: everybody reads again.
    pub fn everybody_lagged(&self) {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Subscriber::lose);
    }
}
