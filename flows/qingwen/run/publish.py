"""Open a dataset, merge what batches staged into it, and commit: what is committed is first written down, whole.

A run that is killed in between is finished by the next one from what was written. Rows are joined and sorted by the
run's database, never whole in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

from qingwen.dataset import delta
from qingwen.dataset.database import DATABASE_FAULTS, PREFIX, Database, give_back, in_order
from qingwen.dataset.dataset import CHANGES, VERSIONS, pin, pinned, write_versions
from qingwen.dataset.layout import PART, RUN, STATE, check_links, clear_staging, remove_leftovers
from qingwen.dataset.location import Location, check_path, remove, sync, write_whole
from qingwen.dataset.lock import FolderLock, StoreLock, lock_of
from qingwen.dataset.part_files import is_whole, is_whole_table, read_table
from qingwen.dataset.rows import ITEM, staged_schema
from qingwen.dataset.schema import KEYS, ORDERS, TABLES
from qingwen.errors import BatchError, SetupError
from qingwen.read.page import Source
from qingwen.rules.site_book import SITES, parse_sites
from qingwen.rules.takedowns import FORGOTTEN, parse_forgotten
from qingwen.run.plan import make_held, table_of_paths, table_of_sources
from qingwen.run.sql import make
from qingwen.run.stuck_pages import FAILED_PAGES, parse_failed_pages

# In a folder beside the staged parts: the tables of what was decided and, last, the marker that all of them are whole.
FINAL, COMMIT = "final", "commit.json"
# What changes beside rows: files of the state, each with what reads its text.
_BESIDE: Mapping[str, Callable[[str], object]] = {
    SITES: lambda text: parse_sites(text, SITES),
    FORGOTTEN: lambda text: parse_forgotten(text, FORGOTTEN),
    FAILED_PAGES: parse_failed_pages,
}


def _strings(*names: str) -> Any:
    return pa.schema([(name, pa.string()) for name in names])


_DECIDED: Mapping[str, Any] = {
    "parts": _strings("folder"),
    "dropped": _strings(ITEM),
    "moved": _strings("page", "path"),
    "stated": TABLES["sources"],
    "clusters": TABLES["duplicates"],
    "changes": CHANGES,
    "new_clusters": TABLES["duplicates"],
    "gone": _strings("of_table", "key"),
}
_STAGED = ("blocks", "edits", "flags", "rejections", "signatures", "records", "sources")
_IDS = ("id", "page_id")


@dataclass(frozen=True, slots=True)
class OpenDataset:
    """A dataset that this process holds; ``finished_earlier`` names a run that was found half published."""

    path: Location
    database: Database
    finished_earlier: str | None
    lock: FolderLock | StoreLock

    @property
    def state(self) -> Location:
        """Return the folder of what only runs read."""
        return self.path / STATE

    @property
    def staging(self) -> Location:
        """Return the folder of part files that wait to be published."""
        return self.state / "staging"


@contextmanager
def open_dataset(path: Location) -> Iterator[OpenDataset]:
    """Hold a dataset: locked, what a killed run had begun finished, with a database beside it.

    Raises:
        SetupError: the folder cannot be written, or something in it leads elsewhere.
        PublishError: another run holds the dataset.
        BatchError: the machine failed under it (a full disk, a store that is gone); the next run goes on.
    """
    check_path(path)
    check_links(path)
    lock, state = lock_of(path), path / STATE
    lock.hold()
    try:
        for left in state.glob(f"{PREFIX}*"):
            remove(left)
        remove_leftovers(path)
        delta.check_tables(path)
        commit = _finish(path)
        if delta.exists(path, "records"):
            pin(path)
        with Database(state) as database:
            yield OpenDataset(path, database, commit.run if commit else None, lock)
        if delta.exists(path, "records"):
            pin(path)
    except (OSError, *DATABASE_FAULTS, delta.Fault) as fault:
        why = " ".join(str(fault).split())
        raise BatchError(f"{path}: the machine failed under the run ({why}). Run again to go on.") from fault
    finally:
        lock.release()


@dataclass(frozen=True, slots=True)
class Commit:
    """What a run commits beside rows; ``beside`` names texts of the dataset's state that change with the rows.

    ``number`` orders the runs of a dataset: a table that has the number already is passed over.
    """

    number: int
    run: str
    beside: tuple[str, ...]
    rules_version: str
    config_digest: str
    schema_version: int
    min_similarity: float
    rebuild: bool = False
    by_month: bool = False


@cache
def _commits() -> TypeAdapter[Commit]:
    return TypeAdapter(Commit)


def _finish(path: Location) -> Commit | None:
    """Finish what a killed run had decided, and return it. What is damaged is dropped if no table has any of it yet.

    Raises:
        SetupError: it is damaged, and some tables have it.
    """
    staging = path / STATE / "staging"
    final = staging / FINAL
    if not (final / COMMIT).exists():
        return None
    commit = _decided(staging, next_number(path))
    if commit is not None:
        _commit_decided(path, commit)
        return commit
    if _is_half_published(path):
        raise SetupError(
            f"{final}: what a killed run had decided is damaged, and some tables have it already. Remove the folder, "
            "then run with --rebuild."
        )
    clear_staging(staging)
    return None


def _is_half_published(path: Location) -> bool:
    """Tell whether some tables have commits that others lack."""
    pins = pinned(path)
    if pins:
        return any(pins.get(name) != version for name, version in delta.versions(path).items())
    # A dataset of 1.0, where records were committed last.
    return any(delta.published(path, name) > delta.published(path, "records") for name in TABLES)


def _decided(staging: Location, most: int) -> Commit | None:
    """Return what a killed run had decided, if all that it wrote down is whole and names nothing but what it may.

    ``most`` is the largest number that it can have.
    """
    final = staging / FINAL
    try:
        commit = _commits().validate_json((final / COMMIT).read_bytes())
        parts = read_table(final / "parts.parquet")["folder"].to_pylist()
        if not (
            set(commit.beside) <= _BESIDE.keys()
            and RUN.fullmatch(commit.run)
            and 0 < commit.number <= most
            and all(PART.fullmatch(part) for part in parts)
        ):
            return None
        for name in commit.beside:
            _BESIDE[name]((final / name).read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, SetupError):
        return None
    tables = all(is_whole_table(final / f"{name}.parquet", schema) for name, schema in _DECIDED.items())
    are_whole = tables and all(is_whole(staging / part) for part in parts)
    return commit if are_whole else None


def next_number(dataset: Location) -> int:
    """Return the number of the next run: of all tables, as one that a run had nothing to say to has no trace of it."""
    return max(delta.published(dataset, name) for name in TABLES) + 1


@dataclass(frozen=True, slots=True)
class Merged:
    """How many pages are withdrawn; how many were cleaned but are copies of another batch's (rejected ones by rule)."""

    withdrawn: int
    copied_records: int
    copied_rejections: Mapping[str, int]


def merge(
    dataset: OpenDataset,
    parts: Sequence[str],
    failed: Iterable[Source] = (),
    containers: Iterable[str] = (),
    *,
    rebuild: bool = False,
) -> Merged:
    """Merge staged folders, named by ``parts``, with what the dataset holds, in tables of its database (sql/).

    ``failed`` are the files of batches that failed: they are pending. ``containers`` were looked through.
    """
    database, known = dataset.database, None if rebuild else dataset.path
    make_held(database, known)
    database.create("parts", pa.table({"folder": pa.array(parts, pa.string())}))
    database.create("containers", table_of_paths(containers))
    database.create("failed_files", table_of_sources(list(failed)))
    _view_staged(database, [dataset.staging / part for part in parts])
    for name in ("records", "duplicates", "signatures"):
        _view_known(database, known, name)
    for step in ("came", "canonical_copies", "merged"):
        make(database, step)
    rejections = f"SELECT rule, count(*) FROM staged_rejections SEMI JOIN dropped USING ({ITEM}) GROUP BY 1"
    return Merged(
        withdrawn=database.one("SELECT count(*) FROM withdrawn"),
        copied_records=database.one(f"SELECT count(*) FROM staged_records SEMI JOIN dropped USING ({ITEM})"),
        copied_rejections=dict(database.rows(rejections)),
    )


def publish(dataset: OpenDataset, commit: Commit, texts: Mapping[str, str]) -> dict[str, int]:
    """Commit what was merged, and its ``clusters``; return each table's version. ``texts`` are those of the commit.

    First all is written down: once the marker is there, the next run that opens the dataset finishes the commit.
    """
    database = dataset.database
    database.do("CREATE TABLE known_clusters AS SELECT * FROM known_duplicates")
    database.view("before_records", delta.files(dataset.path, "records"), TABLES["records"])
    make(database, "decided")
    final = dataset.staging / FINAL
    remove(final)
    final.mkdir(parents=True)
    for name in _DECIDED:
        database.write(f"SELECT * FROM {name}", final / f"{name}.parquet")
    for name in commit.beside:
        (final / name).write_text(texts[name], "utf-8")
    sync(*final.iterdir(), final)
    # The marker comes last: what it marks is whole.
    write_whole(final / COMMIT, _commits().dump_json(commit))
    dataset.lock.check()
    return _commit_decided(dataset.path, commit)


def _commit_decided(dataset: Location, commit: Commit) -> dict[str, int]:
    staging = dataset / STATE / "staging"
    final = staging / FINAL
    # The versions of the rows are written before the rows: a reader of both is never misled.
    write_versions(dataset, {name: getattr(commit, name) for name in VERSIONS})
    for name in commit.beside:
        write_whole(dataset / STATE / name, (final / name).read_bytes())
    commit_tables(dataset, final, commit)
    commits = pin(dataset)
    changes = dataset / "_runs" / f"{commit.run}.changes.parquet"
    write_whole(changes, (final / "changes.parquet").read_bytes())
    clear_staging(staging)
    return commits


def commit_tables(dataset: Location, final: Location, commit: Commit) -> None:
    """Commit what `publish` wrote down: side tables gain, records change, side tables lose.

    So whoever sees a record finds its blocks. A commit that a table has already is passed over, so that a killed run
    can be finished.
    """
    with Database(dataset / STATE) as database:
        for name in _DECIDED:
            database.view(name, [final / f"{name}.parquet"])
        folders = database.rows("SELECT folder FROM parts ORDER BY folder")
        _view_staged(database, [final.parent / folder for (folder,) in folders])
        for name in TABLES:
            if delta.published(dataset, name) < commit.number:
                _commit_table(database, dataset, name, commit)
        for name in TABLES:
            if name != "records" and not commit.rebuild:
                _view_known(database, dataset, name)
                only = _gone(database, name, f"AND key NOT IN (SELECT {KEYS[name]} FROM ({_query(name)}))")
                delta.withdraw(dataset, name, only, _table_commit(name, commit))


def _commit_table(database: Database, dataset: Location, name: str, commit: Commit) -> None:
    _view_known(database, None if commit.rebuild else dataset, name)
    query = _query(name)
    # Rows of a side table that others replace go with the commit that brings these.
    replaced = _gone(database, name, "" if name == "records" else f"AND key IN (SELECT {KEYS[name]} FROM ({query}))")
    must = commit.rebuild or name == "records" or not delta.exists(dataset, name)
    if not (must or len(replaced) or database.rows(f"SELECT 1 FROM ({query}) LIMIT 1")):
        return
    delta.commit(dataset, name, _in_order(database, query, name), _table_commit(name, commit), replaced)
    # The memory of one table is not held while the next is written.
    give_back()


def _gone(database: Database, name: str, also: str = "") -> Any:
    return database.column(f"SELECT key FROM gone WHERE of_table = ? {also} ORDER BY key", name)


def _table_commit(name: str, commit: Commit) -> delta.Commit:
    return delta.Commit(commit.number, commit.run, commit.rebuild, name == "records" and commit.by_month)


def _in_order(database: Database, query: str, name: str) -> Any:
    schema, order = TABLES[name], ORDERS[name]
    if order[0] not in _IDS:
        # Paths are short: the database sorts them, on disk if need be.
        return database.stream(f"{query} ORDER BY {', '.join(order)}", schema)
    total = database.one(f"SELECT count(*) FROM ({query})")
    rows = database.stream(query, schema)
    return pa.RecordBatchReader.from_batches(schema, in_order(rows, order, database.folder / f"order-{name}", total))


def _query(name: str) -> str:
    """Return the query for the rows that a table gains, in no order.

    It reads stated, new_clusters, clusters, moved, dropped, and the table's staged_ and known_ rows.
    """
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
    for name in _STAGED:
        database.view(f"staged_{name}", [folder / f"{name}.parquet" for folder in folders], staged_schema(name))


def _view_known(database: Database, dataset: Location | None, name: str) -> None:
    database.view(f"known_{name}", delta.files(dataset, name) if dataset else (), TABLES[name])
