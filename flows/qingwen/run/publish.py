"""Staged part files to commits: what a run is going to commit is written down first, then committed.

A run that is killed in between is finished by the next one from what was written. Rows are joined and sorted by the
run's database, never whole in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.external_sort import give_back, in_order
from qingwen.dataset.location import Location, is_local, remove
from qingwen.dataset.rows import ITEM, staged_schema
from qingwen.dataset.schema import KEYS, ORDERS, TABLES
from qingwen.read.page import Source
from qingwen.run.near_duplicates import KEYS as CLUSTERED
from qingwen.run.near_duplicates import Connect, cluster
from qingwen.run.plan import PENDING, hold

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


INTENT = "commit.json"

CHANGES = "changes.parquet"

_IDS = ("id", "page_id")

_STAGED = ("blocks", "edits", "flags", "rejections", "signatures", "records")

_PENDING = pa.schema([("path", pa.string()), ("size", pa.int64()), ("modified", pa.int64()), ("outcome", pa.string())])

# What is written down, by file: all that `commit_all` needs beside the staged files themselves.
_DECIDED = {
    "parts": "SELECT folder FROM parts",
    "dropped": f"SELECT {ITEM} FROM dropped",
    "moved": "SELECT page, path FROM moved",
    "stated": "SELECT * FROM stated",
    "clusters": "SELECT * FROM clusters",
    "changes": """
        SELECT id, 'added' AS change FROM arriving ANTI JOIN before_records USING (id)
        UNION ALL SELECT id, 'changed' FROM arriving a JOIN before_records b USING (id)
            WHERE (a.title, a.text_sha256, a.source_path) IS DISTINCT FROM (b.title, b.text_sha256, b.source_path)
        UNION ALL SELECT id, 'withdrawn' FROM before_records ANTI JOIN arriving USING (id)
            WHERE id IN (SELECT page FROM withdrawn) OR (SELECT count(*) FROM known_records) = 0
    """,
    "new_clusters": "SELECT * FROM clusters EXCEPT SELECT * FROM known_clusters",
    "gone": """
        SELECT t.name AS of_table, page AS key FROM withdrawn
            CROSS JOIN (VALUES ('blocks'), ('edits'), ('flags'), ('rejections'), ('signatures'), ('records')) t(name)
        UNION SELECT t.name, page FROM moved CROSS JOIN (VALUES ('rejections'), ('records')) t(name)
        UNION SELECT 'sources', path FROM outdated
        UNION SELECT 'duplicates', id FROM (SELECT * FROM known_clusters EXCEPT SELECT * FROM clusters)
    """,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """How many pages are withdrawn; and how many, cleaned in one batch, stand by another's rows (by rule rejected)."""

    withdrawn: int
    records: int
    rejections: Mapping[str, int]


def prepare(
    database: Database,
    dataset: Location,
    folders: Sequence[Location],
    failed: Iterable[Source],
    final: Location,
    intent: Mapping[str, Any],
    beside: Mapping[str, str],
    min_similarity: float,
    connect: Connect | None = None,
) -> Prepared:
    """Write down what the run is going to commit; nothing is committed.

    ``folders``, beside ``final``, hold the parts of the batches that are done, ``failed`` are the
    files that are pending; ``beside`` are texts to keep with the decision, by file name; texts are alike from
    ``min_similarity`` on; ``connect`` compares many of them in workers.
    """
    known = None if intent["rebuild"] else dataset
    hold(database, known)
    database.do("CREATE TABLE parts (folder VARCHAR)")
    database.add("parts", pa.table({"folder": pa.array([folder.name for folder in folders], pa.string())}))
    _view_staged(database, folders)
    database.do(
        "CREATE TABLE came AS SELECT source_path AS path, page_id AS page, container, url, fetched_at, size, modified, "
        f"outcome, {ITEM} AS item FROM staged_sources"
    )
    database.add("came", pa.Table.from_pylist([_pending(source) for source in failed], schema=_PENDING))
    # A container that is damaged, or not read to its end, proves of no item that it is gone.
    database.do("CREATE TABLE IF NOT EXISTS containers (path VARCHAR)")
    database.do(
        "CREATE TABLE reread AS SELECT path FROM containers ANTI JOIN came USING (path) ANTI JOIN "
        f"(SELECT container FROM staged_rejections JOIN staged_sources USING ({ITEM}) WHERE rule = 'read.damaged') d "
        "ON d.container = path"
    )
    choose(database)
    for name in ("records", "duplicates", "signatures"):
        _view(database, known, name)
    for made, columns, of in (("TABLE keys", CLUSTERED, "records"), ("VIEW signatures", "id, signature", "signatures")):
        database.do(
            f"CREATE {made} AS SELECT {columns} FROM staged_{of} ANTI JOIN dropped USING ({ITEM}) "
            f"UNION ALL SELECT {columns} FROM known_{of} ANTI JOIN withdrawn ON page = id"
        )
    database.do("CREATE TABLE known_clusters AS SELECT * FROM known_duplicates")
    database.view("before_records", delta.files(dataset, "records"), TABLES["records"])
    database.do(
        "CREATE VIEW arriving AS SELECT id, title, text_sha256, source_path FROM staged_records "
        f"ANTI JOIN dropped USING ({ITEM}) UNION ALL SELECT id, title, text_sha256, moved.path "
        "FROM known_records JOIN moved ON page = id"
    )
    remove(final)
    final.mkdir(parents=True)
    cluster(database, min_similarity, database.folder, connect if is_local(dataset) else None)
    for name, query in _DECIDED.items():
        database.write(query, final / f"{name}.parquet")
    for name, text in beside.items():
        (final / name).write_text(text, "utf-8")
    # The marker comes last: what it marks is whole.
    (final / INTENT).write_text(json.dumps(dict(intent), ensure_ascii=False), "utf-8")
    return Prepared(
        withdrawn=database.one("SELECT count(*) FROM withdrawn"),
        records=database.one(f"SELECT count(*) FROM staged_records SEMI JOIN dropped USING ({ITEM})"),
        rejections=dict(
            database.rows(f"SELECT rule, count(*) FROM staged_rejections SEMI JOIN dropped USING ({ITEM}) GROUP BY 1")
        ),
    )


def _pending(source: Source) -> dict[str, Any]:
    return {"path": source.path, "size": source.size, "modified": source.modified, "outcome": PENDING}


def commit_all(dataset: Location, final: Location) -> dict[str, int]:
    """Commit what `prepare` wrote down, side tables first, records last; return each table's version.

    A table that has the run's commit already is passed over, so that a killed run can be finished.
    """
    intent = json.loads((final / INTENT).read_text("utf-8"))
    with Database(final.parent) as database:
        for name in _DECIDED:
            database.view(name, [final / f"{name}.parquet"])
        folders = database.rows("SELECT folder FROM parts ORDER BY folder")
        _view_staged(database, [final.parent / folder for (folder,) in folders])
        for name in TABLES:
            if delta.published(dataset, name) >= intent["number"]:
                continue
            _view(database, None if intent["rebuild"] else dataset, name)
            query = _query(name)
            gone = database.column("SELECT key FROM gone WHERE of_table = ? ORDER BY key", name)
            must = intent["rebuild"] or name == "records" or not delta.exists(dataset, name)
            if must or len(gone) or database.rows(f"SELECT 1 FROM ({query}) LIMIT 1"):
                rows = _in_order(database, query, name)
                by_month = name == "records" and intent["by_month"]
                commit = delta.Commit(intent["number"], intent["run"], intent["rebuild"], by_month)
                delta.commit(dataset, name, rows, commit, gone)
                # What one table took is not held while the next is written.
                give_back()
    return {name: delta.version(dataset, name) for name in TABLES}


def _in_order(database: Database, query: str, name: str) -> Any:
    """Return an Arrow reader of a query's rows in the table's order."""
    schema, order = TABLES[name], ORDERS[name]
    if order[0] not in _IDS:
        # Paths are short: the database sorts them, on disk if need be.
        return database.stream(f"{query} ORDER BY {', '.join(order)}", schema)
    total = database.one(f"SELECT count(*) FROM ({query})")
    rows = database.stream(query, schema)
    return pa.RecordBatchReader.from_batches(schema, in_order(rows, order, database.folder / f"order-{name}", total))


def _query(name: str) -> str:
    """Return the query for the rows that a table gains, in no order."""
    columns = ", ".join(f'"{column}"' for column in TABLES[name].names)
    if name == "sources":
        query = "SELECT * FROM stated"
    elif name == "duplicates":
        query = "SELECT * FROM new_clusters"
    else:
        query = f"SELECT {columns} FROM staged_{name} ANTI JOIN dropped USING ({ITEM})"
    if name in ("records", "rejections"):
        # Only the path of a page that moved changes; where it is a rejection, no record has its id.
        key = KEYS[name]
        query += (
            f" UNION ALL SELECT known.* REPLACE (moved.path AS source_path) "
            f"FROM (SELECT {columns} FROM known_{name}) known JOIN moved ON moved.page = known.{key}"
        )
    if name == "records":
        query = (
            "SELECT r.* REPLACE (c.duplicate_of AS duplicate_of, c.kind AS duplicate_kind, "
            f"coalesce(c.cluster_size, 1) AS cluster_size) FROM ({query}) r LEFT JOIN clusters c USING (id)"
        )
    return f"SELECT {columns} FROM ({query})"


def _view_staged(database: Database, folders: Sequence[Location]) -> None:
    for name in (*_STAGED, "sources"):
        database.view(f"staged_{name}", [folder / f"{name}.parquet" for folder in folders], staged_schema(name))


def _view(database: Database, dataset: Location | None, name: str) -> None:
    database.view(f"known_{name}", delta.files(dataset, name) if dataset else (), TABLES[name])
