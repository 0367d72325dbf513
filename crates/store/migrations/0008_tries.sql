-- Another try of an idempotent script on a server: which it is, and what took the place of one that nobody knows the end of.
ALTER TABLE executions ADD COLUMN try_number BIGINT NOT NULL DEFAULT 1;
ALTER TABLE executions ADD COLUMN replaced_by TEXT;
