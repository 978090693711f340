"""Who stands for each page: of paths with the same bytes the smallest, however they are cut into batches and runs.

`choose` works in a run's database, on ``held`` and ``retired`` (the dataset's sources, see ``planning.hold``) and
``came`` (the sources of the batches; ``item`` is the name of the page's rows in the staged files) and ``reread`` (the
containers that were read whole). It makes

- ``dropped (_item)``: staged rows that do not stand, for another path of the page does;
- ``withdrawn (page)``: pages of the dataset whose rows go, because no path holds them, or to come again;
- ``moved (page, path)``: pages whose rows stay under another path than before;
- ``stated``: the rows to write to sources, and ``outdated (path)``: the paths whose rows there go before.
"""

from __future__ import annotations

from qingwen.corpus.database import Database

# A file that is pending goes on holding what it held, until it can be read again. An item of a container does not: that
# it holds others was seen.
# An item that its container still holds says so (unchanged): its rows stay, its container's size and time are new.
# An item that its container, read whole, holds no more is superseded by nothing.
_STEPS = """
DELETE FROM came
    WHERE outcome = 'pending' AND container IS NULL AND path IN (SELECT path FROM held WHERE page IS NOT NULL);

CREATE TABLE unchanged AS SELECT path, size, modified FROM came WHERE outcome = 'unchanged';
DELETE FROM came WHERE outcome = 'unchanged';
CREATE TABLE leaving AS
    SELECT path FROM came
    UNION SELECT path FROM held SEMI JOIN reread ON reread.path = coalesce(held.container, held.path)
        ANTI JOIN unchanged USING (path);

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
CREATE TABLE best AS
    SELECT page, min(path) AS path
    FROM (SELECT path, page FROM came WHERE page IS NOT NULL UNION ALL SELECT path, page FROM staying)
    GROUP BY page;
CREATE TABLE fresh AS SELECT page, path FROM best SEMI JOIN came USING (page, path);

CREATE TABLE dropped AS
    SELECT item AS _item FROM came ANTI JOIN fresh USING (page, path) WHERE outcome IN ('record', 'rejection');
CREATE TABLE withdrawn AS
    SELECT page FROM before ANTI JOIN best USING (page)
    UNION SELECT page FROM before SEMI JOIN fresh USING (page);
CREATE TABLE moved AS
    SELECT best.page, best.path
    FROM best JOIN before USING (page) ANTI JOIN fresh USING (page) WHERE best.path <> before.path;

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
"""


def choose(database: Database) -> None:
    """Make the tables named above."""
    for step in _STEPS.split(";\n"):
        if step.strip():
            database.do(step)
