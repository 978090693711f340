"""The Delta tables of a dataset: the only file that imports deltalake.

One run is one commit to each table, under the run's number as application transaction: a commit that is already there
is not made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from pyarrow import compute, parquet

from qingwen.dataset.location import Location, location_of, open_file
from qingwen.dataset.schema import KEYS, TABLES

APPLICATION = "qingwen"
# What writing and reading tables raises beside OSError.
Fault = DeltaError
ROW_GROUP = 1000
_OP, _DELETE, _ADD = "_op", "delete", "add"
_STATE = ("signatures",)
# What records are partitioned by, on request: a column of the table's paths, made from a column of its rows.
MONTH, _OF = "published_month", "published_at"
_WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=ROW_GROUP)


def place(dataset: Location, name: str) -> str:
    """Return where a table stands: beside the others or, where only runs read it, in the dataset's state."""
    return str(dataset / "_state" / name if name in _STATE else dataset / name)


def exists(dataset: Location, name: str) -> bool:
    """Tell whether a dataset has the table."""
    return DeltaTable.is_deltatable(place(dataset, name))


def files(dataset: Location, name: str) -> list[str]:
    """Return the data files of a table as it stands, sorted; of a table that is not there, none."""
    return sorted(DeltaTable(place(dataset, name)).file_uris()) if exists(dataset, name) else []


def read(
    dataset: Location, name: str, columns: Sequence[str] | None = None, where: tuple[str, Sequence[str]] | None = None
) -> Any:
    """Return a table as it stands, as an Arrow table; of a table that is not there, no rows.

    ``where`` keeps the rows whose column (first) holds one of the values (second).
    """
    schema = TABLES[name]
    wanted = list(columns or schema.names)
    found = [pa.schema([schema.field(column) for column in wanted]).empty_table()]
    # File by file and without the dataset scanner, which costs .6 s to import. A process that ended right after a
    # scan aborted once in native code; whether the scanner's threads did it is not known.
    found += (_part(file, schema, wanted, where) for file in files(dataset, name))
    return pa.concat_tables(found)


def _part(file: str, schema: Any, wanted: list[str], where: tuple[str, Sequence[str]] | None) -> Any:
    column, values = where or (None, ())
    needed = list(dict.fromkeys([*wanted, *([column] if column else [])]))
    # Cast first: files that delta-rs joined come as views of strings, for which Arrow lacks functions.
    kind = pa.schema([schema.field(name) for name in needed])
    with open_file(file) as opened, parquet.ParquetFile(opened) as data:
        if column is None:
            return data.read(columns=needed, use_threads=False).cast(kind)
        found = [kind.empty_table()]
        for batch in data.iter_batches(columns=needed, use_threads=False):
            rows = pa.Table.from_batches([batch]).cast(kind)
            found.append(rows.filter(compute.is_in(rows[column], pa.array(values, pa.string()))))
        return pa.concat_tables(found).select(wanted)


def batches(dataset: Location, name: str, columns: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of a table as it stands, batch by batch, file by file; of a table that is not there, none."""
    kind = pa.schema([TABLES[name].field(column) for column in columns])
    for file in files(dataset, name):
        with open_file(file) as opened, parquet.ParquetFile(opened) as data:
            for batch in data.iter_batches(ROW_GROUP, columns=list(columns), use_threads=False):
                yield from pa.Table.from_batches([batch]).cast(kind).to_batches()


def count(dataset: Location, name: str) -> int:
    """Return how many rows a table has, by what its commits say."""
    return int(DeltaTable(place(dataset, name)).count()) if exists(dataset, name) else 0


def published(dataset: Location, name: str) -> int:
    """Return the number of the last run that was published to a table; 0 before the first."""
    if not exists(dataset, name):
        return 0
    return DeltaTable(place(dataset, name)).transaction_version(APPLICATION) or 0


def version(dataset: Location, name: str) -> int:
    """Return the version of a table's last commit."""
    return int(DeltaTable(place(dataset, name)).version())


def is_by_month(dataset: Location, name: str) -> bool:
    """Tell whether a table is partitioned by month of publication."""
    return exists(dataset, name) and MONTH in DeltaTable(place(dataset, name)).metadata().partition_columns


def _with_month(rows: Any) -> Any:
    """Return a reader of rows with their month, as 2023-05, null where it is unknown."""
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    schema = reader.schema.append(pa.field(MONTH, pa.string()))

    def batches() -> Iterator[Any]:
        for batch in reader:
            month = compute.strftime(batch.column(_OF), "%Y-%m")
            yield pa.RecordBatch.from_arrays([*batch.columns, month], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def commit(
    dataset: Location,
    name: str,
    rows: Any,
    withdrawn: Any = None,
    *,
    run: int,
    label: str,
    rebuild: bool = False,
    by_month: bool = False,
) -> bool:
    """Add rows to a table and withdraw those whose key is named, in one commit; tell whether it was made.

    ``rows`` are an Arrow table or a reader, sorted as the table is; a reader is never whole in memory. ``withdrawn``
    is an Arrow column of keys. A run that is already published to the table makes no commit. ``by_month`` partitions
    a table that is made, or made anew; one that stands stays as it is.
    """
    path = place(dataset, name)
    if published(dataset, name) >= run:
        return False
    properties = CommitProperties(
        custom_metadata={"run": label}, app_transactions=[Transaction(APPLICATION, run)], max_commit_retries=0
    )
    new = not exists(dataset, name)
    by_month = is_by_month(dataset, name) or (by_month and (new or rebuild))
    if by_month:
        rows = _with_month(rows)
    if withdrawn is not None and len(withdrawn) and not (new or rebuild):
        _merge(path, name, rows, withdrawn, properties)
        return True
    write_deltalake(
        path,
        rows,
        mode="overwrite" if rebuild and not new else "append",
        schema_mode="overwrite" if rebuild and not new else None,
        partition_by=[MONTH] if by_month else None,
        name=name,
        configuration={"delta.enableDeletionVectors": "false"} if new else None,
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    return True


def _merge(path: str, name: str, rows: Any, withdrawn: Any, properties: CommitProperties) -> None:
    """Delete and add in one commit: the source's rows say which, so that a row may go and come again."""
    key = KEYS[name]
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    columns = [field.with_nullable(True) for field in reader.schema]
    loose = pa.schema([*columns, pa.field(_OP, pa.string())])
    tombstones = pa.table(
        {field.name: withdrawn if field.name == key else pa.nulls(len(withdrawn), field.type) for field in columns}
    )

    def marked(batches: Iterable[Any], operation: str) -> Iterator[Any]:
        for batch in batches:
            marks = pa.array([operation] * batch.num_rows, pa.string())
            yield pa.RecordBatch.from_arrays([*batch.columns, marks], schema=loose)

    source = chain(
        marked(tombstones.combine_chunks().to_batches(), _DELETE),
        marked(reader, _ADD),
    )
    (
        DeltaTable(path)
        .merge(
            source=pa.RecordBatchReader.from_batches(loose, source),
            predicate=f"t.{key} = s.{key} AND s.{_OP} = '{_DELETE}'",
            source_alias="s",
            target_alias="t",
            writer_properties=_WRITER,
            commit_properties=properties,
        )
        .when_matched_delete()
        .when_not_matched_insert_all(predicate=f"s.{_OP} = '{_ADD}'", except_cols=[_OP])
        .execute()
    )


def update(dataset: Location, name: str, rows: Any, columns: Sequence[str], *, label: str) -> None:
    """Set columns of the rows whose keys ``rows`` (an Arrow table) names, in one commit; other files stay untouched."""
    key = KEYS[name]
    (
        DeltaTable(place(dataset, name))
        .merge(
            source=rows,
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
    """Join a table's small files to files of about ``size`` bytes, in one commit; return files before and after.

    Rows do not change; in a joined file they are sorted by stretches.
    """
    table = DeltaTable(place(dataset, name))
    before = len(table.file_uris())
    table.optimize.compact(target_size=size, writer_properties=_WRITER)
    return before, len(table.file_uris())


def remove_unused(dataset: Location, name: str, hours: int) -> int:
    """Remove the files that no version of the last hours uses; return how many."""
    folder = location_of(place(dataset, name))
    before = _n_files(folder)
    # What it returns names files that went long ago, too.
    DeltaTable(str(folder)).vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
    return before - _n_files(folder)


def _n_files(folder: Location) -> int:
    """Return how many data files lie in a table's folder, those of its partitions too."""
    return sum(1 for pattern in ("*.parquet", f"{MONTH}=*/*.parquet") for _ in folder.glob(pattern))
