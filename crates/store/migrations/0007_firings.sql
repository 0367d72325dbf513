-- When each automation with a cron trigger is due next. Moved on in the commit that answers the due time.
CREATE TABLE timetable (
    automation_id TEXT PRIMARY KEY,
    due_at BIGINT NOT NULL
);
CREATE INDEX timetable_due ON timetable (due_at);
-- Each due time that was answered, and what became of it.
CREATE TABLE firings (
    id TEXT PRIMARY KEY,
    automation_id TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    run_id TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
-- However many hubs look at a due time, one of them answers it.
CREATE UNIQUE INDEX firings_once ON firings (automation_id, due_at);
CREATE INDEX firings_run ON firings (run_id);
CREATE INDEX firings_open ON firings (due_at) WHERE finished_at IS NULL;
