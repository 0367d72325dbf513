-- What ended of the same trouble before: asked for with each incident that opens.
CREATE INDEX incidents_of_group ON incidents (service_id, group_key, resolved_at);
