//! Messages that wait: for the time that a person's rules give them, or for others.

use watchtower_model::{ChannelId, Timestamp, UserId};
use watchtower_store::{OutboxRow, WAITS_FOR_OTHERS};

use super::targets;
use crate::Hub;
use crate::jobs::send::Letter;

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct WaitingMessage {
    pub at: Timestamp,
    channel: ChannelId,
    user: Option<UserId>,
}

impl WaitingMessage {
    /// In words: `ana by channel SMS`.
    pub fn addressee(self, hub: &Hub) -> String {
        targets::addressee(hub, self.channel, self.user)
    }
}

/// Those of an incident's pages that are not due and that nobody tried to send yet.
pub fn waiting_messages(rows: &[OutboxRow], now: Timestamp) -> Vec<WaitingMessage> {
    let waiting = |row: &OutboxRow| {
        let untried = row.attempts == 0 || row.last_error.as_deref() == Some(WAITS_FOR_OTHERS);
        let at =
            row.next_at.filter(|at| row.kind == "page" && row.state == "pending" && untried && *at > now)?;
        Some(WaitingMessage { at, channel: row.channel_id, user: user_of(row) })
    };
    rows.iter().filter_map(waiting).collect()
}

/// The person whose rules chose a message's channel.
pub fn user_of(row: &OutboxRow) -> Option<UserId> {
    serde_json::from_str::<Letter>(&row.body).ok()?.user
}
