"""A run's own database on local disk, for joins and sorts larger than memory. The only file that imports duckdb.

It holds nothing that lasts: a run makes it and removes it. What lasts is in the Delta tables and the part files.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa
from pyarrow import compute, ipc, parquet

from qingwen.dataset.location import Location, is_local, location_of

# Beyond so much memory it works on disk. Less is slower; a run of ten million pages needs no more.
_MEMORY = "256MB"
_ROWS = 2_000
PREFIX = "database-"
# Faults of the machine: its disk, its memory.
DATABASE_FAULTS = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,  # it could not commit to its own disk
    duckdb.FatalException,
)
# Bytes of rows that are sorted in memory at once; sorting holds three times as much.
MOST = 64 * 1024 * 1024
_DIGITS = 16
# Three digits make 4,096 parts, of 256 GB.
_MOST_DIGITS = 3
_GLOBBING = re.compile(r"([*?\[])")


class Database:
    """Tables of one run. Use as a context; each call may come from another thread.

    ``beside`` is a folder on a disk with room (the dataset's own state); without one, or on a store, the system's
    temporary folder is used.

    A signal whose handler raises ends a statement: DuckDB hides what was raised, so it comes as a KeyboardInterrupt.
    """

    def __init__(self, beside: Path | Location | None = None) -> None:
        disk = beside if isinstance(beside, Path) else None
        if disk is not None:
            disk.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=disk))
        self._stores: set[str] = set()
        self._connection = duckdb.connect(
            str(self.folder / "run.duckdb"),
            config={
                "memory_limit": _MEMORY,
                "temp_directory": str(self.folder / "spilled"),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "TimeZone": "UTC",
            },
        )

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and remove it."""
        self._connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, statement: str, *values: Any) -> None:
        """Execute a statement; ``values`` take the places of its question marks."""
        self._execute(statement, values)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""
        rows: list[tuple[Any, ...]] = self._execute(query, values).fetchall()
        return rows

    def one(self, query: str, *values: Any) -> Any:
        """Return the first value of the first row."""
        return self.rows(query, *values)[0][0]

    def column(self, query: str, *values: Any) -> Any:
        """Return the only column of a result as an Arrow array."""
        return self.table(query, *values).column(0).combine_chunks()

    def table(self, query: str, *values: Any) -> Any:
        """Return a small result as an Arrow table."""
        with _interrupted():
            return self._connection.cursor().sql(query, params=list(values)).to_arrow_table()

    def each(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a result of any size."""
        cursor = self._execute(query, values)
        while True:
            with _interrupted():
                rows = cursor.fetchmany(_ROWS)
            if not rows:
                return
            yield from rows

    def stream(self, query: str, schema: Any, *values: Any) -> Any:
        """Return an Arrow reader of a result of any size, its columns cast to those of the schema."""
        with _interrupted():
            reader = self._connection.cursor().sql(query, params=list(values)).to_arrow_reader(_ROWS)
        columns = list(schema.names)
        batches = (
            pa.Table.from_batches([batch]).select(columns).cast(schema).combine_chunks().to_batches()
            for batch in reader
        )
        return pa.RecordBatchReader.from_batches(schema, (batch for some in batches for batch in some))

    def _execute(self, statement: str, values: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        with _interrupted():
            return self._connection.cursor().execute(statement, list(values))

    def view(self, name: str, paths: Sequence[str | Path | Location], schema: Any = None) -> None:
        """Make a view of Parquet files as one table; without files it is empty."""
        files = [str(path) for path in paths]
        for file in files:
            self._reach(file)
        if not files:
            empty = self.folder / f"no-{name}.parquet"
            parquet.write_table(schema.empty_table(), empty)
            files = [str(empty)]
        literals = ", ".join(literal(_GLOBBING.sub(r"[\1]", file)) for file in files)
        self.do(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{literals}], hive_partitioning = false)")

    def _reach(self, path: str) -> None:
        """Let DuckDB read a file of a store, through fsspec."""
        place = location_of(path)
        if not is_local(place) and place.protocol not in self._stores:
            self._stores.add(place.protocol)
            self._connection.register_filesystem(place.fs)

    def add(self, table: str, rows: Any) -> None:
        """Add an Arrow table's rows to an existing table, by the names of its columns."""
        self._take(f"INSERT INTO {table} BY NAME SELECT * FROM arrow_rows", rows)

    def create(self, table: str, rows: Any) -> None:
        """Make a table, or make it anew, of an Arrow table's rows."""
        self._take(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM arrow_rows", rows)

    def _take(self, statement: str, rows: Any) -> None:
        cursor = self._connection.cursor()
        cursor.register("arrow_rows", rows)
        with _interrupted():
            cursor.execute(statement)
        cursor.unregister("arrow_rows")

    def write(self, query: str, place: Path | Location) -> None:
        """Write a result to a Parquet file."""
        path = place if isinstance(place, Path) else self.folder / "written.parquet"
        self.do(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
        if not isinstance(place, Path):
            place.fs.put_file(str(path), place.path)


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _interrupted() -> Iterator[None]:
    """Raise DuckDB's errors about a signal as a KeyboardInterrupt: one of them has no class of its own."""
    try:
        yield
    except duckdb.InterruptException as fault:
        raise KeyboardInterrupt from fault
    except RuntimeError as fault:
        if "interrupted" not in str(fault):
            raise
        raise KeyboardInterrupt from fault


def in_order(rows: Any, order: Sequence[str], folder: Path, total: int, most: int = MOST) -> Iterator[Any]:
    """Yield batches of ``total`` rows, given as an Arrow reader, sorted by the columns of ``order``.

    The first of these holds ids (hexadecimal digests). ``folder`` is made for the parts and removed; rows of at most
    ``most`` bytes are sorted in memory.

    DuckDB's own sort pins all that a vector of rows touches: with news texts it fails beyond its memory, on disk or not
    (2.0.1: 70,000 records of 1,600 characters in 256 MB). Ids are digests: by their first digits rows fall into even
    parts.
    """
    keys = [(name, "ascending") for name in order]
    held: list[Any] = []
    size = seen = digits = 0
    for batch in rows:
        held.append(batch)
        size += batch.nbytes
        seen += batch.num_rows
        if size > most:
            digits = digits or _digits(size * total // max(seen, 1), most)
            _deal(pa.Table.from_batches(held, rows.schema).sort_by(keys), order[0], digits, folder)
            held, size = [], 0
            give_back()
    if not digits:
        yield from pa.Table.from_batches(held, rows.schema).sort_by(keys).to_batches(_ROWS)
        return
    _deal(pa.Table.from_batches(held, rows.schema).sort_by(keys), order[0], digits, folder)
    del held
    for path in sorted(folder.iterdir()):
        yield from _part(path, keys)
        give_back()
    folder.rmdir()


def _part(path: Path, keys: Sequence[tuple[str, str]]) -> Any:
    """Return a part's rows in order, and remove its file."""
    with path.open("rb") as file:
        rows = pa.concat_tables(_streams(file))
    path.unlink()
    return rows.sort_by(keys).to_batches(_ROWS)


def give_back() -> None:
    """Return unused memory of Arrow's pool to the system: it keeps about as much again as it holds."""
    pa.default_memory_pool().release_unused()


def _digits(size: int, most: int) -> int:
    """Return how many digits of an id deal rows of so many bytes in all into parts of at most ``most``."""
    return next((n for n in range(1, _MOST_DIGITS) if size <= most * _DIGITS**n), _MOST_DIGITS)


def _deal(rows: Any, key: str, digits: int, folder: Path) -> None:
    """Append sorted rows to the files of their parts, each time as one more Arrow stream."""
    folder.mkdir(exist_ok=True)
    names = compute.utf8_slice_codeunits(rows[key], 0, digits)
    counts = compute.value_counts(names.combine_chunks() if rows.num_rows else names).to_pylist()
    at = 0
    for count in sorted(counts, key=lambda count: str(count["values"])):
        with (folder / f"part-{count['values']}").open("ab") as file:
            options = ipc.IpcWriteOptions(compression="zstd")
            with ipc.new_stream(file, rows.schema, options=options) as stream:
                stream.write_table(rows.slice(at, count["counts"]))
        at += count["counts"]


def _streams(file: IO[bytes]) -> Iterator[Any]:
    """Yield the tables of a file of several Arrow streams."""
    end = file.seek(0, 2)
    file.seek(0)
    while file.tell() < end:
        with ipc.open_stream(file) as stream:
            yield stream.read_all()
