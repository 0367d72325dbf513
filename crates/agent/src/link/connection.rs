//! A welcomed connection: messages out through a bounded queue, messages in one by one.
//!
//! Invariant: the agent's loop never waits for the network. A queue that is full means a hub that does not read:
//! the connection is given up and what was in it is sent again from the spool.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::{AgentMessage, Encoding, HubMessage, decode, encode};

use super::LinkError;
use super::dial::Socket;
use super::handshake::{to_frame, to_websocket};
use crate::clock;

/// Messages that wait for the network: credits of backfill and windows of output together stay below.
const QUEUE_MAX: usize = 256;
/// Time for one message to be taken by the network.
const SEND: Duration = Duration::from_secs(20);
/// After this much silence the hub is asked for a sign of life, and after that much given up.
const PING_AFTER_MS: u64 = 20_000;
const SILENCE_MS_MAX: u64 = 50_000;
/// Time for the last messages at a goodbye.
const FLUSH: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Connection {
    reader: SplitStream<Socket>,
    queue: mpsc::Sender<Message>,
    writer: Writer,
    encoding: Encoding,
    heard_at_mono_ms: u64,
    pinged: bool,
}

/// Ends with the connection: a socket that lingered would look to the hub like a second agent with this key.
#[derive(Debug)]
struct Writer(JoinHandle<()>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    pub fn new(socket: Socket, encoding: Encoding) -> Self {
        let (sink, reader) = socket.split();
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        let writer = Writer(tokio::spawn(write(sink, messages)));
        let heard_at_mono_ms = clock::now().mono_ms;
        Connection { reader, queue, writer, encoding, heard_at_mono_ms, pinged: false }
    }

    pub fn send(&self, message: &AgentMessage) -> Result<(), LinkError> {
        let frame = to_websocket(encode(message, self.encoding));
        if frame.len() > FRAME_BYTES_MAX {
            crate::log::warn(
                "a message is too large for the protocol and is dropped",
                &[("bytes", &frame.len())],
            );
            return Ok(());
        }
        self.queue.try_send(frame).map_err(|_| LinkError::Stalled)
    }

    /// The next message; safe to cancel.
    pub async fn receive(&mut self) -> Result<HubMessage, LinkError> {
        loop {
            let message = self.reader.next().await.ok_or(LinkError::Closed)??;
            self.heard_at_mono_ms = clock::now().mono_ms;
            self.pinged = false;
            if let Some(frame) = to_frame(message)? {
                return decode(&frame, FRAME_BYTES_MAX).map_err(|e| LinkError::Protocol(e.to_string()));
            }
        }
    }

    /// Called now and then: asks for a sign of life, and tells when there was none.
    pub fn check_alive(&mut self, mono_ms: u64) -> Result<(), LinkError> {
        let silence = mono_ms.saturating_sub(self.heard_at_mono_ms);
        if silence > SILENCE_MS_MAX {
            return Err(LinkError::Silent);
        }
        if silence > PING_AFTER_MS && !self.pinged {
            self.pinged = true;
            self.queue.try_send(Message::Ping(Vec::new().into())).map_err(|_| LinkError::Stalled)?;
        }
        Ok(())
    }

    /// Sends what is queued, then closes.
    pub async fn close(self) {
        let Connection { queue, mut writer, .. } = self;
        drop(queue);
        let _ = timeout(FLUSH, &mut writer.0).await;
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut messages: mpsc::Receiver<Message>) {
    while let Some(message) = messages.recv().await {
        match timeout(SEND, sink.send(message)).await {
            Ok(Ok(())) => {}
            // The reading side meets the same broken connection, or the queue fills up.
            Ok(Err(_)) | Err(_) => return,
        }
    }
    let _ = timeout(FLUSH, sink.close()).await;
}
