"""Rows of many pages, spread over files by the first digit of their page's id: sorted and read a sixteenth at a time.

Ids are digests, so that the files are alike in size; in the order of their names they are in the order of the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from qingwen.corpus.rows import read_rows
from qingwen.corpus.schemas import KEYS, ORDERS, TABLES

_DIGITS = "0123456789abcdef"


def spread(parts: Iterable[Any], folder: Path, name: str) -> None:
    """Write the rows of a table's parts, one part in memory at a time."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        writers = {
            digit: stack.enter_context(
                parquet.ParquetWriter(folder / f"{digit}.parquet", TABLES[name], compression="zstd")
            )
            for digit in _DIGITS
        }
        for part in parts:
            first = compute.utf8_slice_codeunits(part[KEYS[name]], 0, 1)
            for digit, writer in writers.items():
                rows = part.filter(compute.equal(first, digit))
                if rows.num_rows:
                    writer.write_table(rows)


class Spread:
    """The rows that `spread` wrote, in the table's order."""

    def __init__(self, folder: Path, name: str) -> None:
        self._files = [folder / f"{digit}.parquet" for digit in _DIGITS]
        self._name = name
        self.num_rows = sum(parquet.read_metadata(file).num_rows for file in self._files)

    def read(self) -> Any:
        """Return all rows as one table."""
        return pa.concat_tables([TABLES[self._name].empty_table(), *self._sorted()])

    def stream(self) -> Any:
        """Return a reader of the rows; a sixteenth of them is in memory at a time."""
        batches = (batch for part in self._sorted() for batch in part.to_batches())
        return pa.RecordBatchReader.from_batches(TABLES[self._name], batches)

    def _sorted(self) -> Iterator[Any]:
        order = [(column, "ascending") for column in ORDERS[self._name]]
        for file in self._files:
            yield read_rows(file, self._name).sort_by(order)
