//! Chunks and blocks of one UTC day.

use std::ops::RangeInclusive;

use rusqlite::{Transaction, params};

use super::MetricsError;
use super::file::Formats;
use super::period::PeriodFile;

pub(super) const FORMATS: Formats = &[
    "CREATE TABLE chunks (series INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL,
        data BLOB NOT NULL) STRICT;
     CREATE INDEX chunks_by_series ON chunks (series, min_t, max_t);",
    "CREATE TABLE blocks (grp INTEGER NOT NULL, min_t INTEGER NOT NULL, max_t INTEGER NOT NULL,
        data BLOB NOT NULL) STRICT;
     CREATE INDEX blocks_by_group ON blocks (grp, min_t, max_t);",
];

/// A chunk to store.
#[derive(Clone, Copy, Debug)]
pub struct ChunkRow<'a> {
    pub series: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: &'a [u8],
}

/// A block to store.
#[derive(Clone, Copy, Debug)]
pub struct BlockRow<'a> {
    pub group: u64,
    pub min_t: i64,
    pub max_t: i64,
    pub bytes: &'a [u8],
}

/// What to read.
#[derive(Clone, Copy, Debug)]
pub struct RowsOf<'a> {
    /// Whose chunks.
    pub series: &'a [u64],
    /// Whose blocks.
    pub groups: &'a [u64],
    /// Overlapping this, in milliseconds.
    pub from: i64,
    pub to: i64,
}

/// Something read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredRow<'a> {
    Chunk { series: u64, bytes: &'a [u8] },
    Block { group: u64, bytes: &'a [u8] },
}

/// All of a group with the ids of the rows, oldest first: chunks with their series, blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRows {
    /// The file they were read from: one that is begun anew for the same day has another number.
    pub source: u64,
    pub chunks: Vec<(i64, u64, Vec<u8>)>,
    pub blocks: Vec<(i64, Vec<u8>)>,
}

/// Rows to remove by id, and blocks to add.
#[derive(Clone, Debug, Default)]
pub struct SwapRows<'a> {
    pub source: u64,
    pub chunks: &'a [i64],
    pub blocks: &'a [i64],
    pub add: Vec<BlockRow<'a>>,
}

impl PeriodFile {
    pub(super) fn put(&self, chunks: &[ChunkRow<'_>]) -> Result<(), MetricsError> {
        self.write(|transaction| {
            let mut statement = transaction
                .prepare_cached("INSERT INTO chunks (series, min_t, max_t, data) VALUES (?1, ?2, ?3, ?4)")?;
            for c in chunks {
                statement.execute(params![c.series as i64, c.min_t, c.max_t, c.bytes])?;
            }
            Ok(())
        })
    }

    pub(super) fn read(
        &self,
        rows: &RowsOf<'_>,
        each: &mut dyn FnMut(StoredRow<'_>) -> bool,
    ) -> Result<(), MetricsError> {
        self.with_reader(|transaction| read_rows(transaction, rows, each))
    }

    /// By the indexes alone: no page of a chunk or a block is read.
    pub(super) fn series_within(
        &self,
        series: &[u64],
        groups: &[u64],
        (from, to): (i64, i64),
    ) -> Result<Vec<u64>, MetricsError> {
        self.with_reader(|transaction| {
            let any = |table: &str, key: &str| {
                format!(
                    "SELECT EXISTS (SELECT 1 FROM {table} WHERE {key} = ?1 AND min_t <= ?2 AND max_t >= ?3)"
                )
            };
            let mut blocks = transaction.prepare_cached(&any("blocks", "grp"))?;
            let mut chunks = transaction.prepare_cached(&any("chunks", "series"))?;
            let mut found = Vec::new();
            // Of the group before: neighbours ask once.
            let mut latest: Option<(u64, bool)> = None;
            for (series, group) in series.iter().zip(groups) {
                let merged = match latest {
                    Some((of, merged)) if of == *group => merged,
                    _ => blocks.query_row(params![*group as i64, to, from], |row| row.get(0))?,
                };
                latest = Some((*group, merged));
                if merged || chunks.query_row(params![*series as i64, to, from], |row| row.get(0))? {
                    found.push(*series);
                }
            }
            Ok(found)
        })
    }

    /// Series that have chunks, and how many.
    pub(super) fn chunk_counts(&self) -> Result<Vec<(u64, u32)>, MetricsError> {
        self.with_reader(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT series, count(*) FROM chunks GROUP BY series")?;
            statement.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?.collect()
        })
    }

    pub(super) fn read_group(
        &self,
        group: u64,
        series: RangeInclusive<u64>,
    ) -> Result<GroupRows, MetricsError> {
        self.with_reader(|transaction| {
            let mut chunks = transaction.prepare_cached(
                "SELECT rowid, series, data FROM chunks WHERE series BETWEEN ?1 AND ?2 ORDER BY rowid",
            )?;
            let mut blocks =
                transaction.prepare_cached("SELECT rowid, data FROM blocks WHERE grp = ?1 ORDER BY rowid")?;
            let chunks = chunks
                .query_map([*series.start() as i64, *series.end() as i64], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)? as u64, row.get(2)?))
                })?
                .collect::<Result<_, _>>()?;
            let blocks = blocks
                .query_map([group as i64], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok(GroupRows { source: self.number, chunks, blocks })
        })
    }

    pub(super) fn swap(&self, swaps: &[SwapRows<'_>]) -> Result<(), MetricsError> {
        if swaps.iter().any(|swap| swap.source != self.number) {
            return Err(MetricsError::Replaced { path: self.path.clone() });
        }
        self.write(|transaction| {
            let mut add = transaction
                .prepare_cached("INSERT INTO blocks (grp, min_t, max_t, data) VALUES (?1, ?2, ?3, ?4)")?;
            let mut remove_chunk = transaction.prepare_cached("DELETE FROM chunks WHERE rowid = ?1")?;
            let mut remove_block = transaction.prepare_cached("DELETE FROM blocks WHERE rowid = ?1")?;
            for swap in swaps {
                for b in &swap.add {
                    add.execute(params![b.group as i64, b.min_t, b.max_t, b.bytes])?;
                }
                for row in swap.chunks {
                    remove_chunk.execute([row])?;
                }
                for row in swap.blocks {
                    remove_block.execute([row])?;
                }
            }
            Ok(())
        })
    }

    /// The newest block of each group.
    pub(super) fn block_marks(&self) -> Result<Vec<(u64, i64)>, MetricsError> {
        self.with_reader(|transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT grp, max(rowid) FROM blocks GROUP BY grp")?;
            statement.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?.collect()
        })
    }
}

fn read_rows(
    transaction: &Transaction<'_>,
    rows: &RowsOf<'_>,
    each: &mut dyn FnMut(StoredRow<'_>) -> bool,
) -> rusqlite::Result<()> {
    let mut blocks = transaction.prepare_cached(
        "SELECT data FROM blocks WHERE grp = ?1 AND min_t <= ?2 AND max_t >= ?3 ORDER BY rowid",
    )?;
    for group in rows.groups {
        let mut found = blocks.query(params![*group as i64, rows.to, rows.from])?;
        while let Some(row) = found.next()? {
            if !each(StoredRow::Block { group: *group, bytes: row.get_ref(0)?.as_blob()? }) {
                return Ok(());
            }
        }
    }
    let mut chunks = transaction
        .prepare_cached("SELECT data FROM chunks WHERE series = ?1 AND min_t <= ?2 AND max_t >= ?3")?;
    for series in rows.series {
        let mut found = chunks.query(params![*series as i64, rows.to, rows.from])?;
        while let Some(row) = found.next()? {
            if !each(StoredRow::Chunk { series: *series, bytes: row.get_ref(0)?.as_blob()? }) {
                return Ok(());
            }
        }
    }
    Ok(())
}
