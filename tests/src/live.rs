//! The live channel as a browser's page has it, without the browser.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::hub::Hub;

/// One open socket.
pub struct Live {
    socket: WebSocketStream<TcpStream>,
}

impl Live {
    /// An error is the status that came in place of a socket.
    ///
    /// # Panics
    /// If the hub does not answer.
    pub async fn open(hub: &Hub, token: &str) -> Result<Live, u16> {
        Live::with(hub, &[("Authorization", &format!("Bearer {token}"))]).await
    }

    /// The same with a session's cookie, from the hub's own page.
    ///
    /// # Panics
    /// If the hub does not answer.
    pub async fn of_session(hub: &Hub, cookie: &str) -> Result<Live, u16> {
        Live::with(hub, &[("Cookie", cookie), ("Origin", &hub.url())]).await
    }

    async fn with(hub: &Hub, headers: &[(&'static str, &str)]) -> Result<Live, u16> {
        let address = hub.url().replace("http://", "");
        let mut request =
            format!("ws://{address}/api/v1/live").into_client_request().expect("a good address");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("secrets are a header's value"));
        }
        let stream = TcpStream::connect(&address).await.expect("the hub listens");
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Live { socket }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// # Panics
    /// If the socket is closed.
    pub async fn ask(&mut self, request: &Value) {
        self.socket.send(Message::Text(request.to_string().into())).await.expect("the socket is open");
    }

    /// The next message, unless none comes in time.
    pub async fn next(&mut self, within: Duration) -> Option<Value> {
        let until = tokio::time::Instant::now() + within;
        while let Ok(Some(Ok(message))) = tokio::time::timeout_at(until, self.socket.next()).await {
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).ok();
            }
        }
        None
    }
}
