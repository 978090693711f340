"""A run's own database on local disk, for what is larger than memory: joins, sorts. The only file that imports duckdb.

It holds nothing that lasts: a run makes it and removes it. What lasts stands in the tables and in the staged files.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import parquet

from qingwen.dataset.location import Location, is_local, location_of

# Above so much it works on disk. Less is slower; a run of ten million pages needs no more.
_MEMORY = "256MB"
_ROWS = 2_000
PREFIX = "database-"
# Of the machine: its disk, its memory.
DATABASE_FAULTS = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,  # what it could not commit to its own disk
    duckdb.FatalException,
)
_GLOBBING = re.compile(r"([*?\[])")


class Database:
    """Tables of one run. Use as a context; each call may come from another thread.

    ``beside`` is a folder on a disk with room (the dataset's own state); without one, or where it is no disk, the
    system's temporary folder is taken.
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
        """Let go of the database and remove it."""
        self._connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def do(self, statement: str, *values: Any) -> None:
        """Execute a statement; ``values`` take the places of its question marks."""
        self._connection.cursor().execute(statement, list(values))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a small result."""
        found: list[tuple[Any, ...]] = self._connection.cursor().execute(query, list(values)).fetchall()
        return found

    def one(self, query: str, *values: Any) -> Any:
        """Return the first value of the first row."""
        return self.rows(query, *values)[0][0]

    def column(self, query: str, *values: Any) -> Any:
        """Return the only column of a result as an Arrow array."""
        return self._connection.cursor().sql(query, params=list(values)).to_arrow_table().column(0).combine_chunks()

    def table(self, query: str, *values: Any) -> Any:
        """Return a small result as an Arrow table."""
        return self._connection.cursor().sql(query, params=list(values)).to_arrow_table()

    def each(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a result of any size."""
        cursor = self._connection.cursor().execute(query, list(values))
        while some := cursor.fetchmany(_ROWS):
            yield from some

    def stream(self, query: str, schema: Any, *values: Any) -> Any:
        """Return an Arrow reader of a result of any size, its columns cast to those of the schema."""
        reader = self._connection.cursor().sql(query, params=list(values)).to_arrow_reader(_ROWS)
        named = list(schema.names)
        batches = (
            pa.Table.from_batches([batch]).select(named).cast(schema).combine_chunks().to_batches() for batch in reader
        )
        return pa.RecordBatchReader.from_batches(schema, (batch for some in batches for batch in some))

    def view(self, name: str, paths: Sequence[str | Path | Location], schema: Any = None) -> None:
        """Make a view of Parquet files as one table; no file is no row."""
        listed = [str(path) for path in paths]
        for path in listed:
            self._reach(path)
        if not listed:
            empty = self.folder / f"no-{name}.parquet"
            parquet.write_table(schema.empty_table(), empty)
            listed = [str(empty)]
        literals = ", ".join(literal(_GLOBBING.sub(r"[\1]", path)) for path in listed)
        self.do(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet([{literals}], hive_partitioning = false)")

    def _reach(self, path: str) -> None:
        """Let DuckDB read through fsspec what does not lie on this machine."""
        place = location_of(path)
        if not is_local(place) and place.protocol not in self._stores:
            self._stores.add(place.protocol)
            self._connection.register_filesystem(place.fs)

    def add(self, table: str, rows: Any) -> None:
        """Add an Arrow table's rows to a table that stands already, by the names of its columns."""
        cursor = self._connection.cursor()
        cursor.register("arriving", rows)
        cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM arriving")
        cursor.unregister("arriving")

    def write(self, query: str, place: Path | Location) -> None:
        """Write a result to a Parquet file."""
        path = place if isinstance(place, Path) else self.folder / "written.parquet"
        self.do(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
        if not isinstance(place, Path):
            place.fs.put_file(str(path), place.path)


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
