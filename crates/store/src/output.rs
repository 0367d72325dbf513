//! What executions have printed, as it came. A chunk is stored once; the execution's row counts what is stored.

use serde::Deserialize;
use watchtower_model::{ExecutionId, RunId};

use crate::{DbError, Statement, Store, args, rows};

#[derive(Debug, Clone, Deserialize)]
pub struct OutputRow {
    pub sequence: i64,
    pub stream: String,
    pub start_at: i64,
    pub data: Vec<u8>,
}

/// A part of the end of an execution's output.
#[derive(Debug, Clone, Deserialize)]
pub struct OutputEnd {
    pub execution_id: ExecutionId,
    pub stream: String,
    pub data: Vec<u8>,
}

impl Store {
    /// Stores a chunk and counts it in the execution's row. Stale when the stream does not end at `known` any more: then the same
    /// chunk was stored meanwhile.
    pub fn insert_output(
        execution: ExecutionId,
        stdout: bool,
        known: i64,
        offset: i64,
        data: &[u8],
    ) -> [Statement; 2] {
        let (stream, count) = if stdout {
            let sql = "UPDATE executions SET output_bytes = output_bytes + $2, stdout_end = $3 WHERE id = $1 AND stdout_end = $4";
            ("stdout", sql)
        } else {
            let sql = "UPDATE executions SET output_bytes = output_bytes + $2, stderr_end = $3 WHERE id = $1 AND stderr_end = $4";
            ("stderr", sql)
        };
        let (length, end) = (data.len() as i64, offset.saturating_add(data.len() as i64));
        [
            Statement::expecting(count, args![execution, length, end, known], 1),
            Statement::new(
                "INSERT INTO output (execution_id, stream, start_at, data) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (execution_id, stream, start_at) DO NOTHING",
                args![execution, stream, offset, data],
            ),
        ]
    }

    pub async fn output_after(
        &self,
        execution: ExecutionId,
        sequence: i64,
        limit: i64,
    ) -> Result<Vec<OutputRow>, DbError> {
        let sql = "SELECT sequence, stream, start_at, data FROM output WHERE execution_id = $1 AND sequence > $2 \
                   ORDER BY sequence LIMIT $3";
        rows(self.db.query(sql, args![execution, sequence, limit]).await?)
    }

    /// Of each execution of a run, the latest tries, the newest parts, in order of arrival: as many as hold more than `bytes` together, or all.
    pub async fn output_ends(&self, run: RunId, bytes: usize) -> Result<Vec<OutputEnd>, DbError> {
        let sql = "SELECT execution_id, stream, data FROM (SELECT execution_id, sequence, stream, data, \
                   SUM(length(data)) OVER (PARTITION BY execution_id ORDER BY sequence DESC) - length(data) AS behind \
                   FROM output WHERE execution_id IN (SELECT id FROM executions WHERE run_id = $1 AND replaced_by IS NULL)) AS parts \
                   WHERE behind <= $2 ORDER BY execution_id, sequence";
        rows(self.db.query(sql, args![run, bytes as i64]).await?)
    }
}
