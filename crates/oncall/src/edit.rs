//! What becomes of a rotation when its people change: whoever is on call stays so.

use watchtower_model::Timestamp;

use crate::{Definition, LayerSpec};

/// The `first` of a layer that takes the place of the one of its name: a rotation that keeps its times goes on where it is, with who has
/// the turn now, or the next of them who is still there. One with other times, or another zone, begins anew.
pub fn first_after_edit(old: &Definition, new: &LayerSpec, new_zone: &str, now: Timestamp) -> u32 {
    let Some(before) = old.layers.iter().find(|layer| layer.name == new.name) else { return new.first };
    let Ok(after) = crate::Layer::new(new) else { return new.first };
    if before.rotation != after.rotation || old.zone_name() != new_zone {
        return new.first;
    }
    if before.participants == after.participants {
        return before.first;
    }
    // Before the first turn nobody has one to keep.
    let Some(turn) = before.rotation.turn_at(&old.zone, now) else { return new.first };
    let stays = (0..before.participants.len() as i64).find_map(|ahead| {
        let person = before.participant(turn + ahead);
        after.participants.iter().position(|other| *other == person)
    });
    let place = stays.unwrap_or(0) as i64;
    (place - turn).rem_euclid(after.participants.len() as i64) as u32
}
