//! Waiting for something to become so. Invariant: no wait without a limit, and the limit's text says what was waited for.

use std::time::{Duration, Instant};

const STEP: Duration = Duration::from_millis(20);

/// Asks until there is an answer.
///
/// # Panics
/// After `timeout`, naming `what`.
pub fn until<T>(timeout: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < timeout, "waited {timeout:?} in vain for {what}");
        std::thread::sleep(STEP);
    }
}
