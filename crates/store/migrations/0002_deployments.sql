INSERT INTO counters (name, value) VALUES ('deployment', 0);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    batch_id TEXT NOT NULL,
    retry_of TEXT,
    action TEXT NOT NULL,
    server TEXT NOT NULL,
    server_id TEXT,
    target TEXT NOT NULL,
    options TEXT NOT NULL,
    status TEXT NOT NULL,
    change TEXT,
    version TEXT,
    arch TEXT,
    remarks TEXT NOT NULL,
    failure TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT
);
CREATE INDEX deployments_batch ON deployments (batch_id);
CREATE INDEX deployments_server ON deployments (server_id);
CREATE INDEX deployments_open ON deployments (created_at) WHERE finished_at IS NULL;
CREATE TABLE deployment_steps (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    detail TEXT NOT NULL,
    output TEXT NOT NULL,
    PRIMARY KEY (deployment_id, position)
);

CREATE TABLE host_keys (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    algorithm TEXT NOT NULL,
    key_blob BYTEA NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    added_by TEXT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    revoked_at BIGINT,
    UNIQUE (host, port, fingerprint)
);

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    user_name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT
);
