-- Runs that go over their servers a few at a time, or wait for somebody else's approval.
ALTER TABLE runs ADD COLUMN rollout TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN approve_by BIGINT;
ALTER TABLE runs ADD COLUMN approved_by TEXT;
-- The person behind started_by, who must not approve it.
ALTER TABLE runs ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN turn_group TEXT;
CREATE INDEX executions_queued ON executions (run_id) WHERE state = 'queued';
