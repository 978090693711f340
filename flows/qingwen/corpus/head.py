"""The first rows of a dataset, for a look: records, or pages that are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from qingwen.corpus import tables
from qingwen.corpus.dataset import check_dataset
from qingwen.corpus.place import Place

_RECORD = (
    "id title published_at published_precision published_raw site source_name n_chars removed_ratio n_repairs flags"
).split()
_REJECTION = "page_id source_path rule detail".split()


@dataclass(frozen=True, slots=True)
class Head:
    """Rows of ``records`` (or of ``rejections``), by column, and how many the dataset holds of each in all."""

    rows: tuple[dict[str, Any], ...]
    records: int
    rejections: int


def head(dataset: Place, n: int, *, rejected: bool = False, flag: str | None = None) -> Head:
    """Return the first n records, in the order of the files; ``rejected``: rejections; ``flag``: only records with it.

    Raises:
        SetupError: there is no dataset.
    """
    check_dataset(dataset)
    table, columns = ("rejections", _REJECTION) if rejected else ("records", _RECORD)
    found = (row for row in _rows(dataset, table, columns) if flag is None or flag in row["flags"])
    return Head(tuple(islice(found, n)), tables.count(dataset, "records"), tables.count(dataset, "rejections"))


def _rows(dataset: Place, table: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in tables.batches(dataset, table, columns):
        yield from batch.to_pylist()
