//! A page that cannot be delivered: the same person's next message goes out at once, and a step of which none can be delivered
//! gives way to the next.

use watchtower_model::Timestamp;
use watchtower_store::{NewTimelineEntry, OutboxRow, Statement, Store};

use crate::Hub;
use crate::respond::{PageStep, targets, user_of};

/// A channel that failed so often may come back; the person is told by the next one meanwhile.
const TRIES: i64 = 3;

/// What is stored with a failed try: the person's next message goes out now. `rows`: all messages of the incident. `given_up`: the
/// failed one is not tried again.
pub fn next_message(
    hub: &Hub,
    rows: &[OutboxRow],
    failed: &OutboxRow,
    given_up: bool,
    now: Timestamp,
) -> Vec<Statement> {
    let next = next_of_person(rows, failed).filter(|_| given_up || failed.attempts >= TRIES);
    next.map(|next| hurry(hub, next, now).into()).unwrap_or_default()
}

/// The step of a page that was given up, where no message of that step arrived and none is under way. `rows`: all messages of the
/// incident, read after the failure was stored: of two that fail at the same time, the later sees both.
pub fn unreached(rows: &[OutboxRow], failed: &OutboxRow) -> Option<PageStep> {
    let step = PageStep::of_key(&failed.idem_key)?;
    let mut of_step = rows.iter().filter(|row| PageStep::of_key(&row.idem_key) == Some(step));
    of_step.all(|row| row.state == "failed").then_some(step)
}

/// The earliest of the same person that still waits for its time.
fn next_of_person<'a>(rows: &'a [OutboxRow], failed: &OutboxRow) -> Option<&'a OutboxRow> {
    let (user, step) = (user_of(failed)?, PageStep::of_key(&failed.idem_key)?);
    let waiting = rows.iter().filter(|row| {
        row.state == "pending"
            && row.attempts == 0
            && PageStep::of_key(&row.idem_key) == Some(step)
            && row.channel_id != failed.channel_id
            && user_of(row) == Some(user)
    });
    waiting.min_by_key(|row| (row.next_at, row.id))
}

fn hurry(hub: &Hub, next: &OutboxRow, now: Timestamp) -> [Statement; 2] {
    let text = format!("paging {} now, not later", targets::addressee(hub, next.channel_id, user_of(next)));
    let entry = NewTimelineEntry {
        incident_id: next.incident_id,
        at: now,
        kind: "paged".into(),
        actor: "watchtower".into(),
        text,
        detail: None,
        run_id: None,
        idem: format!("{}/hurried/{}", next.incident_id, next.id),
    };
    [Store::hurry_outbox(next.id, now), Store::insert_timeline(&entry)]
}

#[cfg(test)]
mod tests {
    use watchtower_model::{ChannelId, Id, IncidentId, UserId};

    use super::*;
    use crate::jobs::send::Letter;

    const ANA: UserId = UserId(Id::from_bytes([7; 16]));
    const BEN: UserId = UserId(Id::from_bytes([8; 16]));

    /// A page of step 1 to one of two people by a channel of this number, which waits so many minutes.
    fn row(user: UserId, channel: u8, minutes: i64, state: &str) -> OutboxRow {
        let (incident_id, channel_id) = (IncidentId(Id::NIL), ChannelId(Id::from_bytes([channel; 16])));
        let letter = Letter { user: Some(user), ..Letter::default() };
        OutboxRow {
            id: Id::from_bytes([channel; 16]),
            idem_key: format!("{incident_id}/0/0/1/user:{user}/{channel_id}/{minutes}"),
            incident_id,
            generation: 0,
            kind: "page".into(),
            channel_id,
            body: serde_json::to_string(&letter).expect("a letter is JSON"),
            state: state.into(),
            attempts: i64::from(state != "pending"),
            created_at: Timestamp(0),
            next_at: (state == "pending").then_some(Timestamp(minutes * 60_000)),
            lease_until: None,
            delivered_at: None,
            handle: None,
            last_error: None,
        }
    }

    #[test]
    fn the_next_message_is_the_persons_own_soonest_by_another_channel() {
        let failed = row(ANA, 1, 0, "sending");
        let again = row(ANA, 1, 1, "pending");
        let rows = [
            failed.clone(),
            again,
            row(BEN, 2, 2, "pending"),
            row(ANA, 3, 9, "pending"),
            row(ANA, 4, 5, "pending"),
            row(ANA, 5, 3, "cancelled"),
        ];
        assert_eq!(next_of_person(&rows, &failed).map(|row| row.id), Some(Id::from_bytes([4; 16])));
        assert!(next_of_person(&rows[..3], &failed).is_none());
    }

    #[test]
    fn a_step_is_unreached_when_nothing_of_it_arrived_or_is_under_way() {
        let failed = row(ANA, 1, 0, "failed");
        let with = |state: &str| unreached(&[failed.clone(), row(BEN, 2, 0, state)], &failed).is_some();
        assert!(with("failed"));
        for state in ["pending", "sending", "delivered", "cancelled"] {
            assert!(!with(state), "{state}");
        }
    }
}
