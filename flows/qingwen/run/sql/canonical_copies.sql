-- Pick the canonical path of identical pages: the smallest path, however the pages are cut into batches and runs.
-- Reads: came (what the batches found at each path), held, retired (of the dataset), read_whole (containers).
-- Makes: unchanged, leaving, touched, before, staying, best, fresh, dropped, withdrawn, moved, restated, outdated, stated.

-- A file that is pending keeps its old row until it can be read again. An item of a container does not: the container
-- was seen to hold others.
DELETE FROM came
    WHERE outcome = 'pending' AND container IS NULL AND path IN (SELECT path FROM held WHERE page IS NOT NULL);

-- Items that their container still holds: their rows stay, with the container's new size and time.
CREATE TABLE unchanged AS SELECT path, size, modified FROM came WHERE outcome = 'unchanged';
DELETE FROM came WHERE outcome = 'unchanged';

-- Paths that no longer hold what they held. An item that its container, read whole, holds no more has no successor.
CREATE TABLE leaving AS
    SELECT path FROM came
    UNION SELECT path FROM held SEMI JOIN read_whole ON read_whole.path = coalesce(held.container, held.path)
        ANTI JOIN unchanged USING (path);

-- Pages of which any path changed, and where each had its rows before.
CREATE TABLE touched AS
    SELECT page FROM came WHERE page IS NOT NULL
    UNION SELECT page FROM held SEMI JOIN leaving USING (path) WHERE page IS NOT NULL
    UNION SELECT page FROM held SEMI JOIN unchanged USING (path) WHERE page IS NOT NULL;
CREATE TABLE before AS
    SELECT page, min(path) AS path, arg_min(outcome, path) AS outcome
    FROM held SEMI JOIN touched USING (page) GROUP BY page;
CREATE TABLE staying AS
    SELECT held.* REPLACE (coalesce(u.size, held.size) AS size, coalesce(u.modified, held.modified) AS modified)
    FROM held LEFT JOIN unchanged u USING (path) ANTI JOIN leaving USING (path) SEMI JOIN touched USING (page);

-- The canonical path of each page; it is fresh where this run cleaned the page at that path.
CREATE TABLE best AS
    SELECT page, min(path) AS path
    FROM (SELECT path, page FROM came WHERE page IS NOT NULL UNION ALL SELECT path, page FROM staying)
    GROUP BY page;
CREATE TABLE fresh AS SELECT page, path FROM best SEMI JOIN came USING (page, path);

-- Staged rows that are not published; pages whose rows are deleted; pages whose rows only change their path.
CREATE TABLE dropped AS
    SELECT item AS _item FROM came ANTI JOIN fresh USING (page, path) WHERE outcome IN ('record', 'rejection');
CREATE TABLE withdrawn AS
    SELECT page FROM before ANTI JOIN best USING (page)
    UNION SELECT page FROM before SEMI JOIN fresh USING (page);
CREATE TABLE moved AS
    SELECT best.page, best.path
    FROM best JOIN before USING (page) ANTI JOIN fresh USING (page) WHERE best.path <> before.path;

-- Rows of sources: those to delete, by path, and those to write.
CREATE TABLE restated AS
    SELECT s.* REPLACE (CASE WHEN s.path = best.path THEN before.outcome ELSE 'copy' END AS outcome)
    FROM staying s JOIN best USING (page) JOIN before USING (page);
DELETE FROM restated USING held
    WHERE held.path = restated.path AND held.outcome = restated.outcome
        AND held.size = restated.size AND held.modified = restated.modified;
CREATE TABLE outdated AS
    SELECT path FROM held SEMI JOIN leaving USING (path) UNION SELECT path FROM restated;
CREATE TABLE stated AS
    SELECT came.path AS source_path, came.page AS page_id, container, url, fetched_at, size, modified,
        CASE WHEN came.page IS NULL OR fresh.path IS NOT NULL THEN outcome ELSE 'copy' END AS outcome
    FROM came LEFT JOIN fresh ON fresh.page = came.page AND fresh.path = came.path
    UNION SELECT * FROM restated
    UNION SELECT held.* REPLACE ('superseded' AS outcome)
        FROM held SEMI JOIN leaving USING (path) ANTI JOIN came USING (path, page) WHERE held.page IS NOT NULL
    UNION SELECT * FROM retired SEMI JOIN outdated USING (path);
