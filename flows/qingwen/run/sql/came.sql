-- What the batches found at each path, and which containers were read whole.
-- Reads: staged_sources, staged_rejections, failed_files (of batches that failed), containers (that were looked through).
-- Makes: came, read_whole.

CREATE TABLE came AS
    SELECT source_path AS path, page_id AS page, container, url, fetched_at, size, modified, outcome, _item AS item
    FROM staged_sources;
INSERT INTO came BY NAME SELECT path, size, modified, 'pending' AS outcome FROM failed_files;

-- A container that is damaged or only partly read does not prove that an item is gone.
CREATE TABLE read_whole AS
    SELECT path FROM containers ANTI JOIN came USING (path)
        ANTI JOIN (
            SELECT container FROM staged_rejections JOIN staged_sources USING (_item) WHERE rule = 'read.damaged'
        ) damaged ON damaged.container = path;
