-- How a provider knows a message that can be changed later.
ALTER TABLE outbox ADD COLUMN handle TEXT;
