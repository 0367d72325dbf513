-- The keys in the hub's folder by their ids: what agents are told to trust, and what secrets are sealed with.
CREATE TABLE hub_keys (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    bundle_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    switched_at BIGINT,
    ended_at BIGINT
);
-- Which trust bundles are in force on the server, as its agent says. Nobody was enrolled with less than the first.
ALTER TABLE agents ADD COLUMN bundle_version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE agents ADD COLUMN executor_bundle_version BIGINT;
