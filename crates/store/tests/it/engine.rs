//! The database itself: all or nothing, group commit, restart, schemas, and every SQL text on both engines.

use std::fs;
use std::path::Path;

use watchtower_store::{DbError, Schema, Statement, Store, args};

use crate::place::{NOW, Place, commit};

pub async fn a_failed_expectation_leaves_nothing(place: Place) {
    let store = place.open().await;
    let batch = vec![
        Store::set_meta_statement("before", "x"),
        Statement::expecting("UPDATE meta SET value = 'y' WHERE key = $1", args!["absent"], 1),
        Store::set_meta_statement("after", "x"),
    ];
    let failed = store.commit(batch).await;
    assert!(matches!(failed, Err(DbError::Stale)), "{failed:?}");
    let broken = vec![Store::set_meta_statement("before", "x"), Statement::new("NOT SQL", args![])];
    assert!(store.commit(broken).await.is_err());
    assert_eq!(store.meta("before").await.unwrap(), None);
    assert_eq!(store.meta("after").await.unwrap(), None);
    assert!(store.commit(Vec::new()).await.unwrap().is_empty());
}

pub async fn two_hundred_batches_at_once_each_count(place: Place) {
    let store = place.open().await;
    let batches: Vec<_> = (0..200)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = i.to_string();
                // Every tenth expects what is not so: its failure is its own.
                let expect = u64::from(i % 10 == 0);
                let mut batch = vec![Store::set_meta_statement(&key, "x")];
                batch.push(Statement::expecting(
                    "UPDATE meta SET value = 'y' WHERE key = $1",
                    args!["absent"],
                    expect,
                ));
                store.commit(batch).await
            })
        })
        .collect();
    for (i, one) in batches.into_iter().enumerate() {
        match one.await.unwrap() {
            Ok(touched) => assert_eq!((touched, i % 10 == 0), (vec![1, 0], false)),
            Err(error) => assert!(matches!(error, DbError::Stale) && i % 10 == 0, "{i}: {error}"),
        }
    }
    for i in 0..200 {
        assert_eq!(store.meta(&i.to_string()).await.unwrap().is_some(), i % 10 != 0, "{i}");
    }
}

pub async fn everything_is_there_after_a_restart(place: Place) {
    let store = place.open().await;
    for i in 0..20 {
        store.append_audit(NOW, "ada", "x", &i.to_string(), "").await.unwrap();
    }
    let number = store.next_number("run").await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.audit(i64::MAX, None, None, 100).await.unwrap().len(), 20);
    assert_eq!(store.verify_audit().await.unwrap(), None);
    assert_eq!(store.next_number("run").await.unwrap(), number + 1);
    let offset = store.measure_clock().await.unwrap();
    assert!(offset.abs() < 5_000, "both clocks are this machine's: {offset} ms");
}

pub async fn a_newer_schema_is_worked_on_until_it_changes_what_older_hubs_rely_on(place: Place) {
    let store = place.open().await;
    assert_eq!(store.schema().await.unwrap(), Schema::Known);
    let newer = |version: i64| {
        Statement::new(
            "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, 'later', 'x')",
            args![version],
        )
    };
    commit(&store, newer(999)).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(store.schema().await.unwrap(), Schema::Added(999));
    commit(&store, newer(1000)).await;
    assert_eq!(store.schema().await.unwrap(), Schema::TooNew(1000));
    drop(store);
    let Err(error) = place.try_open().await else { panic!("a newer schema was opened") };
    assert!(
        matches!(&error, DbError::Migration(text) if text.contains("1000") && text.contains("newer")),
        "{error}"
    );
}

/// Each text in the source is prepared: a misspelt column fails here, not in the night it is first needed.
pub async fn every_statement_is_understood(place: Place) {
    drop(place.open().await);
    let texts = sql_texts();
    assert!(texts.len() > 80, "found only {} texts", texts.len());
    match &place {
        Place::Sqlite(dir) => {
            let connection = rusqlite::Connection::open(dir.path().join("watchtower.db")).unwrap();
            for text in texts.iter().filter(|text| !only_postgres(text)) {
                connection.prepare(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            }
        }
        Place::Postgres { url, .. } => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            for text in &texts {
                client.prepare(text).await.unwrap_or_else(|e| panic!("{text}: {:?}", e.as_db_error()));
            }
        }
    }
}

fn only_postgres(text: &str) -> bool {
    ["pg_advisory", "clock_timestamp", "SKIP LOCKED"].iter().any(|word| text.contains(word))
}

/// The SQL literals of the relational part, as the compiler reads them.
fn sql_texts() -> Vec<String> {
    let mut out = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in [source.clone(), source.join("db")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "rs") {
                out.extend(
                    literals(&fs::read_to_string(path).unwrap()).into_iter().filter(|text| is_sql(text)),
                );
            }
        }
    }
    out
}

fn is_sql(text: &str) -> bool {
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "].iter().any(|verb| text.starts_with(verb))
}

/// String literals, with their escapes and continued lines resolved.
fn literals(source: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => while chars.next().is_some_and(|c| c != '\n') {},
            // Characters such as '"'.
            '\'' => {
                if chars.peek() == Some(&'\\') {
                    chars.next();
                    chars.next();
                } else if chars.peek() == Some(&'"') {
                    chars.next();
                }
            }
            '"' => out.push(literal(&mut chars)),
            _ => {}
        }
    }
    out
}

fn literal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}
