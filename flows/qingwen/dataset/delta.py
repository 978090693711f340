"""Read and write the Delta tables of a dataset. The only file that imports deltalake.

A run makes one commit to each table, with its number as application transaction: a commit that a table already has is
not made again.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from pyarrow import compute, parquet

from qingwen.dataset.location import Location, check_path, is_local, location_of, open_file, remove
from qingwen.dataset.schema import KEYS, TABLES

APPLICATION = "qingwen"
# What reading and writing tables raises, besides OSError.
Fault = DeltaError
ROW_GROUP = 1000
_OPERATION, _DELETE, _ADD = "_op", "delete", "add"
# Tables that only runs read.
_STATE_TABLES = ("signatures",)
# The optional partition column of records, and the column that it is made from.
MONTH, _MONTH_OF = "published_month", "published_at"
_WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=ROW_GROUP)


@dataclass(frozen=True, slots=True)
class Commit:
    """One run's commit to a table, by the run's number and name.

    ``rebuild`` replaces all rows; ``by_month`` partitions a table that is created or rebuilt.
    """

    number: int
    run: str
    rebuild: bool = False
    by_month: bool = False


def path_of(dataset: Location, name: str) -> str:
    """Return the path or URL of a table."""
    check_path(dataset)
    return str(dataset / "_state" / name if name in _STATE_TABLES else dataset / name)


def exists(dataset: Location, name: str) -> bool:
    """Tell whether a dataset has the table."""
    return DeltaTable.is_deltatable(path_of(dataset, name))


def files(dataset: Location, name: str) -> list[str]:
    """Return the current data files of a table, sorted; none if there is no table."""
    # Paths are percent-encoded there, as in URLs.
    return sorted(map(unquote, DeltaTable(path_of(dataset, name)).file_uris())) if exists(dataset, name) else []


def read(
    dataset: Location, name: str, columns: Sequence[str] | None = None, where: tuple[str, Sequence[str]] | None = None
) -> Any:
    """Return the current rows of a table as an Arrow table; no rows if there is no table.

    ``where`` keeps the rows whose column (first) holds one of the values (second).
    """
    names = list(columns or TABLES[name].names)
    # File by file and without the dataset scanner, which costs .6 s to import. A process that ended right after a
    # scan aborted once in native code, perhaps by the scanner's threads.
    parts = [_read_file(file, name, names, where) for file in files(dataset, name)]
    return pa.concat_tables([_schema(name, names).empty_table(), *parts])


def _schema(name: str, columns: Sequence[str]) -> Any:
    return pa.schema([TABLES[name].field(column) for column in columns])


def _read_file(file: str, name: str, columns: list[str], where: tuple[str, Sequence[str]] | None) -> Any:
    column, values = where or (None, ())
    needed = list(dict.fromkeys([*columns, *([column] if column else [])]))
    # Cast first: files that delta-rs compacted have string views, for which Arrow lacks functions.
    schema = _schema(name, needed)
    with open_file(file) as opened, parquet.ParquetFile(opened) as data:
        if column is None:
            return data.read(columns=needed, use_threads=False).cast(schema)
        parts = [schema.empty_table()]
        for batch in data.iter_batches(columns=needed, use_threads=False):
            rows = pa.Table.from_batches([batch]).cast(schema)
            parts.append(rows.filter(compute.is_in(rows[column], pa.array(values, pa.string()))))
        return pa.concat_tables(parts).select(columns)


def batches(dataset: Location, name: str, columns: Sequence[str]) -> Iterator[Any]:
    """Yield the current rows of a table in batches, file by file; none if there is no table."""
    schema = _schema(name, columns)
    for file in files(dataset, name):
        with open_file(file) as opened, parquet.ParquetFile(opened) as data:
            for batch in data.iter_batches(ROW_GROUP, columns=list(columns), use_threads=False):
                yield from pa.Table.from_batches([batch]).cast(schema).to_batches()


def count(dataset: Location, name: str) -> int:
    """Return the number of rows of a table, from its log."""
    return int(DeltaTable(path_of(dataset, name)).count()) if exists(dataset, name) else 0


def published(dataset: Location, name: str) -> int:
    """Return the number of the last run that was committed to a table; 0 before the first."""
    return (DeltaTable(path_of(dataset, name)).transaction_version(APPLICATION) or 0) if exists(dataset, name) else 0


def version(dataset: Location, name: str) -> int:
    """Return the version of a table's last commit."""
    return int(DeltaTable(path_of(dataset, name)).version())


def is_by_month(dataset: Location, name: str) -> bool:
    """Tell whether a table is partitioned by month of publication."""
    return exists(dataset, name) and MONTH in DeltaTable(path_of(dataset, name)).metadata().partition_columns


def _with_month(rows: Any) -> Any:
    """Add the month to a reader's rows, as 2023-05; null if it is unknown."""
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    schema = reader.schema.append(pa.field(MONTH, pa.string()))

    def batches() -> Iterator[Any]:
        for batch in reader:
            month = compute.strftime(batch.column(_MONTH_OF), "%Y-%m")
            yield pa.RecordBatch.from_arrays([*batch.columns, month], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _described_as(rows: Any, path: str) -> pa.RecordBatchReader:
    """Return rows with the column descriptions of a table: delta-rs merges no columns whose descriptions differ."""
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    table = pa.schema(DeltaTable(path).schema().to_arrow())
    schema = pa.schema([_described(field, table.field(field.name)) for field in reader.schema])
    return pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in reader))


def _described(field: pa.Field, other: pa.Field) -> pa.Field:
    """Return a column with another's description, its inner fields too."""
    if pa.types.is_struct(field.type):
        inner = [_described(one, other.type.field(one.name)) for one in field.type]
        field = field.with_type(pa.struct(inner))
    return field.with_metadata(other.metadata)


def commit(dataset: Location, name: str, rows: Any, commit: Commit, withdrawn: Any = None) -> bool:
    """Add rows to a table and delete the withdrawn ones, in one commit; return whether the commit was made.

    ``rows`` are an Arrow table or a reader, sorted as the table is; a reader is never whole in memory. ``withdrawn``
    is an Arrow column of keys. A run makes no second commit to a table.
    """
    path = path_of(dataset, name)
    if published(dataset, name) >= commit.number:
        return False
    properties = CommitProperties(
        custom_metadata={"run": commit.run},
        app_transactions=[Transaction(APPLICATION, commit.number)],
        max_commit_retries=0,
    )
    new = not exists(dataset, name)
    replaces = commit.rebuild and not new
    by_month = is_by_month(dataset, name) or (commit.by_month and (new or replaces))
    if by_month:
        rows = _with_month(rows)
    if not (new or replaces):
        rows = _described_as(rows, path)
    if withdrawn is not None and len(withdrawn) and not (new or replaces):
        _merge(path, name, rows, withdrawn, properties)
        return True
    write_deltalake(
        path,
        rows,
        mode="overwrite" if replaces else "append",
        schema_mode="overwrite" if replaces else None,
        partition_by=[MONTH] if by_month else None,
        name=name,
        configuration=_properties(name) if new else None,
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    return True


def _properties(name: str) -> dict[str, str | None]:
    """Return the properties of a table. Of its rows the log states the least and the largest id of a file alone."""
    return {
        "delta.enableDeletionVectors": "false",
        "delta.dataSkippingStatsColumns": "page_id" if "page_id" in TABLES[name].names else "id",
    }


def _merge(path: str, name: str, rows: Any, withdrawn: Any, properties: CommitProperties) -> None:
    """Delete and add rows in one commit. A column of the source says which, so that a key may be deleted and added."""
    key = KEYS[name]
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    columns = [field.with_nullable(True) for field in reader.schema]
    schema = pa.schema([*columns, pa.field(_OPERATION, pa.string())])
    tombstones = pa.table(
        {field.name: withdrawn if field.name == key else pa.nulls(len(withdrawn), field.type) for field in columns}
    )

    def marked(batches: Iterable[Any], operation: str) -> Iterator[Any]:
        for batch in batches:
            marks = pa.array([operation] * batch.num_rows, pa.string())
            yield pa.RecordBatch.from_arrays([*batch.columns, marks], schema=schema)

    source = chain(marked(tombstones.combine_chunks().to_batches(), _DELETE), marked(reader, _ADD))
    (
        DeltaTable(path)
        .merge(
            source=pa.RecordBatchReader.from_batches(schema, source),
            predicate=f"t.{key} = s.{key} AND s.{_OPERATION} = '{_DELETE}'",
            source_alias="s",
            target_alias="t",
            writer_properties=_WRITER,
            commit_properties=properties,
        )
        .when_matched_delete()
        .when_not_matched_insert_all(predicate=f"s.{_OPERATION} = '{_ADD}'", except_cols=[_OPERATION])
        .execute()
    )


def update(dataset: Location, name: str, rows: Any, columns: Sequence[str], *, label: str) -> None:
    """Set columns of some rows, by key, in one commit; ``rows`` is an Arrow table. Files without them do not change."""
    key, path = KEYS[name], path_of(dataset, name)
    (
        DeltaTable(path)
        .merge(
            source=_described_as(rows, path),
            predicate=f"t.{key} = s.{key}",
            source_alias="s",
            target_alias="t",
            writer_properties=_WRITER,
            commit_properties=CommitProperties(custom_metadata={"run": label}),
        )
        .when_matched_update({column: f"s.{column}" for column in columns})
        .execute()
    )


def join_small_files(dataset: Location, name: str, size: int) -> tuple[int, int]:
    """Compact a table to files of about ``size`` bytes, in one commit; return the number of files before and after.

    Rows do not change; those of each former file stay sorted.
    """
    table = DeltaTable(path_of(dataset, name))
    before = len(table.file_uris())
    table.optimize.compact(target_size=size, writer_properties=_WRITER)
    return before, len(table.file_uris())


def remove_unused(dataset: Location, name: str, hours: int) -> int:
    """Remove the files and the log entries that no version of the last hours needs; return the number of files."""
    folder = location_of(path_of(dataset, name))
    before = _n_files(folder)
    table = DeltaTable(str(folder))
    stated = table.metadata().configuration
    if any(stated.get(key) != value for key, value in _properties(name).items()):
        # A version before 1.1 made the table: its log states the least and the largest text of each file.
        table.alter.set_table_properties({key: str(value) for key, value in _properties(name).items()})
    # Its result names files that were removed long ago too.
    table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
    _shorten_log(folder, hours)
    return before - _n_files(folder)


def _shorten_log(folder: Location, hours: int) -> None:
    """Remove the entries of a log that a checkpoint makes needless and that are older than some hours."""
    table = DeltaTable(str(folder))
    table.create_checkpoint()
    for entry in (folder / "_delta_log").glob("*"):
        number = entry.name.partition(".")[0]
        old = time.time() - _modified(entry) >= 3600 * hours
        if number.isdigit() and int(number) < table.version() and old:
            remove(entry)


def _modified(place: Location) -> float:
    if is_local(place):
        return float(place.stat().st_mtime)
    when = place.fs.modified(place.path)
    return float(when.timestamp())


def _n_files(folder: Location) -> int:
    return sum(1 for pattern in ("*.parquet", f"{MONTH}=*/*.parquet") for _ in folder.glob(pattern))
