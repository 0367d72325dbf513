-- What an incident goes on in, by now: of one that was merged into one that was merged itself, the last.
ALTER TABLE incidents ADD COLUMN merged_into TEXT;
CREATE INDEX incidents_merged ON incidents (merged_into) WHERE merged_into IS NOT NULL;
