//! Restarts and kills at every byte of the journal's writes.

use super::*;
use watchtower_model::Id;

fn id(n: u16) -> ExecutionId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Id::from_bytes(bytes).into()
}

fn update(n: u16, state: ExecutionState) -> ExecutionUpdate {
    ExecutionUpdate { execution_id: id(n), state, t: Timestamp(5) }
}

fn finished() -> ExecutionState {
    ExecutionState::Finished {
        exit_code: Some(i32::MIN),
        signal: Some(i32::MIN),
        timed_out: false,
        cancelled: false,
        stdout_bytes: u64::MAX,
        stderr_bytes: u64::MAX,
        duration_ms: u64::MAX,
    }
}

const NOW: Timestamp = Timestamp(1_700_000_000_000);

#[test]
fn what_had_begun_is_known_after_a_restart_and_ends_wait_for_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path).unwrap();
    journal.record(update(1, ExecutionState::Accepted), NOW, NOW).unwrap();
    journal.record(update(2, ExecutionState::Accepted), NOW, NOW).unwrap();
    journal.record(update(2, ExecutionState::Running { pid: 9 }), NOW, NOW).unwrap();
    journal.record(update(3, finished()), NOW, NOW).unwrap();
    journal.record(update(4, finished()), NOW, NOW).unwrap();
    journal.ack(id(4), NOW).unwrap();
    let reason = "\u{1}\"\\".repeat(500);
    journal.record(update(5, ExecutionState::Rejected { code: "policy".into(), reason }), NOW, NOW).unwrap();
    drop(journal);
    let mut journal = Journal::open(&path).unwrap();
    let ends = journal.unacked_ends();
    assert_eq!(ends.iter().map(|end| end.execution_id).collect::<Vec<_>>(), [id(3), id(5)]);
    assert_eq!(ends[0].state, finished());
    let mut begun: Vec<_> = journal.begun().into_iter().map(|update| update.execution_id).collect();
    begun.sort_unstable();
    assert_eq!(begun, [id(1), id(2)]);
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse)), "two would each run a command once");
    for end in ends {
        journal.ack(end.execution_id, NOW).unwrap();
    }
    drop(journal);
    let journal = Journal::open(&path).unwrap();
    assert!(journal.unacked_ends().is_empty());
    assert!(journal.knows(id(3)), "acknowledged, yet never to be run again");
}

#[test]
fn a_kill_at_any_byte_leaves_the_state_before_or_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let torn_path = dir.path().join("torn");
    let mut journal = Journal::open(&path).unwrap();
    let states = [ExecutionState::Accepted, ExecutionState::Running { pid: 3 }, finished()];
    let head = |path: &Path| {
        let mut bytes = vec![0; 4 * HALF_BYTES];
        File::open(path).unwrap().read_exact_at(&mut bytes, 0).unwrap();
        bytes
    };
    std::fs::copy(&path, &torn_path).unwrap();
    for (step, state) in states.iter().enumerate() {
        let before = head(&path);
        journal.record(update(1, state.clone()), NOW, NOW).unwrap();
        let after = head(&path);
        for cut in (0..before.len()).filter(|at| before[*at] != after[*at]).step_by(5) {
            let mut torn = after[..cut].to_vec();
            torn.extend_from_slice(&before[cut..]);
            OpenOptions::new().write(true).open(&torn_path).unwrap().write_all_at(&torn, 0).unwrap();
            let read =
                Journal { file: File::open(&torn_path).unwrap(), slots: HashMap::new(), unused: vec![] }
                    .read_slot(0)
                    .unwrap();
            let expected = step.checked_sub(1).map(|before| states[before].clone());
            assert_eq!(read.map(|(_, entry)| entry.update.state), expected, "cut at {cut} of step {step}");
        }
    }
}

#[test]
fn a_full_journal_refuses_until_something_may_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&dir.path().join("journal")).unwrap();
    journal.unused.truncate(2);
    journal.record(update(1, finished()), NOW, NOW).unwrap();
    journal.record(update(2, finished()), NOW, NOW).unwrap();
    journal.ack(id(1), NOW).unwrap();
    let third = update(3, ExecutionState::Accepted);
    assert!(matches!(journal.record(third.clone(), NOW, NOW), Err(JournalError::Full)));
    let later = NOW.plus_ms(KEEP_MS);
    journal.record(third, later, later).unwrap();
    assert!(journal.entry(id(1)).unwrap().is_none() && journal.entry(id(2)).unwrap().is_some());
    let fourth = update(4, ExecutionState::Accepted);
    assert!(matches!(journal.record(fourth.clone(), later, later), Err(JournalError::Full)));
    let much_later = later.plus_ms(UNACKED_KEEP_MS);
    journal.record(fourth, much_later, much_later).unwrap();
    assert!(journal.entry(id(3)).unwrap().is_some(), "what has no end is never forgotten");
}
