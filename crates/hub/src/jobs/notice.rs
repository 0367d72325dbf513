//! The end of an incident is told to those who heard of it, and to those who should have: with what kept it from them.
//!
//! Invariant: nobody hears of an end whose beginning nobody tried to tell them.

use watchtower_model::ChannelId;
use watchtower_store::{NOT_SENT, OutboxRow, WAITS_FOR_OTHERS};

use crate::Hub;
use crate::error::HubError;

/// What became of an incident's pages at one channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// One arrived, or may have.
    Page,
    /// None did; why.
    Nothing(String),
    /// None was sent.
    Never,
}

/// Whether it tells of an end that is not the last one any more: the incident was opened again.
pub async fn outdated(hub: &Hub, row: &OutboxRow) -> Result<bool, HubError> {
    if row.kind != "resolve" {
        return Ok(false);
    }
    let incident = hub.store.incident(row.incident_id).await?;
    // What was merged is told of by the generations of what it goes on in.
    let own = incident.filter(|incident| incident.merged_into.is_none());
    Ok(own.is_some_and(|incident| incident.generation != row.generation))
}

/// `rows`: all messages about the incident, in the order in which they were written.
pub fn heard(rows: &[OutboxRow], channel: ChannelId) -> Heard {
    let own = |row: &&OutboxRow| row.channel_id == channel;
    // After an end that was told it may have been opened again: what counts is what came after.
    let told = rows.iter().rposition(|row| own(&row) && row.kind == "resolve" && row.state == "delivered");
    let since = told.map_or(0, |at| at + 1);
    let pages = || rows[since..].iter().filter(own).filter(|row| row.kind == "page");
    let unsent = |row: &OutboxRow| matches!(row.last_error.as_deref(), Some(WAITS_FOR_OTHERS | NOT_SENT));
    let tried = || pages().filter(|row| row.attempts > 0 && !unsent(row));
    // Without an error it is under way, or its sender died and nobody knows.
    if tried().any(|row| row.state == "delivered" || row.last_error.is_none()) {
        return Heard::Page;
    }
    let error = tried().filter_map(|row| row.last_error.clone()).next_back();
    error.map_or(Heard::Never, Heard::Nothing)
}

/// How the provider knows the pages that arrived at a channel, the oldest first.
pub fn handles(rows: Vec<OutboxRow>, channel: ChannelId) -> Vec<String> {
    let pages = rows.into_iter().filter(|row| row.channel_id == channel && row.kind == "page");
    pages.filter_map(|row| row.handle).collect()
}

#[cfg(test)]
mod tests {
    use watchtower_model::{Id, IncidentId, Timestamp};

    use super::*;

    fn row(channel: u8, kind: &str, state: &str, attempts: i64, error: Option<&str>) -> OutboxRow {
        OutboxRow {
            id: Id::NIL,
            idem_key: String::new(),
            incident_id: IncidentId(Id::NIL),
            generation: 0,
            kind: kind.into(),
            channel_id: ChannelId(Id::from_bytes([channel; 16])),
            body: String::new(),
            state: state.into(),
            attempts,
            created_at: Timestamp(0),
            next_at: None,
            lease_until: None,
            delivered_at: None,
            last_error: error.map(Into::into),
            handle: None,
        }
    }

    #[test]
    fn an_end_goes_where_its_beginning_went() {
        let channel = ChannelId(Id::from_bytes([1; 16]));
        let of = |rows: &[OutboxRow]| heard(rows, channel);
        assert_eq!(of(&[]), Heard::Never);
        assert_eq!(of(&[row(1, "page", "cancelled", 0, None)]), Heard::Never);
        let waits = row(1, "page", "cancelled", 1, Some(WAITS_FOR_OTHERS));
        assert_eq!(of(&[waits]), Heard::Never, "it was still to be told");
        let not_sent = row(1, "page", "cancelled", 1, Some(NOT_SENT));
        assert_eq!(of(&[not_sent]), Heard::Never, "it was cancelled in its sender's hands");
        assert_eq!(of(&[row(2, "page", "delivered", 1, None)]), Heard::Never, "that is another channel");
        assert_eq!(of(&[row(1, "resolve", "sending", 1, None)]), Heard::Never, "that is the notice itself");
        assert_eq!(of(&[row(1, "page", "delivered", 1, None)]), Heard::Page);
        assert_eq!(of(&[row(1, "page", "cancelled", 1, None)]), Heard::Page, "it may have arrived");
        let failed = row(1, "page", "cancelled", 2, Some("503"));
        assert_eq!(of(std::slice::from_ref(&failed)), Heard::Nothing("503".into()));
        assert_eq!(of(&[failed, row(1, "page", "delivered", 1, None)]), Heard::Page);
        // Opened again: who was told of the end hears of the next one only after another page.
        let page = row(1, "page", "delivered", 1, None);
        let end = |state: &str| row(1, "resolve", state, 1, None);
        assert_eq!(of(&[page.clone(), end("delivered")]), Heard::Never);
        assert_eq!(of(&[page.clone(), end("delivered"), page.clone()]), Heard::Page);
        assert_eq!(of(&[page.clone(), end("cancelled")]), Heard::Page, "it never heard of that end");
        assert_eq!(of(&[page, row(2, "resolve", "delivered", 1, None)]), Heard::Page, "another channel did");
    }
}
