-- Alerts that automations are still to be asked about: written with the alert, gone once they were. A crash in between leaves the row.
CREATE TABLE considerations (
    alert_id TEXT PRIMARY KEY REFERENCES alerts (id) ON DELETE CASCADE,
    depth BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
-- An automation acts on an alert once, however often it is asked.
CREATE UNIQUE INDEX attempts_once ON attempts (automation_id, alert_id);
