//! When a temporary failure is tried again.

use std::time::Duration;

/// Waits after the first failures; from then on every [`LATER_MS`].
const FIRST_MS: [i64; 5] = [1_000, 2_000, 5_000, 10_000, 30_000];
const LATER_MS: i64 = 60_000;
/// No try begins later than this after the first one.
pub const RETRY_END_MS: i64 = 30 * 60_000;

/// Milliseconds to wait after the `failures`-th failure (from 1), or `None` to give up. `since_first_ms` is the
/// time since the first try began. A peer's `Retry-After` may lengthen the wait, never shorten it.
pub fn next_retry_ms(failures: u32, since_first_ms: i64, retry_after: Option<Duration>) -> Option<i64> {
    let index = failures.saturating_sub(1) as usize;
    let scheduled = FIRST_MS.get(index).copied().unwrap_or(LATER_MS);
    let asked = retry_after.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
    let wait = scheduled.max(asked);
    (since_first_ms.saturating_add(wait) <= RETRY_END_MS).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_ends_after_half_an_hour() {
        let (mut at, mut waits) = (0, Vec::new());
        while let Some(wait) = next_retry_ms(waits.len() as u32 + 1, at, None) {
            at += wait;
            waits.push(wait / 1000);
        }
        assert_eq!(waits[..7], [1, 2, 5, 10, 30, 60, 60]);
        assert!((29 * 60_000..=RETRY_END_MS).contains(&at), "{at}");
    }

    #[test]
    fn a_peer_may_ask_for_more_time_but_not_for_less() {
        assert_eq!(next_retry_ms(1, 0, Some(Duration::from_secs(90))), Some(90_000));
        assert_eq!(next_retry_ms(6, 0, Some(Duration::from_secs(1))), Some(60_000));
        assert_eq!(next_retry_ms(1, 0, Some(Duration::from_secs(1_801))), None);
    }
}
