"""A dataset's records, one after another in the order of their ids, as lines of JSON in the form that a corpus keeps.

They are sorted on disk, never whole in memory; the table ``duplicates`` says what stands for what.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.changes import changes
from qingwen.dataset.database import DATABASE_FAULTS, Database
from qingwen.dataset.dataset import check_dataset
from qingwen.dataset.export_files import GZIP, NONE, Output
from qingwen.dataset.export_formats import SOURCE, dolma, mnbvc, plain
from qingwen.dataset.external_sort import in_order
from qingwen.dataset.location import Location
from qingwen.dataset.progress import Progress, silent
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError, SetupError

JSONL, DOLMA, MNBVC = "jsonl", "dolma", "mnbvc"
# A folder's files by form, where the user does not say: MNBVC's checker opens plain ones alone.
COMPRESSION = {JSONL: GZIP, DOLMA: GZIP, MNBVC: NONE}
# MNBVC's checker refuses files of more than 512 MiB; loaders like them of some hundred megabytes, too.
FILE_BYTES = 500 * 1024 * 1024
_EVERY = 1_000

_ROWS = """
    SELECT r.* REPLACE (
        d.duplicate_of AS duplicate_of, d.kind AS duplicate_kind, coalesce(d.cluster_size, 1) AS cluster_size
    ) FROM records r LEFT JOIN duplicates d USING (id)
"""
# One that stands for others may have been taken down since: then each of them stays.
_STANDS = "(d.duplicate_of IS NULL OR d.duplicate_of NOT IN (SELECT id FROM records))"
_CHANGED = "id IN (SELECT id FROM changed)"

T = TypeVar("T")
Write = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which records, in which form: JSONL, DOLMA or MNBVC.

    ``title``: it stands above the text. ``source`` is the corpus that Dolma's rows name. ``representatives``: of each
    cluster of duplicates only the record that stands for it; ``since``: only what was added or changed since a run.
    """

    form: str = JSONL
    title: bool = False
    source: str | None = None
    representatives: bool = False
    since: str | None = None

    def write(self) -> Write:
        """Return what makes an object of a row.

        Raises:
            SetupError: there is no such form, or it has no place for what is asked.
        """
        if self.form not in COMPRESSION:
            raise SetupError(f"--to {self.form}: no known form. Known: {', '.join(COMPRESSION)}.")
        if self.title and self.form == JSONL:
            raise SetupError(f"--title: {JSONL} has the columns as they stand, the title is one; or use --to {DOLMA}.")
        if self.source is not None and self.form != DOLMA:
            raise SetupError(f"--source: only {DOLMA} names one; leave it out of --to {self.form}.")
        if self.form == DOLMA:
            return partial(dolma, title=self.title, source=SOURCE if self.source is None else self.source)
        return partial(mnbvc, title=self.title) if self.form == MNBVC else plain


@dataclass(frozen=True, slots=True)
class Exported:
    """How many records were written, to how many files."""

    records: int
    files: int


def export(
    dataset: Location,
    output: Output,
    wanted: ExportOptions,
    *,
    file_bytes: int = FILE_BYTES,
    progress: Progress = silent,
) -> Exported:
    """Write a dataset's records to a file or a folder, whole or not at all.

    Raises:
        SetupError: there is no dataset, run or form of this name, or the output lies in the dataset.
        BatchError: the machine failed (a full disk, a store that is gone); nothing was written.
    """
    check_dataset(dataset)
    if _within(output.place, dataset):
        raise SetupError(f"{output.place}: lies in the dataset {dataset}, whose files are its own. Name another place.")
    write, changed = wanted.write(), _changed(dataset, wanted)
    with (
        _told(f"{output.place}", "nothing was written"),
        output.work() as work,
        _chosen(dataset, wanted, write, changed, work, progress) as (total, lines),
    ):
        files = output.write(lines, work, file_bytes)
    return Exported(total, files)


@contextmanager
def exported(dataset: Location, wanted: ExportOptions) -> Iterator[Iterator[bytes]]:
    """Yield a dataset's records as lines, each with its line break.

    Raises: as `export`.
    """
    check_dataset(dataset)
    write, changed = wanted.write(), _changed(dataset, wanted)
    with (
        _told(str(dataset), "what came is not all"),
        _chosen(dataset, wanted, write, changed, None, silent) as (_, lines),
    ):
        yield lines


def _changed(dataset: Location, wanted: ExportOptions) -> list[str] | None:
    """Return the ids of what was added or changed since the run that is named; None where none is."""
    if wanted.since is None:
        return None
    return [name for name, change in changes(dataset, wanted.since) if change != "withdrawn"]


@contextmanager
def _chosen(
    dataset: Location,
    wanted: ExportOptions,
    write: Write,
    changed: list[str] | None,
    work: Path | None,
    progress: Progress,
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield how many records are wanted, and their lines; ``work`` is a folder on a disk with room."""
    conditions = [_STANDS] if wanted.representatives else []
    with Database(work) as database:
        for name in ("records", "duplicates"):
            database.view(name, delta.files(dataset, name), TABLES[name])
        if changed is not None:
            database.do("CREATE TABLE changed (id VARCHAR)")
            database.add("changed", pa.table({"id": pa.array(changed, pa.string())}))
            conditions.append(_CHANGED)
        query = _ROWS + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        total = database.one(f"SELECT count(*) FROM ({query})")
        rows = database.stream(query, TABLES["records"])
        batches = in_order(rows, ("id",), database.folder / "order", total)
        lines = (_line(write(row)) for batch in batches for row in batch.to_pylist())
        yield total, _counted("write", lines, total, progress)


def _line(made: dict[str, Any]) -> bytes:
    return json.dumps(made, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _counted(stage: str, each: Iterator[T], total: int, progress: Progress) -> Iterator[T]:
    for n, one in enumerate(each, 1):
        if n == total or not n % _EVERY:
            progress(stage, n, total)
        yield one


def _within(place: Location, folder: Location) -> bool:
    if isinstance(place, Path) and isinstance(folder, Path):
        return place.resolve().is_relative_to(folder.resolve())
    return str(place).startswith(str(folder).rstrip("/") + "/")


@contextmanager
def _told(place: str, left: str) -> Iterator[None]:
    """Raise a fault of the machine as one of ours, with what to do; that the reader of a pipe went away is none."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, pa.ArrowException, *DATABASE_FAULTS, delta.Fault) as fault:
        why = " ".join(str(fault).split())
        raise BatchError(f"{place}: the machine failed under the export ({why}); {left}. Run again.") from fault
