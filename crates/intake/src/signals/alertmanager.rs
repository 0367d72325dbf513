//! Alerts as Prometheus posts them to an Alertmanager, and as Alertmanager and Grafana hand them on by webhook.
//!
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>,
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use watchtower_model::Timestamp;

use super::{Action, Signal, labels, line, paragraph, severity, shown};
use crate::IntakeError;

/// An alert that is posted without an end is over after this, unless it is posted again: Alertmanager's `resolve_timeout`.
pub const RESOLVE_TIMEOUT_MS: i64 = 5 * 60_000;

/// Annotations that are the headline, in this order.
const SUMMARIES: [&str; 3] = ["summary", "title", "message"];
/// URLs beside the annotations, with what they are.
const URLS: [(&str, &str); 5] = [
    ("generatorURL", "source"),
    ("dashboardURL", "dashboard"),
    ("panelURL", "panel"),
    ("silenceURL", "silence"),
    ("imageURL", "image"),
];

#[derive(Debug, Deserialize)]
struct Webhook {
    alerts: Vec<Alert>,
}

/// One alert of either form; what else is in it is passed over, but for the URLs.
#[derive(Debug, Deserialize)]
struct Alert {
    #[serde(default)]
    status: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, Value>>,
    #[serde(default, rename = "endsAt")]
    ends_at: Option<String>,
    #[serde(default)]
    fingerprint: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The body of a webhook. Each alert has a status of its own; that of the group says nothing of it.
///
/// # Errors
/// If it is not such a body.
pub fn webhook(body: &[u8]) -> Result<Vec<Signal>, IntakeError> {
    let webhook: Webhook = serde_json::from_slice(body).map_err(not_json)?;
    Ok(webhook
        .alerts
        .into_iter()
        .map(|alert| {
            let resolved = alert.status == "resolved";
            alert.signal(resolved, None)
        })
        .collect())
}

/// The body of `POST /api/v2/alerts`, taken at `now`.
///
/// # Errors
/// If it is not such a body, or an alert has no labels or a time that is none.
pub fn alerts(body: &[u8], now: Timestamp) -> Result<Vec<Signal>, IntakeError> {
    let alerts: Vec<Alert> = serde_json::from_slice(body).map_err(not_json)?;
    let mut signals = Vec::with_capacity(alerts.len());
    for alert in alerts {
        if alert.labels.values().all(String::is_empty) {
            return Err(IntakeError::NotJson { why: "an alert has no labels".into() });
        }
        let ends_at = match alert.ends_at.as_deref().filter(|text| !text.is_empty()) {
            None => now.plus_ms(RESOLVE_TIMEOUT_MS),
            Some(text) => match Timestamp::parse_rfc3339(text) {
                // The zero time of Go is no time.
                Ok(at) if at.0 <= 0 => now.plus_ms(RESOLVE_TIMEOUT_MS),
                Ok(at) => at,
                Err(error) => return Err(IntakeError::NotJson { why: format!("endsAt: {error}") }),
            },
        };
        signals.push(alert.signal(ends_at <= now, Some(ends_at)));
    }
    Ok(signals)
}

impl Alert {
    fn signal(self, resolved: bool, ends_at: Option<Timestamp>) -> Signal {
        let own = labels(self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let key = self.fingerprint.filter(|text| !text.is_empty());
        let key = key.unwrap_or_else(|| format!("{:016x}", own.fingerprint()));
        let annotations = self.annotations.unwrap_or_default();
        let headline = SUMMARIES.iter().find_map(|name| annotations.get(*name)).map(shown);
        let headline = headline.filter(|text| !text.trim().is_empty());
        let alertname = self.labels.get("alertname").cloned();
        let more = annotations.iter().filter(|(name, _)| !SUMMARIES.contains(&name.as_str())).map(
            |(name, value)| {
                if name == "description" { shown(value) } else { format!("{name}: {}", shown(value)) }
            },
        );
        let urls = URLS.iter().filter_map(|(field, what)| {
            self.rest
                .get(*field)
                .and_then(Value::as_str)
                .filter(|url| !url.is_empty())
                .map(|url| format!("{what}: {url}"))
        });
        Signal {
            action: if resolved { Action::Resolve } else { Action::Trigger },
            key: Some(line(&key)),
            severity: severity(self.labels.get("severity").map_or("", String::as_str)),
            summary: line(&headline.or(alertname).unwrap_or_else(|| own.to_string())),
            description: paragraph(more.chain(urls)),
            labels: own,
            ends_at: ends_at.filter(|_| !resolved),
        }
    }
}

fn not_json(error: serde_json::Error) -> IntakeError {
    IntakeError::NotJson { why: error.to_string() }
}
