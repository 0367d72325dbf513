-- How people want to be paged: JSON, [{urgency, channel, delay_ms}].
ALTER TABLE users ADD COLUMN notify_rules TEXT NOT NULL DEFAULT '[]';
