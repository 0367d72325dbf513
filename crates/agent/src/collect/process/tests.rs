//! The table over a fixture of `/proc`, and over the machine that runs the test.

use super::*;

fn write(root: &std::path::Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn process(root: &std::path::Path, pid: u32, name: &str, ticks: u64, start: u64, rss: u64, read: u64) {
    write(
        root,
        &format!("proc/{pid}/stat"),
        &format!("{pid} ({name}) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 5 0 0 20 0 3 0 {start} 1000 {rss} 0\n"),
    );
    write(root, &format!("proc/{pid}/io"), &format!("rchar: 9\nread_bytes: {read}\nwrite_bytes: 4096\n"));
    write(root, &format!("proc/{pid}/cmdline"), "app\0--password\0x\0");
}

#[test]
fn rates_come_from_two_tables_and_a_reused_pid_starts_at_zero() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    write(root, "proc/stat", "cpu 1\nbtime 1700000000\n");
    write(root, "etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    process(root, 10, "we (ird) x", 100, 500, 25, 0);
    process(root, 11, "old", 9000, 100, 5, 0);
    let mut source = Source::new(root);
    let mut processes = Processes::default();
    let at = |mono_ms| Moment { wall: Timestamp(0), mono_ms };
    let first = processes.table(&mut source, at(1000)).unwrap();
    assert!(first.items.iter().all(|p| p.cpu_percent == 0.0 && p.read_bytes_per_second == 0));
    process(root, 10, "we (ird) x", 300, 500, 25, 8192);
    process(root, 11, "new", 9500, 7000, 5, 4096);
    let second = processes.table(&mut source, at(3000)).unwrap();
    assert_eq!((second.total, second.threads), (2, 6));
    let busy = &second.items[0];
    assert_eq!((busy.pid, busy.name.as_str(), busy.cpu_percent), (10, "we (ird) x", 100.0));
    assert_eq!((busy.read_bytes_per_second, busy.write_bytes_per_second), (4096, 0));
    assert_eq!(busy.started_at, Timestamp(1_700_000_005_000));
    assert_eq!(busy.command, "app --password ***");
    assert_eq!(second.items[1].cpu_percent, 0.0);
    assert_eq!(second.items[1].read_bytes_per_second, 0);
}

#[test]
fn the_table_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    for pid in 100..100 + ROWS_MAX as u32 * 2 {
        process(dir.path(), pid, "x", 1, 1, u64::from(pid), 0);
    }
    let mut source = Source::new(dir.path());
    let table = Processes::default().table(&mut source, Moment::default()).unwrap();
    assert_eq!(table.total as usize, ROWS_MAX * 2);
    assert_eq!(table.items.len(), ROWS_MAX);
    // All idle: the largest are shown.
    assert!(table.items.iter().all(|p| p.pid >= 100 + ROWS_MAX as u32));
}

#[test]
fn this_test_is_found_on_the_real_machine() {
    let mut source = Source::new("/");
    let table = Processes::default().table(&mut source, crate::clock::now()).unwrap();
    assert!(table.total > 0 && !table.items.is_empty());
}
