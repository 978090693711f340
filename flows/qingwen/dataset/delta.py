"""Read and write the Delta tables of a dataset. The only file that imports deltalake.

A run makes one commit to each table, with its number as application transaction: a commit that a table already has is
not made again. Rows that only go are deleted in a second commit, after all tables have what they gain.

Readers open a `Snapshot`: the tables at versions that belong together.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction
from pyarrow import compute, parquet

from qingwen.dataset.layout import STATE, STATE_TABLES
from qingwen.dataset.location import Location, check_path, is_local, location_of, open_file, remove, sync
from qingwen.dataset.schema import KEYS, TABLES
from qingwen.errors import SetupError

# The applications of a run's commits to a table: to add rows and to replace some, and to delete what only goes.
APPLICATION, WITHDRAWAL = "qingwen", "qingwen-withdrawal"
# What reading and writing tables raises, besides OSError.
Fault = DeltaError
ROW_GROUP = 1000
# The optional partition column of records, and the column that it is made from.
MONTH, _MONTH_OF = "published_month", "published_at"
# How delta-rs names the data files that it writes, the entries of a log, and either while they are written.
_DATA_FILE = re.compile(
    r"(?:published_month=[^/]{1,40}/)?part-\d{5}-[0-9a-f-]{36}-c\d{3}(?:\.\w{1,20})?\.parquet(?:#\d{1,20})?"
)
_LOG_ENTRY = re.compile(r"\d{20}\.(?:json|crc|checkpoint(?:\.[\w-]{1,60}){0,3}\.(?:parquet|json))")
_UNFINISHED = re.compile(r"(?:_commit_[0-9a-f-]{36}\.json\.tmp|\d{20}\.[\w.-]{1,120}#\d{1,20})")
_LOG = "_delta_log"
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A dataset with the versions of its tables that belong together; a table without one is read as it is now."""

    dataset: Location
    versions: Mapping[str, int] = field(default_factory=dict)


def path_of(dataset: Location, name: str) -> str:
    """Return the path or URL of a table."""
    check_path(dataset)
    return str(dataset / STATE / name if name in STATE_TABLES else dataset / name)


def exists(dataset: Location | Snapshot, name: str) -> bool:
    """Tell whether a dataset has the table."""
    if isinstance(dataset, Snapshot):
        dataset = dataset.dataset
    return DeltaTable.is_deltatable(path_of(dataset, name))


def _open(dataset: Location | Snapshot, name: str) -> DeltaTable:
    """Open a table at the version of a snapshot, else at its last one.

    Raises:
        SetupError: its log is damaged.
    """
    at, place = (dataset.versions.get(name), dataset.dataset) if isinstance(dataset, Snapshot) else (None, dataset)
    path = path_of(place, name)
    try:
        table = DeltaTable(path)
        last = int(table.version())
        if at is not None and at > last:
            raise DeltaError(f"its last version is {last}")
        if at is not None and at < last:  # a run is publishing
            table.load_as_version(at)
        return table
    except DeltaError as fault:
        if not is_local(place):  # it may be out of reach
            raise
        why = str(fault).partition("\n")[0]
        version = "" if at is None else f" at version {at}, which {place / STATE / 'tables.json'} names"
        raise SetupError(
            f"{path}: the log of the table cannot be read{version} ({why}). Put back a whole copy of the dataset, or "
            "make it anew from its inputs."
        ) from fault


def files(dataset: Location | Snapshot, name: str) -> list[str]:
    """Return the data files of a table, sorted; none if there is no table.

    Raises:
        SetupError: the log is damaged, or names a file outside the table.
    """
    if not exists(dataset, name):
        return []
    place = dataset.dataset if isinstance(dataset, Snapshot) else dataset
    path = path_of(place, name)
    folder = location_of(path)
    return sorted(str(folder / one) for one in _names(_open(dataset, name), path))


def _names(table: DeltaTable, path: str) -> set[str]:
    """Return the names of a table's data files, relative to its folder; its log has them percent-encoded."""
    names = set()
    for stated in pa.table(table.get_add_actions())["path"].to_pylist():
        name = unquote(str(stated))
        if not _lies_inside(name):
            raise SetupError(
                f"{path}: its log names a file outside the table ({stated}), which is not read. The dataset was not "
                "written by qingwen alone: use a copy that you trust."
            )
        names.add(name)
    return names


def _lies_inside(name: str) -> bool:
    """Tell whether a name leads to a file below the folder that it is relative to."""
    parts = name.split("/")
    return not ({"", ".", ".."} & set(parts) or ":" in parts[0] or "\\" in name or "\0" in name)


def check_tables(dataset: Location | Snapshot) -> None:
    """Check that each table's log can be read, and names files inside the table alone.

    Raises:
        SetupError: one does not.
    """
    for name in TABLES:
        files(dataset, name)


def read(
    dataset: Location | Snapshot,
    name: str,
    columns: Sequence[str] | None = None,
    where: tuple[str, Sequence[str]] | None = None,
) -> Any:
    """Return the rows of a table as an Arrow table; no rows if there is no table.

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


def batches(dataset: Location | Snapshot, name: str, columns: Sequence[str]) -> Iterator[Any]:
    """Yield the rows of a table in batches, file by file; none if there is no table."""
    schema = _schema(name, columns)
    for file in files(dataset, name):
        with open_file(file) as opened, parquet.ParquetFile(opened) as data:
            for batch in data.iter_batches(ROW_GROUP, columns=list(columns), use_threads=False):
                yield from pa.Table.from_batches([batch]).cast(schema).to_batches()


def count(dataset: Location | Snapshot, name: str) -> int:
    """Return the number of rows of a table, from its log."""
    return int(_open(dataset, name).count()) if exists(dataset, name) else 0


def published(dataset: Location, name: str, application: str = APPLICATION) -> int:
    """Return the number of the last run that was committed to a table; 0 before the first."""
    return (_open(dataset, name).transaction_version(application) or 0) if exists(dataset, name) else 0


def version(dataset: Location, name: str) -> int:
    """Return the version of a table's last commit."""
    return int(_open(dataset, name).version())


def versions(dataset: Location) -> dict[str, int]:
    """Return the versions of the last commits of all tables that are there."""
    return {name: version(dataset, name) for name in TABLES if exists(dataset, name)}


def is_by_month(dataset: Location, name: str) -> bool:
    """Tell whether a table is partitioned by month of publication."""
    return exists(dataset, name) and MONTH in _open(dataset, name).metadata().partition_columns


def _with_month(rows: Any) -> Any:
    """Add the month to a reader's rows, as 2023-05; null if it is unknown."""
    reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
    schema = reader.schema.append(pa.field(MONTH, pa.string()))

    def batches() -> Iterator[Any]:
        for batch in reader:
            month = compute.strftime(batch.column(_MONTH_OF), "%Y-%m")
            yield pa.RecordBatch.from_arrays([*batch.columns, month], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def commit(dataset: Location, name: str, rows: Any, commit: Commit, replaced: Any = None) -> bool:
    """Add rows to a table and delete those that they replace, in one commit; return whether the commit was made.

    ``rows`` are an Arrow table or a reader, sorted as the table is; a reader is never whole in memory. ``replaced``
    is an Arrow column of keys. A run makes no second commit to a table.
    """
    path = path_of(dataset, name)
    if published(dataset, name) >= commit.number:
        return False
    properties = _commit_properties(commit, APPLICATION)
    new = not exists(dataset, name)
    replaces = commit.rebuild and not new
    by_month = is_by_month(dataset, name) or (commit.by_month and (new or replaces))
    if by_month:
        rows = _with_month(rows)
    if not (new or replaces):
        _replace(dataset, name, rows, replaced, properties)
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


def withdraw(dataset: Location, name: str, keys: Any, commit: Commit) -> None:
    """Delete the rows with these keys, an Arrow column, in one commit; a run makes no second one to a table."""
    if len(keys) and exists(dataset, name) and published(dataset, name, WITHDRAWAL) < commit.number:
        _replace(dataset, name, TABLES[name].empty_table(), keys, _commit_properties(commit, WITHDRAWAL))


def _commit_properties(commit: Commit, application: str) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"run": commit.run},
        app_transactions=[Transaction(application, commit.number)],
        max_commit_retries=0,
    )


def _properties(name: str) -> dict[str, str | None]:
    """Return the properties of a table. Of its rows the log states the least and the largest id of a file alone."""
    return {
        "delta.enableDeletionVectors": "false",
        "delta.dataSkippingStatsColumns": "page_id" if "page_id" in TABLES[name].names else "id",
    }


def _replace(dataset: Location, name: str, rows: Any, gone: Any, properties: CommitProperties) -> None:
    """Add rows and delete those with the keys of ``gone``, in one commit; files without such keys stay as they are."""
    table, old, new = _open(dataset, name), list[_File](), NewFiles(dataset, name)
    with new:
        for file in _files_of(table) if gone is not None and len(gone) else ():
            with (
                open_file(location_of(path_of(dataset, name)) / file.name) as opened,
                parquet.ParquetFile(opened) as data,
            ):
                keys = data.read([KEYS[name]], use_threads=False)[KEYS[name]].cast(pa.string())
                leaves = compute.is_in(keys, gone).combine_chunks()
                if not compute.any(leaves).as_py():
                    continue
                old.append(file)
                at = 0
                for batch in _batches_of(data, new.schema):
                    new.add(batch.filter(compute.invert(leaves.slice(at, batch.num_rows))), file.partition)
                    at += batch.num_rows
        for batch in rows if isinstance(rows, pa.RecordBatchReader) else rows.to_batches():
            new.add_by_month(batch)
        new.commit(table, old, properties)


def update(dataset: Location, name: str, rows: Any, columns: Sequence[str], *, label: str) -> None:
    """Set columns of some rows, by key, in one commit; ``rows`` is an Arrow table. Files without them do not change."""
    key, table, old = KEYS[name], _open(dataset, name), list[_File]()
    with NewFiles(dataset, name) as new:
        for file in _files_of(table):
            with (
                open_file(location_of(path_of(dataset, name)) / file.name) as opened,
                parquet.ParquetFile(opened) as data,
            ):
                keys = data.read([key], use_threads=False)[key].cast(pa.string())
                if not compute.any(compute.is_in(keys, rows[key])).as_py():
                    continue
                old.append(file)
                for batch in _batches_of(data, new.schema):
                    new.add(_updated(batch, rows, key, columns), file.partition)
        new.commit(table, old, CommitProperties(custom_metadata={"run": label}))


def _updated(batch: Any, rows: Any, key: str, columns: Sequence[str]) -> Any:
    found = compute.index_in(batch[key], rows[key])
    for column in columns:
        at = batch.schema.get_field_index(column)
        values = rows[column].combine_chunks().cast(batch.schema.field(column).type).take(found)
        batch = batch.set_column(at, batch.schema.field(at), compute.if_else(found.is_valid(), values, batch[column]))
    return batch


def join_small_files(dataset: Location, name: str, size: int) -> tuple[int, int]:
    """Compact a table to files of about ``size`` bytes, in one commit; return the number of files before and after.

    Rows do not change; those of each former file stay sorted. A file whose columns are not those declared is written
    anew.
    """
    table = _open(dataset, name)
    files = sorted(_files_of(table), key=lambda file: (file.partition or "", file.modified, file.name))
    folder, before = location_of(path_of(dataset, name)), len(files)
    groups = list[list[_File]]()
    for file in files:
        last = groups[-1] if groups else []
        fits = last and last[0].partition == file.partition and sum(one.size for one in last) + file.size <= size
        (last if fits else groups.append([]) or groups[-1]).append(file)  # type: ignore[func-returns-value]
    old = list[_File]()
    with NewFiles(dataset, name) as new:
        for group in groups:
            if len(group) == 1 and _is_as_declared(folder / group[0].name, new.schema):
                continue
            old += group
            for file in group:
                with open_file(folder / file.name) as opened, parquet.ParquetFile(opened) as data:
                    for batch in _batches_of(data, new.schema):
                        new.add(batch, file.partition)
            new.close_files()
        if old:
            new.commit(table, old, CommitProperties(custom_metadata={"run": "compact"}), changes=False)
        return before, before - len(old) + new.count


def _is_as_declared(place: Location, schema: Any) -> bool:
    with open_file(place) as opened:
        return bool(parquet.read_schema(opened).equals(schema, check_metadata=True))


@dataclass(frozen=True, slots=True)
class _File:
    """A data file of a table: its name, as the log states it and plain; its size, time and month."""

    stated: str
    name: str
    size: int
    modified: int
    partition: str | None


def _files_of(table: DeltaTable) -> list[_File]:
    """Return the data files of a table, by name."""
    rows = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    files = (
        _File(
            row["path"],
            unquote(row["path"]),
            row["size_bytes"],
            row["modification_time"],
            row.get(f"partition.{MONTH}"),
        )
        for row in rows
    )
    return sorted(files, key=lambda file: file.name)


def _batches_of(data: Any, schema: Any) -> Iterator[Any]:
    """Yield the rows of a file in the columns of a schema, whatever types of Arrow the file states."""
    for batch in data.iter_batches(ROW_GROUP, columns=schema.names, use_threads=False):
        yield from pa.Table.from_batches([batch]).cast(schema).to_batches()


class NewFiles:
    """Data files of a table while they are written, one for each month; each has the declared schema. Use as a context.

    What is not committed is removed.
    """

    def __init__(self, dataset: Location, name: str) -> None:
        self._folder = location_of(path_of(dataset, name))
        stated = pa.schema(_open(dataset, name).schema().to_arrow())
        self._by_month = MONTH in stated.names
        declared = TABLES[name]
        same = set(declared.names) == set(stated.names) - {MONTH}
        # The tables of an older version keep its columns.
        self.schema = declared if same else pa.schema([field for field in stated if field.name != MONTH])
        self._key = _properties(name)["delta.dataSkippingStatsColumns"]
        self._open: dict[str | None, _NewFile] = {}
        self._done: list[AddAction] = []
        self._committed = False

    @property
    def count(self) -> int:
        """Return how many files were written."""
        return len(self._done)

    def __enter__(self) -> NewFiles:
        return self

    def __exit__(self, *exception: object) -> None:
        for file in self._open.values():
            file.drop()
        for add in self._done if not self._committed else ():
            remove(self._folder / add.path)

    def add(self, batch: Any, partition: str | None) -> None:
        """Add rows to the file of a month."""
        if batch.num_rows:
            if partition not in self._open:
                self._open[partition] = _NewFile(self._folder, partition, self.schema, self._key, self._by_month)
            self._open[partition].write(pa.Table.from_batches([batch]).select(self.schema.names).cast(self.schema))

    def add_by_month(self, batch: Any) -> None:
        """Add new rows, each to the file of its month, which a column states where the table is in months."""
        if not self._by_month:
            self.add(batch, None)
            return
        for month in compute.unique(batch[MONTH]).to_pylist():
            same = compute.is_null(batch[MONTH]) if month is None else compute.equal(batch[MONTH], month)
            self.add(batch.filter(same), month)

    def close_files(self) -> None:
        """End the files that are open."""
        self._done += [file.close() for file in self._open.values()]
        self._open = {}

    def commit(
        self, table: DeltaTable, old: Sequence[_File], properties: CommitProperties, *, changes: bool = True
    ) -> None:
        """Commit the files in the place of old ones; ``changes``: the rows are others than those of the old ones."""
        self.close_files()
        for add in self._done:
            add.data_change = changes
        now = int(time.time() * 1000)
        gone = [
            RemoveAction(
                file.stated,
                changes,
                now,
                size=file.size,
                partition_values={MONTH: file.partition} if self._by_month else {},
            )
            for file in old
        ]
        table.create_write_transaction(
            [*gone, *self._done],
            "append",
            table.schema(),
            [MONTH] if self._by_month else None,
            commit_properties=properties,
        )
        self._committed = True


class _NewFile:
    """One data file while it is written."""

    def __init__(self, folder: Location, partition: str | None, schema: Any, key: str | None, by_month: bool) -> None:
        where = f"{MONTH}={partition or '__HIVE_DEFAULT_PARTITION__'}/" if by_month else ""
        self._name = f"{where}part-00000-{uuid4()}-c000.zstd.parquet"
        self._place = folder / self._name
        self._values: dict[str, str | None] = {MONTH: partition} if by_month else {}
        self._key, self._rows, self._nulls = str(key), 0, 0
        self._least: str | None = None
        self._most: str | None = None
        if isinstance(self._place, Path):
            self._place.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._place.open("wb")
        # Lists keep the name of their items, as delta-rs writes them.
        self._writer = parquet.ParquetWriter(
            self._file, schema, compression="zstd", compression_level=3, use_compliant_nested_type=False
        )
        self._waiting = schema.empty_table()

    def write(self, rows: Any) -> None:
        """Write rows, in groups of `ROW_GROUP`."""
        keys = rows[self._key]
        self._rows += rows.num_rows
        self._nulls += keys.null_count
        bounds = compute.min_max(keys)
        least, most = bounds["min"].as_py(), bounds["max"].as_py()
        if least is not None:
            self._least = least if self._least is None else min(least, self._least)
            self._most = most if self._most is None else max(most, self._most)
        self._waiting = pa.concat_tables([self._waiting, rows])
        while self._waiting.num_rows >= ROW_GROUP:
            self._writer.write_table(self._waiting.slice(0, ROW_GROUP).combine_chunks())
            self._waiting = self._waiting.slice(ROW_GROUP)

    def close(self) -> AddAction:
        """End the file; return the action that adds it."""
        if self._waiting.num_rows:
            self._writer.write_table(self._waiting.combine_chunks())
        self._writer.close()
        self._file.close()
        sync(self._place)
        stats: dict[str, Any] = {"numRecords": self._rows, "nullCount": {self._key: self._nulls}}
        if self._least is not None:
            stats |= {"minValues": {self._key: self._least}, "maxValues": {self._key: self._most}}
        size = self._place.stat().st_size if is_local(self._place) else int(self._place.fs.size(self._place.path))
        return AddAction(self._name, size, self._values, int(time.time() * 1000), True, json.dumps(stats))

    def drop(self) -> None:
        """Leave the file out."""
        with suppress(OSError, ValueError):
            self._writer.close()
        self._file.close()
        remove(self._place)


@dataclass(frozen=True, slots=True)
class Unused:
    """What lies unused in the folder of a table: ours, to be removed, and ``foreign`` files, to be left."""

    ours: tuple[Location, ...]
    foreign: tuple[Location, ...]


def find_unused(dataset: Location, name: str, hours: int) -> Unused:
    """Return the files and the log entries of a table that no version of the last hours needs.

    Ours are those that carry a name that qingwen gives, or that the log once named.
    """
    if not exists(dataset, name):
        return Unused((), ())
    path = path_of(dataset, name)
    folder, table = location_of(path), _open(dataset, name)
    used = _names(table, path)
    withdrawn = _withdrawn(table, hours)
    spared = used | (_withdrawn(table, 0) - withdrawn)
    last = int(table.version()) + (not _states_ids_alone(table, name))
    ours, foreign = [], []
    for place in _below(folder):
        one = _relative(place, folder)
        where, _, entry = one.partition("/")
        if where == _LOG:
            unfinished = bool(_UNFINISHED.fullmatch(entry))
            is_ours = unfinished or entry == "_last_checkpoint" or bool(_LOG_ENTRY.fullmatch(entry))
            is_old = (unfinished or (entry[:20].isdigit() and int(entry[:20]) < last)) and _is_older(place, hours)
        else:
            is_ours = one in used or bool(_DATA_FILE.fullmatch(one))
            is_old = one not in spared and _is_older(place, 0 if one in withdrawn else hours)
        if not is_ours:
            foreign.append(place)
        elif is_old:
            ours.append(place)
    return Unused(tuple(ours), tuple(foreign))


def _withdrawn(table: DeltaTable, hours: int) -> set[str]:
    """Return the files that the log names as withdrawn, so many hours ago or more."""
    stated = table.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False)
    return {unquote(one) for one in stated}


def _below(folder: Location) -> list[Location]:
    """Return the files below a folder, sorted; no link is followed."""
    if is_local(folder):
        return sorted(location_of(Path(where, one)) for where, _, names in os.walk(str(folder)) for one in names)
    return sorted((place for place in folder.rglob("*") if place.is_file()), key=str)


def _relative(place: Location, folder: Location) -> str:
    return place.relative_to(folder).as_posix() if is_local(place) else str(place)[len(str(folder).rstrip("/")) + 1 :]


def _states_ids_alone(table: DeltaTable, name: str) -> bool:
    """Tell whether the log states of each file the least and the largest id alone, as those since 1.1 do."""
    stated = table.metadata().configuration
    return all(stated.get(key) == value for key, value in _properties(name).items())


def keep_texts_out_of_the_log(dataset: Location, name: str) -> None:
    """Let the log of a table state of its files ids alone from now on, and write its checkpoint."""
    if exists(dataset, name):
        table = _open(dataset, name)
        if not _states_ids_alone(table, name):
            table.alter.set_table_properties({key: str(value) for key, value in _properties(name).items()})
        _open(dataset, name).create_checkpoint()


def _is_older(place: Location, hours: int) -> bool:
    when = place.stat().st_mtime if is_local(place) else place.fs.modified(place.path).timestamp()
    return time.time() - float(when) >= 3600 * hours
