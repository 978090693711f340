"""The part files of a batch: rows are written in groups as they come, so that a container is never whole in memory."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyarrow import parquet

from qingwen.dataset.location import Location, open_file, put
from qingwen.dataset.rows import ITEM, Rows, arrow, staged_schema

# The last file of a batch's folder: all others are whole once it is there.
DONE = "done.json"
NAMES = ("records", "blocks", "edits", "flags", "rejections", "signatures", "sources")
# A group of rows holds so many pages, or characters. A row counts for some characters itself: a page may be all edits.
_GROUP_PAGES, _CHARS, _ROW_CHARS = 250, 1 << 24, 100


class Staged:
    """The folder of a batch while it is written. `finish` makes it appear under its name, whole."""

    def __init__(self, folder: Path | Location) -> None:
        self._folder = folder
        self._under_way = Path()
        self._writers: dict[str, parquet.ParquetWriter] = {}
        self._rows: Rows = {name: [] for name in NAMES}
        self._items = self._chars = 0

    def __enter__(self) -> Staged:
        if isinstance(self._folder, Path):
            self._under_way = self._folder.with_name(f"{self._folder.name}.{secrets.token_hex(8)}.tmp")
            self._under_way.mkdir(parents=True)
        else:
            self._under_way = Path(tempfile.mkdtemp(prefix="qingwen-"))  # for its owner alone
        try:
            for name in NAMES:
                path = self._under_way / f"{name}.parquet"
                self._writers[name] = parquet.ParquetWriter(path, staged_schema(name), compression="zstd")
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def _drop(self) -> None:
        for writer in self._writers.values():
            try:
                writer.close()
            except (OSError, MemoryError):  # the fault that led here; the destructor would report it again
                writer.is_open = False
        shutil.rmtree(self._under_way, ignore_errors=True)

    def add(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        """Add the rows of one item, by table."""
        item = f"{self._folder.name}.{self._items}"
        self._items += 1
        for name, some in rows.items():
            self._rows[name] += [{**row, ITEM: item} for row in some]
            self._chars += sum(map(_weight, some))
        if self._items % _GROUP_PAGES == 0 or self._chars > _CHARS:
            self._write()

    def _write(self) -> None:
        self._chars = 0
        for name, rows in self._rows.items():
            if rows:
                self._writers[name].write_table(arrow(name, rows))
                rows.clear()

    def finish(self, summary: str) -> None:
        """Put the folder in its place, with a summary of the batch in `DONE`."""
        self._write()
        for writer in self._writers.values():
            writer.close()
        (self._under_way / DONE).write_text(summary, "utf-8")
        put(self._under_way, self._folder, last=DONE)


def _weight(row: Mapping[str, Any]) -> int:
    return _ROW_CHARS + sum(len(value) for value in row.values() if isinstance(value, str))


def is_whole(folder: Path | Location) -> bool:
    """Tell whether a finished folder is whole: a power cut may leave files that are shorter than they were."""
    try:
        stated = json.loads((folder / DONE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    tables = (is_whole_table(folder / f"{name}.parquet", staged_schema(name)) for name in NAMES)
    return isinstance(stated, dict) and all(tables)


def columns_of(schema: Any) -> list[tuple[str, Any]]:
    """Return the names and types of a schema's columns."""
    return [(field.name, field.type) for field in schema]


def is_whole_table(place: Path | Location, schema: Any) -> bool:
    """Tell whether a Parquet file has its end, where it says what it holds, and the columns of a schema."""
    try:
        with open_file(place) as file:
            return columns_of(parquet.read_schema(file)) == columns_of(schema)
    except (OSError, ValueError):  # ArrowInvalid is a ValueError
        return False


def read_table(place: Path | Location) -> Any:
    """Return a small Parquet file as an Arrow table."""
    with open_file(place) as file, parquet.ParquetFile(file) as data:
        return data.read(use_threads=False)
