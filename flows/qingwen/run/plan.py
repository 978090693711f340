"""What there is to do: the inputs against what the dataset already holds, cut into batches.

In the run's database stand ``inputs`` (what the user named), ``held`` and ``retired`` (what each path of the dataset
holds, and what it held before) and ``wanted`` (what is new, changed or pending, with the number of its batch).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import pyarrow as pa

from qingwen.config import Config
from qingwen.dataset import delta
from qingwen.dataset.database import Database, literal
from qingwen.dataset.location import Location
from qingwen.dataset.schema import TABLES
from qingwen.model import Rejection
from qingwen.read.containers import WHOLE, Share, is_container
from qingwen.read.page import Source, page_id, read_bytes

SUPERSEDED, PENDING = "superseded", "pending"
_INPUTS = pa.schema([("path", pa.string()), ("size", pa.int64()), ("modified", pa.int64())])
_CHUNK = 10_000
# A container is shared from so many bytes on; what an item of it takes there, for a guess at their number.
_SHARED_BYTES, _ITEM_BYTES = 1 << 24, 5_000
_HELD_FILES = f"""
CREATE OR REPLACE TABLE held_files AS
    SELECT coalesce(container, path) AS path, max(size) AS size, max(modified) AS modified,
        bool_or(outcome = '{PENDING}' AND NOT held.path IN (SELECT path FROM given_up)) AS pending
    FROM held GROUP BY ALL
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the files to clean, or a share of one container.

    ``pages`` is how many they are (of a container a guess by its size), ``key`` a digest of what they are and of what
    they are cleaned with.
    """

    n: int
    pages: int
    key: str
    container: str | None = None
    share: Share = WHOLE


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
        self._database.do("CREATE OR REPLACE TABLE inputs AS SELECT DISTINCT ON (path) * FROM named")
        return int(self._database.one("SELECT count(*) FROM inputs"))

    def compare(
        self,
        dataset: Location,
        config: Config,
        *,
        everything: bool = False,
        verify: bool = False,
        given_up: Iterable[str] = (),
    ) -> int:
        """Find what is new, changed or pending; with ``everything`` all inputs are, and every path that is known.

        What is unchanged is told by size and time; with ``verify``, or where the times differ, by the bytes. Paths that
        are ``given_up`` are not tried again for being pending. Return how many inputs there are then.
        """
        database = self._database
        hold(database, dataset)
        database.do("CREATE OR REPLACE TABLE given_up (path VARCHAR)")
        database.add("given_up", pa.table({"path": pa.array(sorted(given_up), pa.string())}))
        database.do(_HELD_FILES)
        if everything:
            # A rebuild loses none of the paths that the dataset knows.
            database.do("INSERT INTO inputs SELECT path, size, modified FROM held_files ANTI JOIN inputs USING (path)")
        database.do("CREATE OR REPLACE TABLE wanted AS SELECT path, size, modified, 0 AS batch FROM inputs")
        if not (everything or verify):
            database.do(
                "DELETE FROM wanted w USING held_files h WHERE h.path = w.path AND h.size = w.size "
                "AND h.modified = w.modified AND NOT h.pending"
            )
        if not everything:
            self._pass_over_unchanged(config)
        return int(database.one("SELECT count(*) FROM inputs"))

    def _pass_over_unchanged(self, config: Config) -> None:
        """Drop the files that have the bytes of what is held. Containers are compared item by item, later."""
        rows = self._database.each(
            "SELECT w.path, h.page FROM wanted w JOIN held h USING (path) "
            f"WHERE h.outcome <> '{PENDING}' AND h.size = w.size ORDER BY w.path"
        )
        same = []
        for path, page in rows:
            if not is_container(path):
                octets = read_bytes(path, config)
                if page == (octets.page_id if isinstance(octets, Rejection) else page_id(octets)):
                    same.append(path)
        self._database.do("CREATE OR REPLACE TABLE same (path VARCHAR)")
        self._database.add("same", pa.table({"path": pa.array(same, pa.string())}))
        self._database.do("DELETE FROM wanted WHERE path IN (SELECT path FROM same)")

    def __len__(self) -> int:
        return int(self._database.one("SELECT count(*) FROM wanted"))

    def __iter__(self) -> Iterator[Source]:
        for path, size, modified in self._database.each("SELECT path, size, modified FROM wanted ORDER BY path"):
            yield Source(path, size, modified)

    def cut(self, workers: int, largest: int, versions: Iterable[str]) -> tuple[Batch, ...]:
        """Cut the files into batches of tens to hundreds, so that every worker has several; no row depends on it.

        A container is a batch of its own, or several where there are fewer containers than workers to share them.
        """
        containers = [source for source in self if is_container(source.path)]
        self._database.do("CREATE OR REPLACE TABLE containers (path VARCHAR)")
        for source in containers:
            self._database.do("INSERT INTO containers VALUES (?)", source.path)
        size = max(20, min(largest, -(-(len(self) - len(containers)) // (workers * 6))))
        self._database.do(
            "CREATE OR REPLACE TABLE files AS SELECT path, size, modified, "
            f"CAST((row_number() OVER (ORDER BY path) - 1) // {size} AS INTEGER) AS batch "
            "FROM wanted ANTI JOIN containers USING (path)"
        )
        stamp = "\n".join(versions)
        rows = self._database.each("SELECT batch, path, size, modified FROM files ORDER BY path")
        batches = []
        for n, some in groupby(rows, key=lambda row: row[0]):
            lines = [f"{path}\t{octets}\t{modified}" for _, path, octets, modified in some]
            batches.append(Batch(n, len(lines), _key(stamp, lines)))
        for source in containers:
            parts = max(1, min(-(-workers * 2 // len(containers)), -(-source.size // _SHARED_BYTES)))
            for part in range(parts):
                line = f"{source.path}\t{source.size}\t{source.modified}\t{part}/{parts}"
                pages = max(1, source.size // (_ITEM_BYTES * parts))
                batches.append(Batch(len(batches), pages, _key(stamp, [line]), source.path, (part, parts)))
        return tuple(batches)

    def sources_of(self, batch: Batch) -> tuple[Source, ...]:
        """Return the files of a batch, by path."""
        where, value = ("path", batch.container) if batch.container is not None else ("batch", batch.n)
        table = "wanted" if batch.container is not None else "files"
        rows = self._database.rows(f"SELECT path, size, modified FROM {table} WHERE {where} = ? ORDER BY path", value)
        return tuple(Source(*row) for row in rows)

    def write_known(self, batch: Batch, path: Location) -> bool:
        """Write what the dataset holds of a container's items, ``path`` and ``page``; tell whether there is any."""
        query = f"SELECT path, page FROM held WHERE container = {literal(batch.container or '')} AND page IS NOT NULL"
        known = bool(self._database.rows(f"{query} LIMIT 1"))
        if known:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database.write(query, path)
        return known

    def digest(self) -> str:
        """Return 16 hex digits that change with any input's path or size."""
        digest = hashlib.sha256()
        for path, size in self._database.each("SELECT path, size FROM inputs ORDER BY path"):
            digest.update(f"{path}\t{size}\n".encode())
        return digest.hexdigest()[:16]


def hold(database: Database, dataset: Location | None) -> None:
    """Make the tables ``held`` and ``retired`` of a dataset's sources; without a dataset they are empty."""
    database.view("known", delta.files(dataset, "sources") if dataset else (), TABLES["sources"])
    columns = "source_path AS path, page_id AS page, container, url, fetched_at, size, modified, outcome"
    for name, test in (("held", "<>"), ("retired", "=")):
        database.do(
            f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM known WHERE outcome {test} '{SUPERSEDED}'"
        )


def _key(stamp: str, lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join([stamp, *lines]).encode()).hexdigest()[:24]
