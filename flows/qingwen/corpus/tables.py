"""The Delta tables of a dataset: the only file that imports deltalake.

One run is one commit to each table, under the run's number as application transaction: a commit that is already there
is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from pyarrow import compute, parquet

from qingwen.corpus.schemas import KEYS, ORDERS, TABLES
from qingwen.corpus.spread import Spread

APPLICATION = "qingwen"
ROW_GROUP = 1000
_OP, _DELETE, _ADD = "_op", "delete", "add"
_WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=ROW_GROUP)


def exists(dataset: Path, name: str) -> bool:
    """Tell whether a dataset has the table."""
    return DeltaTable.is_deltatable(str(dataset / name))


def read(
    dataset: Path, name: str, columns: Sequence[str] | None = None, where: tuple[str, Sequence[str]] | None = None
) -> Any:
    """Return a table as it stands, as an Arrow table; of a table that is not there, no rows.

    ``where`` keeps the rows whose column (first) holds one of the values (second).
    """
    schema = TABLES[name]
    wanted = list(columns or schema.names)
    found = [pa.schema([schema.field(column) for column in wanted]).empty_table()]
    if exists(dataset, name):
        # File by file and without the dataset scanner, which costs .6 s to import. A process that ended right after a
        # scan aborted once in native code; whether the scanner's threads did it is not known.
        files = DeltaTable(str(dataset / name)).file_uris()
        found += (_part(file, wanted, where).cast(found[0].schema) for file in sorted(files))
    return pa.concat_tables(found)


def _part(file: str, wanted: list[str], where: tuple[str, Sequence[str]] | None) -> Any:
    with parquet.ParquetFile(file) as data:
        if where is None:
            return data.read(columns=wanted, use_threads=False)
        column, values = where
        needed = list(dict.fromkeys([*wanted, column]))
        batches = []
        for batch in data.iter_batches(columns=needed, use_threads=False):
            kept = batch.filter(compute.is_in(batch[column], pa.array(values, pa.string())))
            if kept.num_rows:
                batches.append(kept)
        return pa.Table.from_batches(batches, data.schema_arrow.empty_table().select(needed).schema).select(wanted)


def published(dataset: Path, name: str) -> int:
    """Return the number of the last run that was published to a table; 0 before the first."""
    if not exists(dataset, name):
        return 0
    return DeltaTable(str(dataset / name)).transaction_version(APPLICATION) or 0


def version(dataset: Path, name: str) -> int:
    """Return the version of a table's last commit."""
    return int(DeltaTable(str(dataset / name)).version())


def commit(
    dataset: Path, name: str, rows: Any, withdrawn: Sequence[str], *, run: int, label: str, rebuild: bool = False
) -> bool:
    """Add rows to a table and withdraw those whose key is named, in one commit; tell whether there was one to make.

    ``rows`` are an Arrow table, or what `spread` wrote, which is never whole in memory unless something is withdrawn.

    A run that is already published to the table, or has nothing to say to it, makes none.
    """
    place = str(dataset / name)
    if published(dataset, name) >= run:
        return False
    large = isinstance(rows, Spread)
    if not large:
        rows = rows.cast(TABLES[name]).sort_by([(column, "ascending") for column in ORDERS[name]])
    properties = CommitProperties(
        custom_metadata={"run": label}, app_transactions=[Transaction(APPLICATION, run)], max_commit_retries=0
    )
    new = not exists(dataset, name)
    if withdrawn and not (new or rebuild):
        _merge(place, name, rows.read() if large else rows, withdrawn, properties)
        return True
    if not (rows.num_rows or new or rebuild or name == "records"):
        return False
    write_deltalake(
        place,
        rows.stream() if large else rows,
        mode="overwrite" if rebuild and not new else "append",
        schema_mode="overwrite" if rebuild and not new else None,
        name=name,
        configuration={"delta.enableDeletionVectors": "false"} if new else None,
        writer_properties=_WRITER,
        commit_properties=properties,
    )
    return True


def _merge(place: str, name: str, rows: Any, withdrawn: Sequence[str], properties: CommitProperties) -> None:
    key, schema = KEYS[name], TABLES[name]
    loose = pa.schema([field.with_nullable(True) for field in schema])
    gone = pa.table({key: pa.array(list(withdrawn), pa.string())})
    tombstones = pa.table(
        {f.name: gone[key] if f.name == key else pa.nulls(gone.num_rows, f.type) for f in loose}, schema=loose
    )
    source = pa.concat_tables([tombstones, rows.cast(loose)])
    operations = [_DELETE] * tombstones.num_rows + [_ADD] * rows.num_rows
    source = source.append_column(_OP, pa.array(operations, pa.string()))
    (
        DeltaTable(place)
        .merge(
            source=source,
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
