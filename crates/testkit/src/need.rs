//! What a test needs from the machine. Invariant: with `CI=true` a lack is a failure, on a laptop a skip with its reason.

/// Whether this is a runner, where nothing may be skipped.
pub fn on_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Says that the test is skipped and why.
///
/// # Panics
/// With `CI=true`.
pub fn lacks(what: &str) {
    assert!(!on_ci(), "this test needs {what}");
    eprintln!("skipped: this test needs {what}");
}
