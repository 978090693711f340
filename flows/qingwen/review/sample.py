"""Choose the pages of a dataset that a person reviews: random and risky ones, the same each time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from qingwen.dataset.database import Database
from qingwen.dataset.lookup import Stored, edit_of, flag_of, labelled_blocks

RANDOM = "random"
_ALL = "SELECT id FROM records UNION ALL SELECT page_id FROM rejections"
# The kinds of risk, each a query for its pages, riskiest first; ties are ordered by digest.
_RISKS: Mapping[str, str] = {
    "least sure": "SELECT id FROM records ORDER BY confidence, md5(id)",
    "most removed": "SELECT id FROM records ORDER BY removed_ratio DESC, md5(id)",
    "most flags": "SELECT page_id FROM flags WHERE page_id IN (SELECT id FROM records) "
    "GROUP BY page_id ORDER BY count(*) DESC, md5(page_id)",
    "flagged as a whole": "SELECT id FROM records WHERE len(flags) > 0 ORDER BY len(flags) DESC, md5(id)",
    "lowest score kept": "SELECT page_id FROM blocks WHERE kept AND label = 'body' "
    "AND page_id IN (SELECT id FROM records) GROUP BY page_id ORDER BY min(score), md5(page_id)",
    "highest score removed": "SELECT page_id FROM blocks WHERE NOT kept AND page_id IN (SELECT id FROM records) "
    "GROUP BY page_id ORDER BY max(score) DESC, md5(page_id)",
    "rejected, most like an article": "SELECT page_id FROM rejections LEFT JOIN blocks USING (page_id) "
    "GROUP BY page_id ORDER BY max(score) DESC NULLS LAST, md5(page_id)",
}


def choose(database: Database, pages: int) -> dict[str, str]:
    """Choose at most ``pages`` pages, half at random and half by risk; return why, by id.

    ``database`` has views of the dataset's tables. Kinds of risk take turns; a page is chosen once.
    """
    chosen: dict[str, str] = {}
    lists = [_ids(database, query, pages) for query in _RISKS.values()]
    risky = [
        (page, why) for turn in zip_longest(*lists) for page, why in zip(turn, _RISKS, strict=True) if page is not None
    ]
    for page, why in risky:
        if len(chosen) < pages // 2:
            chosen.setdefault(page, why)
    for page in _ids(database, f"SELECT id FROM ({_ALL}) ORDER BY md5(id)", 2 * pages):
        if len(chosen) < pages:
            chosen.setdefault(page, RANDOM)
    return chosen


def _ids(database: Database, query: str, pages: int) -> list[str]:
    return [row[0] for row in database.rows(f"{query} LIMIT {pages}")]


def load(database: Database, pages: Sequence[str]) -> list[Stored]:
    """Load pages from the tables, in the given order of ids."""
    database.do("CREATE OR REPLACE TABLE chosen (id VARCHAR)")
    for page in pages:
        database.do("INSERT INTO chosen VALUES (?)", page)
    records = {row["id"]: row for row in _rows(database, "records", "id", "id")}
    rejections = {row["page_id"]: row for row in _rows(database, "rejections", "page_id", "page_id")}
    blocks = _by_page(_rows(database, "blocks", "page_id", "n"))
    edits = _by_page(_rows(database, "edits", "page_id", "part, pass, n"))
    flags = _by_page(_rows(database, "flags", "page_id", "part, start"))
    return [
        Stored(
            row=records.get(page) or rejections[page],
            rejected=page not in records,
            blocks=tuple(map(labelled_blocks, blocks[page])),
            edits=tuple(map(edit_of, edits[page])),
            flags=tuple(map(flag_of, flags[page])),
        )
        for page in pages
    ]


def _rows(database: Database, table: str, key: str, order: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM {table} WHERE {key} IN (SELECT id FROM chosen) ORDER BY {order}"
    found: list[dict[str, Any]] = database.table(query).to_pylist()
    return found


def _by_page(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["page_id"]].append(row)
    return found
