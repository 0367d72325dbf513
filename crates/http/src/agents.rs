//! The agents' listener: the WebSocket, the installer with the binaries it fetches, and the program of an update. Nothing else is here.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::mpsc;
use watchtower_hub::jobs::updates;
use watchtower_hub::link::{self, Inbound};
use watchtower_hub::{Hub, HubError};
use watchtower_protocol::limits::FRAME_BYTES_MAX;
use watchtower_protocol::{CONNECT_PATH, Frame, PROGRAM_PATH};

use crate::listen::Exporter;

/// Frames between the socket and the session, each way.
const QUEUE: usize = 32;
/// Installers that may be fetched at once, and then per second.
const INSTALLS_BURST: u32 = 50;
const INSTALLS_PER_SECOND: f64 = 5.0;

pub fn router(hub: Hub) -> Router {
    Router::new()
        .route(CONNECT_PATH, get(connect))
        .route(&format!("{PROGRAM_PATH}/{{execution}}/{{arch}}"), get(program))
        .route("/install/{token}", get(install))
        .route("/install/{token}/{file}", get(binary))
        .fallback(|| async { (StatusCode::NOT_FOUND, "this is the agents' listener of a Watchtower hub\n") })
        .with_state(hub)
}

async fn connect(
    State(hub): State<Hub>,
    Extension(exporter): Extension<Exporter>,
    socket: WebSocketUpgrade,
) -> Response {
    let Some(exporter) = exporter.0 else {
        return (
            StatusCode::UPGRADE_REQUIRED,
            "TLS 1.3 straight to the hub is required: no proxy may end it\n",
        )
            .into_response();
    };
    socket
        .read_buffer_size(8 << 10)
        .write_buffer_size(8 << 10)
        .max_write_buffer_size(4 << 20)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| pump(hub, exporter, socket))
}

/// Moves frames between the socket and the session until either ends.
///
/// Invariant: it never waits for the session while the session may wait for it. The session answers before it takes the next frame, so a
/// frame is read only once there is a place for it.
async fn pump(hub: Hub, exporter: Vec<u8>, mut socket: WebSocket) {
    let (inbound, frames) = mpsc::channel(QUEUE);
    let (out, mut outbound) = mpsc::channel::<Frame>(QUEUE);
    let session = tokio::spawn(link::serve(hub, Inbound { frames, out, exporter }));
    loop {
        tokio::select! {
            frame = outbound.recv() => {
                let message = match frame {
                    Some(Frame::Text(text)) => Message::Text(text.into()),
                    Some(Frame::Binary(bytes)) => Message::Binary(bytes.into()),
                    None => break,
                };
                if socket.send(message).await.is_err() {
                    break;
                }
            }
            // A session that does not keep up slows its agent down: reports stay in the agent's spool.
            received = async { (inbound.reserve().await, socket.recv().await) } => {
                let (Ok(place), Some(Ok(message))) = received else { break };
                match message {
                    Message::Text(text) => place.send(Frame::Text(text.to_string())),
                    Message::Binary(bytes) => place.send(Frame::Binary(bytes.to_vec())),
                    Message::Ping(_) | Message::Pong(_) => {}
                    Message::Close(_) => break,
                }
            }
        }
    }
    drop(inbound);
    outbound.close();
    let _ = socket.send(Message::Close(None)).await;
    let _ = session.await;
}

async fn allowed(hub: &Hub) -> bool {
    hub.bus.take("install", INSTALLS_PER_SECOND, INSTALLS_BURST).await
}

/// What a shell prints and stops at: the installer is piped into one.
fn refuse(error: &HubError) -> Response {
    let status = match error {
        HubError::NotFound { .. } => StatusCode::NOT_FOUND,
        HubError::Conflict(_) => StatusCode::GONE,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let text = match error {
        HubError::NotFound { .. } | HubError::Conflict(_) => error.to_string(),
        // The cause is for the log: whoever asks here is not known.
        _ => {
            tracing::error!("answering an installer: {error}");
            "the hub cannot answer right now, try again".into()
        }
    };
    never_stored((status, format!("watchtower: {text}\n")).into_response())
}

/// The path holds a secret: nothing on the way keeps what belongs to it.
fn never_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn install(State(hub): State<Hub>, Path(token): Path<String>) -> Response {
    if !allowed(&hub).await {
        return (StatusCode::TOO_MANY_REQUESTS, "watchtower: too many installers at once, try again\n")
            .into_response();
    }
    match link::install_script(&hub, &token).await {
        Ok(script) => never_stored(script.into_response()),
        Err(error) => refuse(&error),
    }
}

async fn binary(State(hub): State<Hub>, Path((token, file)): Path<(String, String)>) -> Response {
    if !allowed(&hub).await {
        return (StatusCode::TOO_MANY_REQUESTS, "watchtower: too many installers at once, try again\n")
            .into_response();
    }
    // The same check as for the script: binaries are not for strangers.
    if let Err(error) = link::check_token(&hub, &token).await {
        return refuse(&error);
    }
    let arch = file.strip_prefix("agent-").unwrap_or("");
    match hub.config.programs.bytes(arch) {
        Ok(bytes) => never_stored(bytes.into_response()),
        Err(error) => refuse(&error),
    }
}

/// The program of an update that is under way, for the agent that was told the token. A fleet may fetch it at once; a stranger costs a digest.
async fn program(
    State(hub): State<Hub>,
    Path((execution, arch)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or("");
    match updates::program(&hub, &execution, &arch, token).await {
        Ok(bytes) => never_stored(Bytes::from_owner(bytes).into_response()),
        Err(error) => refuse(&error),
    }
}
