//! Rollups of one resolution over one period: a row for each group of series, and what its days were made of.

use rusqlite::params;

use super::MetricsError;
use super::file::Formats;
use super::period::PeriodFile;

pub(super) const FORMATS: Formats =
    &["CREATE TABLE rollups (grp INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
     CREATE TABLE marks (day INTEGER NOT NULL, grp INTEGER NOT NULL, mark INTEGER NOT NULL,
        PRIMARY KEY (day, grp)) STRICT, WITHOUT ROWID;"];

/// A row to store.
#[derive(Clone, Copy, Debug)]
pub struct RollupRow<'a> {
    pub group: u64,
    /// The newest block that it was made of.
    pub mark: i64,
    pub bytes: &'a [u8],
}

impl PeriodFile {
    pub(super) fn put_rollups(&self, day: i32, rollups: &[RollupRow<'_>]) -> Result<(), MetricsError> {
        self.write(|transaction| {
            let mut row =
                transaction.prepare_cached("INSERT OR REPLACE INTO rollups (grp, data) VALUES (?1, ?2)")?;
            let mut mark = transaction
                .prepare_cached("INSERT OR REPLACE INTO marks (day, grp, mark) VALUES (?1, ?2, ?3)")?;
            for rollup in rollups {
                row.execute(params![rollup.group as i64, rollup.bytes])?;
                mark.execute(params![day, rollup.group as i64, rollup.mark])?;
            }
            Ok(())
        })
    }

    pub(super) fn rollup_marks(&self, day: i32) -> Result<Vec<(u64, i64)>, MetricsError> {
        self.with_reader(|transaction| {
            let mut marks = transaction.prepare_cached("SELECT grp, mark FROM marks WHERE day = ?1")?;
            marks.query_map([day], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?.collect()
        })
    }

    pub(super) fn read_rollups(
        &self,
        groups: &[u64],
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), MetricsError> {
        self.with_reader(|transaction| {
            let mut rows = transaction.prepare_cached("SELECT data FROM rollups WHERE grp = ?1")?;
            for group in groups {
                let mut found = rows.query([*group as i64])?;
                while let Some(row) = found.next()? {
                    if !each(*group, row.get_ref(0)?.as_blob()?) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }
}
