//! A host that is cut off in the middle of a run: afterwards its output is there byte for byte, and the script ran once.

use std::fs;
use std::time::Duration;

use watchtower_testkit::hosts::Cut;
use watchtower_testkit::wait;
use watchtower_tests::managed::Managed;
use watchtower_tests::paging::text;

const SOON: Duration = Duration::from_secs(30);
/// The connection's own silence limit and the longest backoff of the agent lie behind a long cut.
const BACK: Duration = Duration::from_secs(120);
/// Written by each script: more than may be under way at once, less than is kept of a stream.
const BYTES: usize = 400_000;
const LINES_PER_SECOND: usize = 20;

#[test]
fn output_is_whole_after_a_partition() {
    let Some(managed) = Managed::start("full") else { return };
    managed.host.must("mkdir /run/starts");
    cut_off(&managed, Cut::Silent, 8, 12);
    if std::env::var_os("SOAK").is_some() {
        cut_off(&managed, Cut::Unplugged, 30, 34);
        // It ends while nobody can hear of it.
        cut_off(&managed, Cut::Silent, 75, 40);
    }
}

/// Cuts the host off for so many seconds while a script writes for so many.
fn cut_off(managed: &Managed, how: Cut, cut_seconds: u64, script_seconds: usize) {
    let lines = script_seconds * LINES_PER_SECOND;
    let width = BYTES / lines - 1;
    let run = managed.exec(
        &format!(
            "echo x >> /run/starts/$WATCHTOWER_EXECUTION_ID; i=0; \
             while [ $i -lt {lines} ]; do printf '%0{width}d\\n' $i; i=$((i+1)); sleep 0.05; done"
        ),
        600,
    );
    wait::until(SOON, "the first output", || (!managed.output(run).is_empty()).then_some(()));
    managed.host.cut(how);
    // What was on its way arrives.
    std::thread::sleep(Duration::from_secs(1));
    let known = managed.output(run);
    std::thread::sleep(Duration::from_secs(cut_seconds - 1));
    assert_eq!(managed.output(run), known, "the host was not cut off");
    assert!(managed.execution(run)["finished_at"].is_null(), "an end was told that nobody could know");
    managed.host.mend();

    let execution = managed.ended(run);
    assert_eq!(execution["state"], "succeeded", "{execution}");
    let expected: String = (0..lines).map(|line| format!("{line:0width$}\n")).collect();
    assert!(known.len() < expected.len() / 2, "the cut came too late to be in the middle");
    wait::until(BACK, "all of the output", || (managed.output(run).len() >= expected.len()).then_some(()));
    assert!(managed.output(run) == expected, "the output is not what was written");
    let starts = managed.host.inside(&format!("/run/starts/{}", text(&execution["id"])));
    assert_eq!(fs::read_to_string(starts).unwrap(), "x\n");
    eprintln!("{how:?} for {cut_seconds} s: {} of {} bytes before the cut", known.len(), expected.len());
}
