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
