"""Export a dataset's records as lines of JSON, sorted by id, in the form that a corpus uses.

Records are sorted on disk, never whole in memory; duplicates are resolved by the table ``duplicates``.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.database import DATABASE_FAULTS, Database, in_order
from qingwen.dataset.dataset import changes, snapshot
from qingwen.dataset.delta import Snapshot
from qingwen.dataset.export_files import GZIP, NONE, Output
from qingwen.dataset.export_formats import SOURCE, dolma, mnbvc, plain
from qingwen.dataset.location import Location
from qingwen.dataset.progress import Progress, silent
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError, SetupError

JSONL, DOLMA, MNBVC = "jsonl", "dolma", "mnbvc"
# Default compression by form: MNBVC's checker opens uncompressed files only.
COMPRESSION = {JSONL: GZIP, DOLMA: GZIP, MNBVC: NONE}
# MNBVC's checker refuses files above 512 MiB; loaders prefer some hundred megabytes.
FILE_BYTES = 500 * 1024 * 1024
_EVERY = 1_000

_ROWS = """
    SELECT r.* REPLACE (
        d.duplicate_of AS duplicate_of, d.kind AS duplicate_kind, coalesce(d.cluster_size, 1) AS cluster_size
    ) FROM records r LEFT JOIN duplicates d USING (id)
"""
# If the representative was taken down, its duplicates stay.
_STANDS = "(d.duplicate_of IS NULL OR d.duplicate_of NOT IN (SELECT id FROM records))"
_CHANGED = "id IN (SELECT id FROM changed)"

T = TypeVar("T")
Write = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Which records to export, and in which form: JSONL, DOLMA or MNBVC.

    ``title`` puts the title above the text; ``source`` names the corpus in Dolma's rows; ``representatives`` keeps only
    the representative of each cluster of duplicates; ``since`` keeps only what was added or changed since a run, and
    ``min_confidence`` what is at least so sure.
    """

    form: str = JSONL
    title: bool = False
    source: str | None = None
    representatives: bool = False
    since: str | None = None
    min_confidence: float = 0.0

    def write(self) -> Write:
        """Return the function that turns a row into the form's object.

        Raises:
            SetupError: the form is unknown, or does not support an option.
        """
        if self.form not in COMPRESSION:
            raise SetupError(f"--to {self.form}: unknown form. Known forms: {', '.join(COMPRESSION)}.")
        if self.title and self.form == JSONL:
            raise SetupError(f"--title: {JSONL} already has the title as a column. Leave it out, or use --to {DOLMA}.")
        if self.source is not None and self.form != DOLMA:
            raise SetupError(f"--source: only {DOLMA} has a source. Leave it out with --to {self.form}.")
        if self.form == DOLMA:
            return partial(dolma, title=self.title, source=SOURCE if self.source is None else self.source)
        return partial(mnbvc, title=self.title) if self.form == MNBVC else plain


@dataclass(frozen=True, slots=True)
class Exported:
    """The number of records and files written."""

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
    """Write a dataset's records to a file or a folder, completely or not at all.

    Raises:
        SetupError: the dataset, run or form does not exist, or the output is inside the dataset.
        BatchError: the machine failed (a full disk, an unreachable store); nothing was written.
    """
    tables = snapshot(dataset)
    if _within(output.place, dataset):
        raise SetupError(f"{output.place}: is inside the dataset {dataset}. Name a place outside it.")
    write, changed = wanted.write(), _changed(dataset, wanted)
    with (
        _machine_faults(f"{output.place}", "nothing was written"),
        output.work() as work,
        _chosen(tables, wanted, write, changed, work, progress) as (total, lines),
    ):
        files = output.write(lines, work, file_bytes)
    return Exported(total, files)


@contextmanager
def exported(dataset: Location, wanted: ExportOptions) -> Iterator[Iterator[bytes]]:
    """Yield a dataset's records as lines that end in a line break.

    Raises: as `export`.
    """
    tables = snapshot(dataset)
    write, changed = wanted.write(), _changed(dataset, wanted)
    with (
        _machine_faults(str(dataset), "the output is incomplete"),
        _chosen(tables, wanted, write, changed, None, silent) as (_, lines),
    ):
        yield lines


def _changed(dataset: Location, wanted: ExportOptions) -> list[str] | None:
    """Return the ids of records added or changed since the named run, or None without one."""
    if wanted.since is None:
        return None
    return [name for name, change in changes(dataset, wanted.since) if change != "withdrawn"]


@contextmanager
def _chosen(
    tables: Snapshot,
    wanted: ExportOptions,
    write: Write,
    changed: list[str] | None,
    work: Path | None,
    progress: Progress,
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield the number of chosen records, and their lines; ``work`` is a folder on a disk with room."""
    conditions = [_STANDS] if wanted.representatives else []
    if wanted.min_confidence > 0:
        conditions.append(f"r.confidence >= {float(wanted.min_confidence)!r}")
    with Database(work) as database:
        for name in ("records", "duplicates"):
            database.view(name, delta.files(tables, name), TABLES[name])
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
def _machine_faults(place: str, left: str) -> Iterator[None]:
    """Raise a machine's fault as `BatchError` with advice; a closed pipe is not a fault."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, pa.ArrowException, *DATABASE_FAULTS, delta.Fault) as fault:
        why = " ".join(str(fault).split())
        raise BatchError(f"{place}: the machine failed under the export ({why}); {left}. Run again.") from fault
