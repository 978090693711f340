-- The records that the dataset will hold, as far as duplicates and changes need them.
-- Reads: staged_records, staged_signatures, known_records, known_signatures, dropped, withdrawn, moved.
-- Makes: keys, signatures, arriving.

CREATE TABLE keys AS
    SELECT id, text_sha256, published_at, n_chars FROM staged_records ANTI JOIN dropped USING (_item)
    UNION ALL SELECT id, text_sha256, published_at, n_chars FROM known_records ANTI JOIN withdrawn ON page = id;
CREATE VIEW signatures AS
    SELECT id, signature FROM staged_signatures ANTI JOIN dropped USING (_item)
    UNION ALL SELECT id, signature FROM known_signatures ANTI JOIN withdrawn ON page = id;
CREATE VIEW arriving AS
    SELECT id, title, text_sha256, source_path FROM staged_records ANTI JOIN dropped USING (_item)
    UNION ALL SELECT id, title, text_sha256, moved.path FROM known_records JOIN moved ON page = id;
