//! How long people took: the numbers behind MTTA and MTTR.

use crate::Incident;

/// Milliseconds from the trigger to the first acknowledgement; an incident resolved by hand without one
/// counts its resolve. `None` while nobody has answered, or if its source resolved it first.
pub fn time_to_ack_ms(incident: &Incident) -> Option<i64> {
    let by_hand =
        (incident.resolved_reason == Some(crate::Resolution::Manual)).then_some(incident.resolved_at);
    let at = incident.first_acked_at.or(by_hand.flatten())?;
    Some(at.since(incident.triggered_at).max(0))
}

/// Milliseconds from the trigger to the end. `None` while it is open.
pub fn time_to_resolve_ms(incident: &Incident) -> Option<i64> {
    Some(incident.resolved_at?.since(incident.triggered_at).max(0))
}
