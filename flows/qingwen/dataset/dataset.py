"""A dataset's folder: whether it holds a dataset, which rules its rows follow, its runs, and what changed since one."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from pydantic import TypeAdapter

from qingwen.dataset import delta
from qingwen.dataset.delta import Snapshot
from qingwen.dataset.layout import RUN, RUNS, STATE, check_links
from qingwen.dataset.location import Location, check_path, is_local, open_file, read_state, write_whole
from qingwen.dataset.part_files import columns_of
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.model import SCHEMA_VERSION

# What ``_state/dataset.json`` states, and of what kind; rows of one dataset have the first three in common.
_KINDS: Mapping[str, type] = {
    "rules_version": str,
    "config_digest": str,
    "schema_version": int,
    "min_similarity": float,
}
VERSIONS = tuple(_KINDS)
# In the state: the versions of the tables that belong together.
_TABLES = "tables.json"

CHANGES = pa.schema([("id", pa.string()), ("change", pa.string())])
# The change of a record over several runs, by its change so far and the next one; None: no change in all.
_NET_CHANGE: Mapping[tuple[str | None, str], str | None] = {
    ("added", "changed"): "added",
    ("added", "withdrawn"): None,
    ("withdrawn", "added"): "changed",
}

_TIME = "%Y%m%dT%H%M%S"


def new_name(dataset: Location) -> str:
    """Return a name for a run: its time, and the process.

    Names sort in the order of runs: where the clock went back, the time is the second after the last run's.
    """
    now = datetime.now()
    names = (path.name.partition(".")[0] for path in (dataset / RUNS).glob("*")) if dataset.exists() else ()
    last = max((name for name in names if RUN.fullmatch(name)), default="")
    with suppress(ValueError, OverflowError):
        now = max(now, datetime.strptime(last.partition("-")[0], _TIME) + timedelta(seconds=1))
    return f"{now.strftime(_TIME)}-{os.getpid()}"


def versions_of(dataset: Location) -> dict[str, Any]:
    """Return the versions of a dataset's rows (`VERSIONS`); empty before its first run.

    Raises:
        SetupError: the file is damaged.
    """
    hint = "Run with --rebuild to write the rows anew by the present rules, or put back a whole copy of the file."
    return read_state(dataset / STATE / "dataset.json", _parsed_versions, hint) or {}


def _parsed_versions(octets: bytes) -> dict[str, Any]:
    stated = json.loads(octets)
    return {
        name: TypeAdapter(kind).validate_python(stated[name], strict=kind is not float)
        for name, kind in _KINDS.items()
        if name in stated or name in ("rules_version", "config_digest")
    }


def snapshot(dataset: Location, *, any_version: bool = False) -> Snapshot:
    """Return the tables of a dataset as its last run left them, also while another one publishes.

    Raises: as `check_dataset`.
    """
    check_dataset(dataset, any_version=any_version)
    tables = Snapshot(dataset, pinned(dataset))
    delta.check_tables(tables)
    return tables


def pinned(dataset: Location) -> dict[str, int]:
    """Return the versions of the tables that belong together; empty for a dataset of 1.0, which names none.

    Raises:
        SetupError: the file is damaged.
    """
    hint = "Remove it: the next run writes it anew."
    return read_state(dataset / STATE / _TABLES, _parsed_pins, hint) or {}


def _parsed_pins(octets: bytes) -> dict[str, int]:
    stated = TypeAdapter(dict[str, int]).validate_json(octets, strict=True)
    if not stated.keys() <= TABLES.keys() or any(not 0 <= version < 1 << 31 for version in stated.values()):
        raise ValueError("no versions of tables")
    return stated


def pin(dataset: Location) -> dict[str, int]:
    """Let readers follow the tables as they are now; return their versions. Where they do, nothing is written."""
    now = delta.versions(dataset)
    with suppress(SetupError):
        if pinned(dataset) == now:
            return now
    write_whole(dataset / STATE / _TABLES, json.dumps(now, indent=1))
    return now


def write_versions(dataset: Location, versions: Mapping[str, Any]) -> None:
    """Write what `versions_of` reads."""
    write_whole(dataset / STATE / "dataset.json", json.dumps(versions, indent=1))


def check_versions(dataset: Location, mine: Mapping[str, Any], *, by_month: bool) -> None:
    """Check that rows of these versions fit those of a dataset.

    Raises:
        SetupError: they do not; the message says what to do.
    """
    known = versions_of(dataset)
    if not known:
        return
    if by_month and not delta.is_by_month(dataset, "records"):
        raise SetupError(
            f"{dataset}: its records are not partitioned by month. Run again with --rebuild "
            "to write them anew, or leave out --partition-by."
        )
    other = [name for name, value in mine.items() if known.get(name) != value]
    if other:
        differences = ", ".join(f"{name} {known.get(name)} (now {mine[name]})" for name in other)
        raise SetupError(
            f"{dataset}: its rows were made with {differences}; rows of different rules do not mix. "
            "Run again with --rebuild to make them all anew, or write to another --output."
        )


def check_output(dataset: Location) -> None:
    """Check that a dataset stands at a path, or can be made there: the folder is empty or does not exist.

    Raises:
        SetupError: the folder holds something else, or the dataset holds a link.
    """
    check_path(dataset)
    check_links(dataset)
    is_ours = (dataset / STATE).is_dir() or (dataset / "records" / "_delta_log").is_dir()
    if is_local(dataset) and dataset.is_dir() and not is_ours and any(dataset.iterdir()):
        raise SetupError(f"--output {dataset}: the folder holds other things than a dataset. Name one of its own.")


def check_dataset(dataset: Location, *, any_version: bool = False) -> Location:
    """Return the path of a dataset; with ``any_version`` its tables may have the columns of another version.

    Raises:
        SetupError: there is no dataset, it has other columns than this version reads, or it holds a link.
    """
    check_path(dataset)
    check_links(dataset)
    if not delta.exists(dataset, "records"):
        raise SetupError(f"{dataset}: there is no dataset here. Name the folder that qingwen clean wrote.")
    version = SCHEMA_VERSION if any_version else versions_of(dataset).get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise SetupError(
            f"{dataset}: its tables have the columns of version {version} (this qingwen reads {SCHEMA_VERSION}). "
            "Make them anew with qingwen clean --rebuild, or read them with the version that wrote them."
        )
    return dataset


def changes(dataset: Location, since: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the change (added, changed or withdrawn) of each record that differs from those after a run.

    Raises:
        SetupError: there is no such run; the message names the last ones.
    """
    folder = check_dataset(dataset) / RUNS
    names = (path.name.removesuffix(".changes.parquet") for path in folder.glob("*.changes.parquet"))
    runs = sorted(name for name in names if RUN.fullmatch(name))
    if since not in runs:
        known = ", ".join(runs[-3:]) or "none"
        raise SetupError(f"{since}: no run of {dataset} has this name. The last ones: {known}.")
    net: dict[str, str] = {}
    for run in runs[runs.index(since) + 1 :]:
        with open_file(folder / f"{run}.changes.parquet") as opened, parquet.ParquetFile(opened) as file:
            if columns_of(file.schema_arrow) != columns_of(CHANGES):
                raise SetupError(f"{folder / run}.changes.parquet: is damaged: it does not list changes of records.")
            for batch in file.iter_batches(use_threads=False):
                for name, change in zip(batch["id"].to_pylist(), batch["change"].to_pylist(), strict=True):
                    total = _NET_CHANGE.get((net.pop(name, None), change), change)
                    if total is not None:
                        net[name] = total
    yield from sorted(net.items())
