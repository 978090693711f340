"""Count a dataset of any size in DuckDB: the numbers and tables of the review page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from qingwen.dataset.database import Database

# Longest table, and longest text in a cell.
_ROWS, _WORDS = 25, 24
_LENGTHS = (0, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
_OF_RECORDS = "page_id IN (SELECT id FROM records)"
_SIZE = '("end" - "start")'
_REPAIRS = "rule NOT LIKE 'layout.%'"


@dataclass(frozen=True, slots=True)
class Figure:
    """A table with a bar in each row, scaled by the row's last number.

    ``labels`` holds each row's label, where rows have one; ``more`` counts the rows that are not shown.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    labels: Sequence[str] = ()
    more: int = 0

    @property
    def bars(self) -> list[float]:
        """Return each bar's length in percent of the longest."""
        sizes = [float(row[-1] or 0) for row in self.rows]
        most = max(sizes, default=0.0) or 1.0
        return [round(100 * size / most, 1) for size in sizes]


def totals(database: Database) -> list[tuple[str, int]]:
    """Return the dataset's main numbers with their names.

    ``database`` has views of the dataset's tables.
    """
    records, text, spun, flagged = database.rows(
        "SELECT count(*), coalesce(sum(n_chars), 0)::BIGINT, count(*) FILTER (spun), count(*) FILTER (len(flags) > 0) "
        "FROM records"
    )[0]
    removed = f"SELECT coalesce(sum({_SIZE}), 0)::BIGINT FROM blocks WHERE NOT kept AND {_OF_RECORDS}"
    found = [
        ("input items", database.one("SELECT count(*) FROM sources")),
        ("records", records),
        ("rejections", database.one("SELECT count(*) FROM rejections")),
        ("pending", database.one("SELECT count(*) FROM sources WHERE outcome = 'pending'")),
        ("identical copies", database.one("SELECT count(*) FROM sources WHERE outcome = 'copy'")),
        ("characters of text", text),
        ("characters removed", database.one(removed)),
        ("changes", database.one(f"SELECT count(*) FROM edits WHERE {_REPAIRS}")),
        ("records with swapped words", spun),
        ("records with a flag", flagged),
        ("duplicates", database.one("SELECT count(*) FROM duplicates WHERE duplicate_of IS NOT NULL")),
    ]
    return [(name, number) for name, number in found if number or name in ("records", "rejections")]


def figures(database: Database) -> list[Figure]:
    """Return the dataset's tables, without empty ones."""
    return [figure for figure in _figures(database) if figure.rows]


def _figures(database: Database) -> Iterator[Figure]:
    yield from _removals(database)
    yield _figure(
        database,
        "Changed, by rule",
        ("rule", "most often", "pages", "changes"),
        _by_rule("edits", "before || ' → ' || after", _REPAIRS),
        "White space of the layout is not counted.",
    )
    yield _figure(
        database,
        "Left, but flagged",
        ("rule", "most often", "pages", "places"),
        _by_rule("flags", "form"),
    )
    yield _figure(
        database,
        "Rejections, by reason",
        ("stage", "rule", "pages"),
        "SELECT stage, rule, count(*) AS size FROM rejections GROUP BY ALL",
    )
    yield _lengths(database)
    yield _dates(database)
    yield _figure(
        database,
        "Dates, by precision",
        ("precision", "records"),
        "SELECT published_precision, count(*) AS size FROM records GROUP BY ALL",
    )
    yield _figure(
        database,
        "Sites",
        ("site", "removed, mean", "records"),
        "SELECT coalesce(site, 'unknown'), printf('%.0f%%', round(100 * avg(removed_ratio), 6)), count(*) AS size "
        "FROM records GROUP BY site",
    )
    yield from _duplicates(database)


def _by_rule(table: str, what: str, where: str = "true") -> str:
    """Return the query for a table by rule: its most frequent text (ties: the smallest), pages, places."""
    return (
        f"SELECT rule, left(often, {_WORDS}), pages, size "
        "FROM (SELECT rule, count(DISTINCT page_id) AS pages, count(*) AS size "
        f"FROM {table} WHERE {where} GROUP BY rule) "
        "LEFT JOIN (SELECT rule, first(seen ORDER BY n DESC, seen) AS often FROM "
        f"(SELECT rule, {what} AS seen, count(*) AS n FROM {table} WHERE {where} GROUP BY ALL) "
        "WHERE seen IS NOT NULL GROUP BY rule) USING (rule)"
    )


def _removals(database: Database) -> Iterator[Figure]:
    counted = f"count(DISTINCT page_id), count(*), sum({_SIZE})::BIGINT AS size FROM blocks"
    yield _figure(
        database,
        "Removed, by label",
        ("label", "pages", "blocks", "characters"),
        f"SELECT label, {counted} WHERE NOT kept AND {_OF_RECORDS} GROUP BY label",
        "Blocks of records; those of rejected pages are not counted.",
        labelled=True,
    )
    yield _figure(
        database,
        "Removed, by rule",
        ("label", "rule", "pages", "blocks", "characters"),
        f"SELECT label, rule, {counted} WHERE NOT kept AND {_OF_RECORDS} GROUP BY ALL",
        labelled=True,
    )
    shares = database.rows(
        "SELECT least(floor(removed_ratio * 10), 9)::INTEGER AS tenth, count(*) FROM records GROUP BY ALL"
    )
    rows = [(f"{tenth * 10} to {tenth * 10 + 10} %", dict(shares).get(tenth, 0)) for tenth in range(10)]
    yield Figure("Removed of a page", ("share", "records"), rows if shares else ())


def _lengths(database: Database) -> Figure:
    steps = ", ".join(map(str, _LENGTHS))
    found = dict(
        database.rows(f"SELECT len(list_filter([{steps}], lambda s: n_chars >= s)), count(*) FROM records GROUP BY ALL")
    )
    names = [f"{low:,} to {high - 1:,}" for low, high in pairwise(_LENGTHS)]
    names.append(f"{_LENGTHS[-1]:,} and more")
    rows = [(name, found.get(n, 0)) for n, name in enumerate(names, 1)]
    return Figure("Lengths", ("characters of text", "records"), rows if found else ())


def _dates(database: Database) -> Figure:
    """Count records by month if they cover at most two years, else by year; older rows are summed into one."""
    years = database.one("SELECT count(DISTINCT year(published_at)) FROM records")
    form = "%Y-%m" if years <= 2 else "%Y"
    rows = database.rows(
        f"SELECT strftime(published_at, '{form}') AS time, count(*) FROM records "
        "WHERE published_at IS NOT NULL GROUP BY time ORDER BY time"
    )
    older, shown = rows[:-_ROWS], rows[-_ROWS:]
    if older:
        shown.insert(0, (f"before {shown[0][0]}", sum(size for _, size in older)))
    return Figure("Dates of publication", ("published", "records"), shown)


def _duplicates(database: Database) -> Iterator[Figure]:
    yield _figure(
        database,
        "Duplicates, by kind",
        ("kind", "records"),
        "SELECT kind, count(*) AS size FROM duplicates WHERE duplicate_of IS NOT NULL GROUP BY kind",
        "Records that another one represents.",
    )
    yield _figure(
        database,
        "Largest clusters",
        ("title of the representative", "records"),
        f"SELECT left(title, {_WORDS}), d.cluster_size AS size FROM duplicates d JOIN records r USING (id) "
        "WHERE d.duplicate_of IS NULL",
    )


def _figure(
    database: Database, title: str, columns: Sequence[str], query: str, note: str = "", *, labelled: bool = False
) -> Figure:
    """Return the largest rows of a query; its last column, ``size``, gives the bars."""
    rows = database.rows(f"{query} ORDER BY size DESC, 1, 2 LIMIT {_ROWS}")
    more = database.one(f"SELECT count(*) FROM ({query})") - len(rows) if len(rows) == _ROWS else 0
    return Figure(title, columns, rows, note, [row[0] for row in rows] if labelled else (), more)
