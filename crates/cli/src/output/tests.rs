//! What the writers print, as golden text.

use serde_json::json;

use super::cell::{As, Column, Shape, column, wide};
use super::{Look, csv, table, yaml};

static COLUMNS: [Column; 4] = [
    column("STATUS", "status", As::State, 0),
    column("SERVER", "name", As::Text, 0),
    column("CPU", "vitals.cpu_percent", As::Percent, 1),
    column("LABELS", "labels", As::Text, 2),
];
static SHAPE: Shape = Shape { key: "name", columns: &COLUMNS };
static WIDE: [Column; 2] = [column("ID", "id", As::Text, 0), wide("SEEN", "seen_at", As::Time)];

fn look(width: Option<usize>) -> Look {
    Look { width, color: false, unicode: true, now_ms: 1_700_000_000_000 }
}

fn servers() -> Vec<serde_json::Value> {
    vec![
        json!({"status": "up", "name": "web-1", "vitals": {"cpu_percent": 12.4}, "labels": {"env": "prod", "role": "web"}}),
        json!({"status": "lost", "name": "a-very-long-name-of-a-server", "vitals": null, "labels": {}}),
    ]
}

#[track_caller]
fn check(width: Option<usize>, expected: &str) {
    let columns: Vec<_> = COLUMNS.iter().collect();
    assert_eq!(table::write(&columns, &servers(), true, look(width)), expected);
}

#[test]
fn a_wide_terminal_shows_all() {
    check(
        Some(100),
        "STATUS  SERVER                        CPU   LABELS\n\
         ● up    web-1                         12 %  env=prod,role=web\n\
         ■ lost  a-very-long-name-of-a-server  -     \n",
    );
}

#[test]
fn a_narrow_one_drops_the_least_first_and_cuts_in_the_middle() {
    check(
        Some(42),
        "STATUS  SERVER                        CPU\n\
         ● up    web-1                         12 %\n\
         ■ lost  a-very-long-name-of-a-server  -\n",
    );
    // A long text gives way before it pushes out a column that matters.
    let columns: Vec<_> = COLUMNS[..3].iter().collect();
    let long = [json!({"status": "up", "name": "n".repeat(60), "vitals": {"cpu_percent": 5}})];
    let text = table::write(&columns, &long, false, look(Some(50)));
    assert_eq!(text, format!("● up  {}…{}  5 %\n", "n".repeat(19), "n".repeat(19)));
    check(
        Some(24),
        "STATUS  SERVER\n\
         ● up    web-1\n\
         ■ lost  a-very-l…-server\n",
    );
}

#[test]
fn a_pipe_gets_tabs_and_exact_values() {
    check(
        None,
        "STATUS\tSERVER\tCPU\tLABELS\nup\tweb-1\t12.4\tenv=prod,role=web\nlost\ta-very-long-name-of-a-server\t\t\n",
    );
}

#[test]
fn colour_repeats_the_word_and_control_characters_are_disarmed() {
    let columns: Vec<_> = COLUMNS[..2].iter().collect();
    let item = json!({"status": "up", "name": "x\u{1b}[2J"});
    let text = table::write(&columns, &[item], false, Look { color: true, unicode: false, ..look(Some(80)) });
    assert_eq!(text, "\u{1b}[32m[OK] up\u{1b}[0m  x\u{fffd}[2J\n");
}

#[test]
fn csv_quotes_and_disarms_formulas() {
    let columns: Vec<_> = COLUMNS[1..3].iter().collect();
    let items = [
        json!({"name": "a,\"b\"\nc", "vitals": {"cpu_percent": -1}}),
        json!({"name": "=cmd()", "vitals": {}}),
    ];
    assert_eq!(
        csv::write(&columns, &items, true),
        "name,vitals.cpu_percent\r\n\"a,\"\"b\"\"\nc\",-1\r\n'=cmd(),\r\n"
    );
}

#[test]
fn wide_columns_are_only_wide() {
    let shape = Shape { key: "id", columns: &WIDE };
    assert_eq!(shape.narrow().len(), 1);
    let text = table::write(
        &shape.all(),
        &[json!({"id": 7, "seen_at": "2023-11-14T22:10:00.000Z"})],
        true,
        look(Some(80)),
    );
    assert_eq!(text, "ID  SEEN\n7   3m ago\n");
}

#[test]
fn yaml_quotes_whatever_could_be_read_otherwise() {
    let value = json!({
        "name": "web-1", "on": "no", "number": "12", "empty": {}, "list": [1, "a: b", {"k": [true, null], "z": "x"}], "text": "line\nline",
    });
    assert_eq!(
        yaml::write(&value),
        "empty: {}\n\
         list:\n  - 1\n  - \"a: b\"\n  - k:\n      - true\n      - null\n    z: x\n\
         name: web-1\n\
         number: \"12\"\n\
         \"on\": \"no\"\n\
         text: \"line\\nline\"\n"
    );
    assert_eq!(yaml::write(&json!([])), "[]\n");
    assert_eq!(yaml::write(&json!([[1, 2], []])), "- - 1\n  - 2\n- []\n");
}

#[test]
fn an_object_is_a_field_per_line() {
    let value = json!({"name": "db", "memory_bytes": 2048, "labels": {"a": "b"}, "facts": {"cpus": 2}, "body": "x\ny\n"});
    assert_eq!(
        table::fields(&SHAPE, &value, look(Some(80))),
        "name          db\nlabels        a=b\nbody          x\n              y\nfacts.cpus    2\nmemory_bytes  2.0 KiB\n"
    );
    assert_eq!(table::fields(&SHAPE, &json!({"a": [1, 2]}), look(None)), "a\t1,2\n");
    assert_eq!(table::fields(&SHAPE, &json!({"body": "x\ty\n\\"}), look(None)), "body\tx\\ty\\n\\\\\n");
}
