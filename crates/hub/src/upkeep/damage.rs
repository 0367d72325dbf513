//! Tells of metrics on disk that could not be read: as an event, at most one an hour.

use std::sync::Mutex;

use watchtower_model::Severity;

use crate::Hub;
use crate::error::HubError;
use crate::ingest::{Raise, raise};

/// A damaged block is met again by every query over its time.
const AGAIN_AFTER_MS: i64 = 3_600_000;

/// What was told already.
#[derive(Debug, Default)]
pub struct Told(Mutex<Seen>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    blocks: u64,
    days: usize,
    at: Option<i64>,
}

pub(super) async fn run(hub: Hub) -> Result<(), HubError> {
    let aside = hub.metric_files.set_aside();
    let now = hub.now();
    let seen = Seen { blocks: hub.tsdb.stats().damaged_chunks, days: aside.len(), at: Some(now.0) };
    let told = *hub.damage.0.lock().expect("no code panics while it holds this");
    let recent = told.at.is_some_and(|at| now.0 - at < AGAIN_AFTER_MS);
    if seen.days == told.days && (seen.blocks == told.blocks || recent) {
        return Ok(());
    }
    let text = match aside.get(told.days..).unwrap_or_default() {
        [] => format!(
            "stored metrics could not be read {} times: they are skipped; check the disk",
            seen.blocks - told.blocks
        ),
        days => {
            let names: Vec<String> = days.iter().map(|day| day.path.display().to_string()).collect();
            format!(
                "a file of metrics could not be read and was set aside: {}; check the disk",
                names.join(", ")
            )
        }
    };
    tracing::error!("{text}");
    raise(&hub, Raise::hub("hub.metrics_damaged", None, Severity::Error, text)).await?;
    *hub.damage.0.lock().expect("no code panics while it holds this") = seen;
    Ok(())
}
