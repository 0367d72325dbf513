CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO counters (name, value) VALUES ('incident', 0), ('run', 0);

CREATE TABLE objects (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX objects_name ON objects (kind, name);
CREATE TABLE object_versions (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id, version)
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    email TEXT,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    servers TEXT,
    channels TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT
);
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    scopes TEXT NOT NULL,
    servers TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    labels TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    maintenance_until BIGINT,
    last_report_at BIGINT,
    interval_ms BIGINT NOT NULL,
    facts TEXT,
    lost_at BIGINT,
    goodbye TEXT,
    goodbye_at BIGINT
);
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    server_id TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    enrolled_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX agents_server ON agents (server_id);
CREATE TABLE enrol_tokens (
    hash TEXT PRIMARY KEY,
    server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    agent_id TEXT
);
CREATE TABLE processes (
    server_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (server_id, at)
);
CREATE INDEX processes_at ON processes (at);

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    server_id TEXT,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    labels TEXT NOT NULL,
    at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    origin TEXT UNIQUE,
    handled BOOLEAN NOT NULL
);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_server_at ON events (server_id, at);
CREATE INDEX events_unhandled ON events (received_at) WHERE NOT handled;

CREATE TABLE rule_states (
    rule_id TEXT NOT NULL,
    part TEXT NOT NULL,
    body TEXT NOT NULL,
    evaluated_at BIGINT NOT NULL,
    PRIMARY KEY (rule_id, part)
);
CREATE INDEX rule_states_part ON rule_states (part);
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    summary TEXT NOT NULL,
    description TEXT NOT NULL,
    labels TEXT NOT NULL,
    value DOUBLE PRECISION,
    rule_id TEXT,
    server_id TEXT,
    incident_id TEXT,
    count BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    resolved_at BIGINT
);
CREATE UNIQUE INDEX alerts_open ON alerts (source, dedup_key) WHERE state <> 'resolved';
CREATE INDEX alerts_incident ON alerts (incident_id);
CREATE INDEX alerts_seen ON alerts (last_seen_at);
CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    service_id TEXT NOT NULL,
    server_id TEXT,
    test BOOLEAN NOT NULL,
    group_key TEXT NOT NULL,
    generation BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    next_wake_at BIGINT,
    triggered_at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    first_acknowledged_at BIGINT,
    resolved_at BIGINT,
    repair TEXT,
    body TEXT NOT NULL,
    processes TEXT
);
CREATE UNIQUE INDEX incidents_open_group ON incidents (service_id, group_key) WHERE state <> 'resolved';
CREATE INDEX incidents_wake ON incidents (next_wake_at) WHERE next_wake_at IS NOT NULL;
CREATE INDEX incidents_triggered ON incidents (triggered_at);
CREATE INDEX incidents_server ON incidents (server_id);
CREATE TABLE timeline (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- pg
    incident_id TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    text TEXT NOT NULL,
    detail TEXT,
    run_id TEXT,
    idem TEXT NOT NULL UNIQUE
);
CREATE INDEX timeline_incident ON timeline (incident_id, sequence);
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    idem_key TEXT NOT NULL UNIQUE,
    incident_id TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    kind TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT,
    lease_until BIGINT,
    delivered_at BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbox_incident ON outbox (incident_id);

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    script_id TEXT,
    name TEXT NOT NULL,
    script_version BIGINT,
    body TEXT NOT NULL,
    selector TEXT NOT NULL,
    state TEXT NOT NULL,
    started_by TEXT NOT NULL,
    automation_id TEXT,
    incident_id TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX runs_created ON runs (created_at);
CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    server_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    state TEXT NOT NULL,
    exit_code BIGINT,
    reason TEXT,
    created_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    stdout_bytes BIGINT NOT NULL,
    stderr_bytes BIGINT NOT NULL,
    cancel BOOLEAN NOT NULL
);
CREATE INDEX executions_run ON executions (run_id);
CREATE INDEX executions_open ON executions (agent_id) WHERE finished_at IS NULL;
CREATE TABLE output (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- pg
    execution_id TEXT NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    stream TEXT NOT NULL,
    start_at BIGINT NOT NULL,
    data BYTEA NOT NULL,
    UNIQUE (execution_id, stream, start_at)
);
CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    automation_id TEXT NOT NULL,
    server_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    incident_id TEXT,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    revision BIGINT NOT NULL,
    run_id TEXT,
    wake_at BIGINT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX attempts_automation ON attempts (automation_id, created_at);
CREATE INDEX attempts_run ON attempts (run_id);
CREATE INDEX attempts_open ON attempts (wake_at) WHERE finished_at IS NULL;

CREATE TABLE changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- pg
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    body_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    reply TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
