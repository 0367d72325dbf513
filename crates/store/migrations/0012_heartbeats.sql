-- What is known of each heartbeat, and when somebody is told that it did not come. `revision` guards every change.
CREATE TABLE heartbeats (
    heartbeat_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    last_ping_at BIGINT,
    last_success_at BIGINT,
    last_duration_ms BIGINT,
    started_at BIGINT,
    rid TEXT,
    due_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX heartbeats_due ON heartbeats (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE pings (
    id TEXT PRIMARY KEY,
    heartbeat_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    exit_code BIGINT,
    rid TEXT,
    duration_ms BIGINT,
    sent_by TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX pings_of ON pings (heartbeat_id, at);
