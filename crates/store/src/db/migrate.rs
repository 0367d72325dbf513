//! The schema's versions: within a generation they only add, so that a hub of an older version runs on it.
//!
//! Invariant: what an older hub could not work beside begins a generation: a table or column that goes or means something else, and a
//! word in a column that older hubs read and do not know.

use ring::digest::{SHA256, digest};

use super::DbError;

/// The first version of generation N is N times this. Nothing of generation 0 was released with a word that its first hubs do not know.
const GENERATION: i64 = 1000;

/// In order; never edited once released: the checksum of an applied one must match.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "init", include_str!("../../migrations/0001_init.sql")),
    (2, "deployments", include_str!("../../migrations/0002_deployments.sql")),
    (3, "considerations", include_str!("../../migrations/0003_considerations.sql")),
    (4, "rollouts", include_str!("../../migrations/0004_rollouts.sql")),
    (5, "run_upkeep", include_str!("../../migrations/0005_run_upkeep.sql")),
    (6, "keys", include_str!("../../migrations/0006_keys.sql")),
    (7, "firings", include_str!("../../migrations/0007_firings.sql")),
    (8, "tries", include_str!("../../migrations/0008_tries.sql")),
    (9, "run_secrets", include_str!("../../migrations/0009_run_secrets.sql")),
    (10, "alert_ends", include_str!("../../migrations/0010_alert_ends.sql")),
    (11, "recurrences", include_str!("../../migrations/0011_recurrences.sql")),
    (12, "heartbeats", include_str!("../../migrations/0012_heartbeats.sql")),
    (13, "notify_rules", include_str!("../../migrations/0013_notify_rules.sql")),
    (14, "message_handles", include_str!("../../migrations/0014_message_handles.sql")),
    (15, "merges", include_str!("../../migrations/0015_merges.sql")),
    (17, "senders", include_str!("../../migrations/0017_senders.sql")),
];

pub(super) const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)";
pub(super) const APPLIED: &str = "SELECT version, sha256 FROM schema_migrations ORDER BY version";
pub(super) const RECORD: &str = "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)";

pub(super) struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub sha256: String,
    pub sql: String,
}

/// A database's newest version, as this program sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// This program made it, or could have.
    Known,
    /// A newer program has added to it: this one works on it all the same.
    Added(i64),
    /// A newer program has changed what this one relies on.
    TooNew(i64),
}

impl Schema {
    pub(crate) fn of(newest: i64) -> Schema {
        let known = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
        match newest {
            _ if newest / GENERATION > known / GENERATION => Schema::TooNew(newest),
            _ if newest > known => Schema::Added(newest),
            _ => Schema::Known,
        }
    }
}

/// What is still to be applied on a database of this kind (`sqlite` or `pg`), after checking what was.
pub(super) fn pending(kind: &str, applied: &[(i64, String)]) -> Result<Vec<Migration>, DbError> {
    let newest = applied.iter().map(|(version, _)| *version).max().unwrap_or(0);
    if let Schema::TooNew(newest) = Schema::of(newest) {
        return Err(DbError::Migration(format!(
            "the database has schema version {newest}, made by a newer Watchtower; start that version, or restore a backup"
        )));
    }
    let mut out = Vec::new();
    for (version, name, text) in MIGRATIONS {
        let sha256: String =
            digest(&SHA256, text.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        match applied.iter().find(|(v, _)| v == version) {
            Some((_, known)) if *known != sha256 => {
                return Err(DbError::Migration(format!(
                    "migration {version} ({name}) differs from the one that was applied"
                )));
            }
            Some(_) => {}
            None => out.push(Migration { version: *version, name, sha256, sql: for_kind(text, kind) }),
        }
    }
    Ok(out)
}

/// Keeps the lines that end in `-- <kind>` for that kind only.
fn for_kind(text: &str, kind: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let (body, only) =
            line.rsplit_once(" -- ").map_or((line, None), |(body, only)| (body, Some(only.trim())));
        if only.is_none_or(|only| only == kind) {
            out.push_str(body);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_and_altered_schemas_are_refused() {
        assert!(pending("pg", &[(1000, "x".into())]).is_err_and(|e| e.to_string().contains("newer")));
        assert!(pending("pg", &[(1, "x".into())]).is_err_and(|e| e.to_string().contains("differs")));
        let all = pending("sqlite", &[]).unwrap();
        assert!(all[0].sql.contains("AUTOINCREMENT") && !all[0].sql.contains("IDENTITY"));
    }

    #[test]
    fn what_a_newer_program_added_is_no_hindrance() {
        let (newest, _, _) = *MIGRATIONS.last().unwrap();
        assert_eq!(Schema::of(newest), Schema::Known);
        assert_eq!(Schema::of(newest + 1), Schema::Added(newest + 1));
        assert_eq!(Schema::of(GENERATION), Schema::TooNew(GENERATION));
        let all = pending("pg", &[]).unwrap();
        let applied: Vec<_> = all.into_iter().map(|one| (one.version, one.sha256)).collect();
        assert!(pending("pg", &[applied, vec![(newest + 1, "x".into())]].concat()).unwrap().is_empty());
    }

    /// An older hub names no column of which it does not know, and finds those it knows.
    #[test]
    fn within_a_generation_there_are_only_additions() {
        let begins = |version: i64| version % GENERATION == 0;
        for (version, name, text) in MIGRATIONS.iter().filter(|(version, ..)| !begins(*version)) {
            let statements = text.split(';').map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "));
            for statement in statements.map(|one| one.to_uppercase()) {
                let takes_away = [" DROP ", " RENAME ", " TYPE "].iter().any(|word| statement.contains(word));
                let demands = statement.contains("ADD COLUMN")
                    && statement.contains("NOT NULL")
                    && !statement.contains("DEFAULT");
                assert!(!takes_away && !demands, "{version} ({name}): {statement}");
            }
        }
    }
}
