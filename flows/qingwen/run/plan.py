"""What there is to do: the inputs against what the dataset already holds, cut into batches.

Tables of the run's database: ``inputs`` (what the user named), ``held`` and ``retired`` (what each path of the dataset
holds, and what it held before), ``wanted`` (what is new, changed or pending) and ``batched`` (its files by batch).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.database import Database, literal
from qingwen.dataset.location import Location
from qingwen.dataset.schema import TABLES
from qingwen.model import Rejection
from qingwen.read.containers import is_container
from qingwen.read.page import Source, page_id, read_bytes
from qingwen.run.batches import Batch
from qingwen.run.request import Request

SUPERSEDED, PENDING = "superseded", "pending"
_FILES = pa.schema([("path", pa.string()), ("size", pa.int64()), ("modified", pa.int64())])
_CHUNK = 10_000
# Files of a batch, at least.
_SMALLEST = 20
# Containers of this size and more are shared between workers; a guess at the size of an item gives their number.
_SHARED_BYTES, _ITEM_BYTES = 1 << 24, 5_000


class NewPages:
    """The files that a run has to clean, out of ``inputs`` in all; iterate over them by path."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.inputs = int(database.one("SELECT count(*) FROM inputs"))

    @property
    def unchanged(self) -> int:
        """Return how many inputs need not be cleaned again."""
        return self.inputs - len(self)

    def __len__(self) -> int:
        return int(self._database.one("SELECT count(*) FROM wanted"))

    def __iter__(self) -> Iterator[Source]:
        for path, size, modified in self._database.each("SELECT path, size, modified FROM wanted ORDER BY path"):
            yield Source(path, size, modified)

    def batches(self, workers: int, largest: int, versions: Iterable[str]) -> tuple[Batch, ...]:
        """Cut the files into batches of tens to hundreds, several for each worker; no row depends on how.

        A container is a batch of its own, or several where there are fewer containers than workers to share them.
        """
        stamp = "\n".join(versions)
        containers = [source for source in self if is_container(source.path)]
        size = max(_SMALLEST, min(largest, -(-(len(self) - len(containers)) // (workers * 6))))
        batches = list(self._batches_of_files(containers, size, stamp))
        for source in containers:
            parts = max(1, min(-(-workers * 2 // len(containers)), -(-source.size // _SHARED_BYTES)))
            for part in range(parts):
                line = f"{source.path}\t{source.size}\t{source.modified}\t{part}/{parts}"
                pages = max(1, source.size // (_ITEM_BYTES * parts))
                batches.append(Batch(len(batches), pages, _key(stamp, [line]), source.path, (part, parts)))
        return tuple(batches)

    def _batches_of_files(self, containers: Iterable[Source], size: int, stamp: str) -> Iterator[Batch]:
        """Make the table ``batched`` from ``wanted``, but for containers; yield its batches."""
        self._database.create("apart", table_of_paths(source.path for source in containers))
        self._database.do(
            "CREATE OR REPLACE TABLE batched AS SELECT path, size, modified, "
            f"CAST((row_number() OVER (ORDER BY path) - 1) // {size} AS INTEGER) AS batch "
            "FROM wanted ANTI JOIN apart USING (path)"
        )
        rows = self._database.each("SELECT batch, path, size, modified FROM batched ORDER BY path")
        for n, some in groupby(rows, key=lambda row: row[0]):
            lines = [f"{path}\t{octets}\t{modified}" for _, path, octets, modified in some]
            yield Batch(n, len(lines), _key(stamp, lines))

    def sources_of(self, batch: Batch) -> tuple[Source, ...]:
        """Return the files of a batch, by path."""
        if batch.container is not None:
            rows = self._database.rows("SELECT path, size, modified FROM wanted WHERE path = ?", batch.container)
        else:
            query = "SELECT path, size, modified FROM batched WHERE batch = ? ORDER BY path"
            rows = self._database.rows(query, batch.n)
        return tuple(Source(*row) for row in rows)

    def write_known(self, container: str, path: Location) -> bool:
        """Write what the dataset holds of a container's items, ``path`` and ``page``; tell whether there is any."""
        query = f"SELECT path, page FROM held WHERE container = {literal(container)} AND page IS NOT NULL"
        known = bool(self._database.rows(f"{query} LIMIT 1"))
        if known:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database.write(query, path)
        return known

    def inputs_digest(self) -> str:
        """Return 16 hex digits that change with any input's path or size."""
        digest = hashlib.sha256()
        for path, size in self._database.each("SELECT path, size FROM inputs ORDER BY path"):
            digest.update(f"{path}\t{size}\n".encode())
        return digest.hexdigest()[:16]


def find_new_pages(
    database: Database,
    dataset: Location,
    request: Request,
    sources: Iterable[Source],
    given_up: Iterable[str],
    check: Callable[[], None],
) -> NewPages:
    """Return what is new, changed or pending; with ``rebuild`` all inputs, and every path that the dataset knows.

    Unchanged files are known by size and time; with ``verify``, or where the times differ, by their bytes. Paths that
    are ``given_up`` are not tried again for being pending. ``check`` is called between files, and raises to stop.
    """
    _take_inputs(database, sources)
    make_held(database, dataset)
    database.create("given_up", table_of_paths(given_up))
    _make_held_files(database)
    if request.rebuild:
        # A rebuild loses none of the paths that the dataset knows.
        database.do("INSERT INTO inputs SELECT path, size, modified FROM held_files ANTI JOIN inputs USING (path)")
    database.do("CREATE OR REPLACE TABLE wanted AS SELECT path, size, modified FROM inputs")
    if not (request.rebuild or request.verify):
        database.do(
            "DELETE FROM wanted w USING held_files h WHERE h.path = w.path AND h.size = w.size "
            "AND h.modified = w.modified AND NOT h.pending"
        )
    if not request.rebuild:
        database.create("unchanged_files", table_of_paths(_unchanged_files(database, request, check)))
        database.do("DELETE FROM wanted WHERE path IN (SELECT path FROM unchanged_files)")
    return NewPages(database)


def _take_inputs(database: Database, sources: Iterable[Source]) -> None:
    left = iter(sources)
    database.create("named", table_of_sources([]))
    while some := list(islice(left, _CHUNK)):
        database.add("named", table_of_sources(some))
    database.do("CREATE OR REPLACE TABLE inputs AS SELECT DISTINCT ON (path) * FROM named")


def table_of_sources(sources: Sequence[Source]) -> Any:
    """Return files as an Arrow table: path, size, modified."""
    return pa.table([[getattr(source, name) for source in sources] for name in _FILES.names], schema=_FILES)


def table_of_paths(paths: Iterable[str]) -> Any:
    """Return paths as an Arrow table, sorted."""
    return pa.table({"path": pa.array(sorted(paths), pa.string())})


def make_held(database: Database, dataset: Location | None) -> None:
    """Make the tables ``held`` and ``retired`` from a dataset's ``sources``; without a dataset they are empty."""
    database.view("known", delta.files(dataset, "sources") if dataset else (), TABLES["sources"])
    columns = "source_path AS path, page_id AS page, container, url, fetched_at, size, modified, outcome"
    for name, test in (("held", "<>"), ("retired", "=")):
        database.do(
            f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM known WHERE outcome {test} '{SUPERSEDED}'"
        )


def _make_held_files(database: Database) -> None:
    """Make the table ``held_files`` from ``held`` and ``given_up``: size and time of each file, and is it pending."""
    database.do(
        "CREATE OR REPLACE TABLE held_files AS "
        "SELECT coalesce(container, path) AS path, max(size) AS size, max(modified) AS modified, "
        f"bool_or(outcome = '{PENDING}' AND NOT held.path IN (SELECT path FROM given_up)) AS pending "
        "FROM held GROUP BY ALL"
    )


def _unchanged_files(database: Database, request: Request, check: Callable[[], None]) -> Iterator[str]:
    """Yield the wanted files that have the bytes of what is held. Containers are compared item by item, later."""
    rows = database.each(
        "SELECT w.path, h.page FROM wanted w JOIN held h USING (path) "
        f"WHERE h.outcome <> '{PENDING}' AND h.size = w.size ORDER BY w.path"
    )
    for path, page in rows:
        check()
        if not is_container(path):
            octets = read_bytes(path, request.config)
            if page == (octets.page_id if isinstance(octets, Rejection) else page_id(octets)):
                yield path


def _key(stamp: str, lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join([stamp, *lines]).encode()).hexdigest()[:24]
