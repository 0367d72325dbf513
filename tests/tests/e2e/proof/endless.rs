//! Output without an end: the hub stays small, beginning and end are kept byte for byte, and the gap between them shows.

use std::time::Duration;

use serde_json::Value;
use watchtower_model::limits::OUTPUT_BYTES_MAX;
use watchtower_testkit::wait;
use watchtower_tests::managed::Managed;

const SOON: Duration = Duration::from_secs(30);
/// What a stream keeps of its beginning, and as much of its end.
const KEPT: u64 = OUTPUT_BYTES_MAX as u64 / 4;
const YES_SECONDS: u32 = 5;
const YES_SECONDS_SOAK: u32 = 60;
/// How much a hub may grow while scripts flood it.
const GROWTH_MAX: u64 = 48 << 20;
/// Lines of `seq -w`, nine bytes each: 100 MB.
const LINES: u64 = 11_111_112;
const LINE_BYTES: u64 = 9;

#[test]
fn endless_output_is_bounded_and_its_ends_are_exact() {
    let Some(managed) = Managed::start("full") else { return };
    // What the first run of all takes is taken by any.
    let run = managed.exec("true", 20);
    managed.ended(run);
    let before = managed.hub.resident_bytes();

    let run = managed.exec(&format!("seq -w 1 {LINES}"), 120);
    let (execution, much) = flooded(&managed, run);
    assert_eq!(
        (&execution["state"], &execution["stdout_bytes"]),
        (&"succeeded".into(), &(LINES * LINE_BYTES).into())
    );
    kept(&managed, run, LINES * LINE_BYTES, |at| {
        format!("{:08}\n", at / LINE_BYTES + 1).as_bytes()[(at % LINE_BYTES) as usize]
    });

    let seconds = if std::env::var_os("SOAK").is_some() { YES_SECONDS_SOAK } else { YES_SECONDS };
    let run = managed.exec("yes", seconds);
    let (execution, endless) = flooded(&managed, run);
    assert_eq!(execution["state"], "timed_out", "{execution}");
    let total = execution["stdout_bytes"].as_u64().expect("bytes are counted");
    assert!(total > 100 * KEPT, "`yes` wrote {total} bytes only");
    kept(&managed, run, total, |at| if at.is_multiple_of(2) { b'y' } else { b'\n' });

    let growth = much.max(endless).saturating_sub(before);
    eprintln!("100 MB, then `yes` for {seconds} s: {total} bytes; the hub grew by {growth} from {before}");
    assert!(growth < GROWTH_MAX, "the hub grew by {growth} bytes");
    hostile(&managed);
}

/// Waits for the end: the execution, and the most memory that the hub had meanwhile.
fn flooded(managed: &Managed, run: i64) -> (Value, u64) {
    let mut most = 0;
    let execution = wait::until(Duration::from_secs(180), "the flood to end", || {
        most = most.max(managed.hub.resident_bytes());
        let execution = managed.execution(run);
        (!execution["finished_at"].is_null()).then_some(execution)
    });
    (execution, most)
}

/// Beginning and end are there with every byte, and one gap between them.
fn kept(managed: &Managed, run: i64, total: u64, byte: impl Fn(u64) -> u8) {
    let parts = wait::until(SOON, "the end of the output", || {
        let parts = managed.parts(run);
        let end = parts.last().map_or(0, |(_, offset, text)| offset + text.len() as u64);
        (end == total).then_some(parts)
    });
    let (mut at, mut gaps) = (0, Vec::new());
    for (stream, offset, text) in &parts {
        assert_eq!(stream, "stdout");
        if *offset != at {
            gaps.push((at, *offset));
        }
        let wrong = (*offset..).zip(text.bytes()).find(|(at, found)| byte(*at) != *found);
        assert_eq!(wrong, None, "a byte of the output is not what was written");
        at = offset + text.len() as u64;
    }
    assert_eq!(gaps, [(KEPT, total - KEPT)], "not the first and last {KEPT} bytes");
}

/// Bytes that broke others: zeros, no UTF-8, and what a terminal would obey.
fn hostile(managed: &Managed) {
    let run = managed.exec(r"printf 'a\000b\377c\033]0;title\007\033[2Jd\n'", 20);
    assert_eq!(managed.ended(run)["state"], "succeeded");
    let expected = "a\0b\u{fffd}c\u{1b}]0;title\u{7}\u{1b}[2Jd\n";
    wait::until(SOON, "the bytes as they were", || (managed.output(run) == expected).then_some(()));
}
