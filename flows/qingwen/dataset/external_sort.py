"""Sort any number of rows in a table's order; many rows are sorted in parts on disk.

DuckDB's own sort pins all that a vector of rows touches: with news texts it fails beyond its memory, on disk or not
(2.0.1: 70,000 records of 1,600 characters in 256 MB). Ids are digests: by their first digits rows fall into even parts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pyarrow import compute, ipc

# Bytes of rows that are sorted in memory at once; sorting holds three times as much.
MOST = 64 * 1024 * 1024
_BATCH = 2_000
_DIGITS = 16
# Three digits make 4,096 parts, of 256 GB.
_MOST_DIGITS = 3


def in_order(rows: Any, order: Sequence[str], folder: Path, total: int, most: int = MOST) -> Iterator[Any]:
    """Yield batches of ``total`` rows, given as an Arrow reader, sorted by the columns of ``order``.

    The first of these holds ids (hexadecimal digests). ``folder`` is made for the parts and removed; rows of at most
    ``most`` bytes are sorted in memory.
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
        yield from pa.Table.from_batches(held, rows.schema).sort_by(keys).to_batches(_BATCH)
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
    return rows.sort_by(keys).to_batches(_BATCH)


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
