-- Values of secret parameters that a run under way needs, sealed; empty when there are none, and once it has ended.
ALTER TABLE runs ADD COLUMN sealed TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_sealed ON runs (id) WHERE sealed <> '';
