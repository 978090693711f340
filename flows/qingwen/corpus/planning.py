"""What there is to do: the inputs against what the dataset already holds, cut into batches.

In the run's database stand ``inputs`` (what the user named), ``held`` and ``retired`` (what each path of the dataset
holds, and what it held before) and ``wanted`` (what is new, changed or pending, with the number of its batch).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import pyarrow as pa

from qingwen.config import Config
from qingwen.corpus import tables
from qingwen.corpus.database import Database
from qingwen.corpus.schemas import TABLES
from qingwen.model import Rejection
from qingwen.read.files import page_id, read_bytes
from qingwen.read.inputs import Source

SUPERSEDED, PENDING = "superseded", "pending"
_INPUTS = pa.schema([("path", pa.string()), ("size", pa.int64()), ("modified", pa.int64())])
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the files to clean; ``key`` is a digest of what they are and of what they are cleaned with."""

    n: int
    pages: int
    key: str


class Plan:
    """What a run is to clean, in its database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, sources: Iterable[Source]) -> int:
        """List the inputs, each path once; return how many there are."""
        self._database.do("CREATE OR REPLACE TABLE named (path VARCHAR, size BIGINT, modified BIGINT)")
        left = iter(sources)
        while some := list(islice(left, _CHUNK)):
            columns = [[getattr(source, name) for source in some] for name in _INPUTS.names]
            self._database.add("named", pa.table(columns, schema=_INPUTS))
        self._database.do("CREATE OR REPLACE TABLE inputs AS SELECT DISTINCT * FROM named")
        return int(self._database.one("SELECT count(*) FROM inputs"))

    def compare(self, dataset: Path, config: Config, everything: bool) -> int:
        """Find what is new, changed or pending; with ``everything`` all inputs are, and every path that is known.

        Return how many inputs there are then.
        """
        database = self._database
        hold(database, dataset)
        if everything:
            # A rebuild loses none of the paths that the dataset knows.
            database.do("INSERT INTO inputs SELECT path, size, modified FROM held ANTI JOIN inputs USING (path)")
        database.do("CREATE OR REPLACE TABLE wanted AS SELECT path, size, modified, 0 AS batch FROM inputs")
        if not everything:
            database.do(
                "DELETE FROM wanted w USING held h WHERE h.path = w.path AND h.size = w.size "
                f"AND h.modified = w.modified AND h.outcome <> '{PENDING}'"
            )
            self._pass_over_touched(config)
        return int(database.one("SELECT count(*) FROM inputs"))

    def _pass_over_touched(self, config: Config) -> None:
        """Drop what differs from what is held in its time alone, and has the same bytes."""
        touched = self._database.each(
            "SELECT w.path, h.page FROM wanted w JOIN held h USING (path) "
            f"WHERE h.outcome <> '{PENDING}' AND h.size = w.size ORDER BY w.path"
        )
        for path, page in list(touched):
            octets = read_bytes(path, config)
            if page == (octets.page_id if isinstance(octets, Rejection) else page_id(octets)):
                self._database.do("DELETE FROM wanted WHERE path = ?", path)

    def __len__(self) -> int:
        return int(self._database.one("SELECT count(*) FROM wanted"))

    def __iter__(self) -> Iterator[Source]:
        for path, size, modified in self._database.each("SELECT path, size, modified FROM wanted ORDER BY path"):
            yield Source(path, size, modified)

    def cut(self, workers: int, largest: int, versions: Iterable[str]) -> tuple[Batch, ...]:
        """Cut the files into batches of tens to hundreds, so that every worker has several; no row depends on it."""
        size = max(20, min(largest, -(-len(self) // (workers * 6))))
        self._database.do(
            "CREATE OR REPLACE TABLE wanted AS SELECT path, size, modified, "
            f"CAST((row_number() OVER (ORDER BY path) - 1) // {size} AS INTEGER) AS batch FROM wanted"
        )
        stamp = "\n".join(versions)
        rows = self._database.each("SELECT batch, path, size, modified FROM wanted ORDER BY path")
        batches = []
        for n, some in groupby(rows, key=lambda row: row[0]):
            digest, pages = hashlib.sha256(stamp.encode()), 0
            for pages, (_, path, size_, modified) in enumerate(some, start=1):  # noqa: B007
                digest.update(f"\n{path}\t{size_}\t{modified}".encode())
            batches.append(Batch(n, pages, digest.hexdigest()[:24]))
        return tuple(batches)

    def sources_of(self, batch: Batch) -> tuple[Source, ...]:
        """Return the files of a batch, by path."""
        rows = self._database.rows("SELECT path, size, modified FROM wanted WHERE batch = ? ORDER BY path", batch.n)
        return tuple(Source(*row) for row in rows)

    def digest(self) -> str:
        """Return 16 hex digits that change with any input's path or size."""
        digest = hashlib.sha256()
        for path, size in self._database.each("SELECT path, size FROM inputs ORDER BY path"):
            digest.update(f"{path}\t{size}\n".encode())
        return digest.hexdigest()[:16]


def hold(database: Database, dataset: Path | None) -> None:
    """Make the tables ``held`` and ``retired`` of a dataset's sources; without a dataset they are empty."""
    database.view("known", tables.files(dataset, "sources") if dataset else (), TABLES["sources"])
    columns = "source_path AS path, page_id AS page, url, fetched_at, size, modified, outcome"
    for name, test in (("held", "<>"), ("retired", "=")):
        database.do(
            f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM known WHERE outcome {test} '{SUPERSEDED}'"
        )
