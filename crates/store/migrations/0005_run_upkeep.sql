-- What is stored of an execution's output is counted in its row, instead of being added up for each chunk.
ALTER TABLE executions ADD COLUMN output_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN stdout_end BIGINT NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN stderr_end BIGINT NOT NULL DEFAULT 0;
UPDATE executions SET
    output_bytes = COALESCE((SELECT CAST(SUM(length(data)) AS BIGINT) FROM output WHERE execution_id = executions.id), 0),
    stdout_end = COALESCE((SELECT MAX(start_at + length(data)) FROM output WHERE execution_id = executions.id AND stream = 'stdout'), 0),
    stderr_end = COALESCE((SELECT MAX(start_at + length(data)) FROM output WHERE execution_id = executions.id AND stream = 'stderr'), 0);
-- By whose right a run was started, asked again whenever the turn of some of its servers comes.
ALTER TABLE runs ADD COLUMN authority TEXT NOT NULL DEFAULT '';
