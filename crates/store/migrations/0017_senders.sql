-- What became of calls whose sender asks for it by the request's id.
CREATE TABLE sender_requests (
    id TEXT PRIMARY KEY,
    integration_id TEXT NOT NULL,
    alert_id TEXT,
    dedup_key TEXT NOT NULL,
    action TEXT NOT NULL,
    success BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX sender_requests_at ON sender_requests (at);
-- Alerts of other tools that open only after some triggers: those that were counted so far. `revision` guards every change.
CREATE TABLE held_alerts (
    source TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    times TEXT NOT NULL,
    severity TEXT NOT NULL,
    summary TEXT NOT NULL,
    labels TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (source, dedup_key)
);
CREATE INDEX held_alerts_until ON held_alerts (until_at);
-- Messages to channels that are of no incident.
CREATE TABLE news (
    id TEXT PRIMARY KEY,
    idem_key TEXT NOT NULL UNIQUE,
    channel_id TEXT NOT NULL,
    title TEXT NOT NULL,
    lines TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT,
    last_error TEXT
);
CREATE INDEX news_due ON news (next_at) WHERE next_at IS NOT NULL;
