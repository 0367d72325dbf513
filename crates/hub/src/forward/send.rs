//! One receiver's requests, one after the other, so that the samples of a series stay in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use watchtower_egress::{HttpRequest, Method};

use super::Route;
use super::config::Receiver;
use crate::Hub;

/// Waits between tries, as Prometheus has them; a receiver's `Retry-After` counts where it is longer.
const WAIT_FIRST: Duration = Duration::from_millis(30);
const WAIT_LONGEST: Duration = Duration::from_secs(5);

/// Until the hub stops; what is left then is sent by the next one.
pub(super) async fn run(hub: Hub, route: Arc<Route>) {
    while hub.running() {
        let next = tokio::select! {
            () = hub.stopped() => return,
            next = route.queue.next() => next,
        };
        match deliver(&hub, &route, &next.body).await {
            Delivered::Taken => route.meters.sent.add(next.samples.into()),
            Delivered::Refused => route.meters.refused.add(next.samples.into()),
            Delivered::Stopped => return,
        }
        route.queue.done(&next);
    }
}

enum Delivered {
    Taken,
    /// For good: it would be refused again.
    Refused,
    Stopped,
}

async fn deliver(hub: &Hub, route: &Route, body: &[u8]) -> Delivered {
    let name = &route.receiver.name;
    let (mut wait, mut told) = (WAIT_FIRST, false);
    loop {
        let answer = match request(&route.receiver, body) {
            Ok(request) => hub.egress.http(request).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        let (why, after) = match answer {
            Ok(answer) if (200..300).contains(&answer.status) => return Delivered::Taken,
            Ok(answer) if answer.status < 500 && answer.status != 429 => {
                tracing::warn!(
                    receiver = name,
                    status = answer.status,
                    "samples are refused: {}",
                    answer.excerpt
                );
                return Delivered::Refused;
            }
            Ok(answer) => (format!("it answers {}", answer.status), answer.retry_after.unwrap_or_default()),
            Err(why) => (why, Duration::ZERO),
        };
        // Once per request, not once per try.
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(receiver = name, "samples wait, and are sent again: {why}");
        }
        route.meters.retries.add(1);
        tokio::select! {
            () = hub.stopped() => return Delivered::Stopped,
            () = tokio::time::sleep(wait.max(after)) => {}
        }
        wait = (wait * 2).min(WAIT_LONGEST);
    }
}

fn request(receiver: &Receiver, body: &[u8]) -> Result<HttpRequest, String> {
    let secret = |path: &Path| {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok::<String, String>(text.trim().to_string())
    };
    let fixed = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let mut headers: Vec<(String, String)> = fixed.map(|(n, v)| (n.to_string(), v.to_string())).to_vec();
    headers.extend(receiver.headers.iter().cloned());
    let authorization = match (&receiver.bearer_token_file, &receiver.basic_auth) {
        (Some(path), _) => Some(format!("Bearer {}", secret(path)?)),
        (None, Some(basic)) => {
            let pair = format!("{}:{}", basic.username, secret(&basic.password_file)?);
            Some(format!("Basic {}", STANDARD.encode(pair)))
        }
        (None, None) => None,
    };
    headers.extend(authorization.map(|value| ("Authorization".to_string(), value)));
    Ok(HttpRequest {
        method: Method::POST,
        url: receiver.url.clone(),
        headers,
        body: body.to_vec(),
        timeout: Duration::from_secs(receiver.timeout_seconds),
    })
}
