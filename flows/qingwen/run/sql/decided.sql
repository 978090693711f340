-- What the run changes: records by id, clusters that are new or other than before, and the keys of rows to delete.
-- Reads: arriving, before_records, known_records, known_clusters, clusters, withdrawn, moved, outdated.
-- Makes: changes, new_clusters, gone.

CREATE VIEW changes AS
    SELECT id, 'added' AS change FROM arriving ANTI JOIN before_records USING (id)
    UNION ALL SELECT id, 'changed' FROM arriving a JOIN before_records b USING (id)
        WHERE (a.title, a.text_sha256, a.source_path) IS DISTINCT FROM (b.title, b.text_sha256, b.source_path)
    UNION ALL SELECT id, 'withdrawn' FROM before_records ANTI JOIN arriving USING (id)
        WHERE id IN (SELECT page FROM withdrawn) OR (SELECT count(*) FROM known_records) = 0;
CREATE VIEW new_clusters AS SELECT * FROM clusters EXCEPT SELECT * FROM known_clusters;
CREATE VIEW gone AS
    SELECT t.name AS of_table, page AS key FROM withdrawn
        CROSS JOIN (VALUES ('blocks'), ('edits'), ('flags'), ('rejections'), ('signatures'), ('records')) t(name)
    UNION SELECT t.name, page FROM moved CROSS JOIN (VALUES ('rejections'), ('records')) t(name)
    UNION SELECT 'sources', path FROM outdated
    UNION SELECT 'duplicates', id FROM (SELECT * FROM known_clusters EXCEPT SELECT * FROM clusters);
