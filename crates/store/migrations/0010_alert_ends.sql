-- When an alert of another tool is over by itself unless it is told again.
ALTER TABLE alerts ADD COLUMN ends_at BIGINT;
CREATE INDEX alerts_ending ON alerts (ends_at) WHERE ends_at IS NOT NULL AND state <> 'resolved';
