"""A dataset's folder: whether it holds a dataset, which rules its rows follow, its runs, and what changed since one."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pyarrow import parquet

from qingwen.dataset import delta
from qingwen.dataset.location import Location, check_path, is_local, open_file, read_state, write_whole
from qingwen.errors import SetupError
from qingwen.model import SCHEMA_VERSION

# What ``_state/dataset.json`` states; rows of one dataset have the first three in common.
VERSIONS = ("rules_version", "config_digest", "schema_version", "min_similarity")

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
    last = max((path.name for path in (dataset / "_runs").glob("*")), default="") if dataset.exists() else ""
    with suppress(ValueError):
        now = max(now, datetime.strptime(last.partition("-")[0], _TIME) + timedelta(seconds=1))
    return f"{now.strftime(_TIME)}-{os.getpid()}"


def versions_of(dataset: Location) -> dict[str, Any]:
    """Return the versions of a dataset's rows (`VERSIONS`); empty before its first run.

    Raises:
        SetupError: the file is damaged.
    """
    hint = "Run with --rebuild to write the rows anew by the present rules, or put back a whole copy of the file."
    return read_state(dataset / "_state" / "dataset.json", _parsed_versions, hint) or {}


def _parsed_versions(octets: bytes) -> dict[str, Any]:
    stated: dict[str, Any] = json.loads(octets)
    if not stated.keys() >= {"rules_version", "config_digest"}:
        raise ValueError("no versions")
    return stated


def write_versions(dataset: Location, versions: Mapping[str, Any]) -> None:
    """Write what `versions_of` reads."""
    write_whole(dataset / "_state" / "dataset.json", json.dumps(versions, indent=1))


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
        SetupError: the folder holds something else.
    """
    check_path(dataset)
    is_ours = (dataset / "_state").is_dir() or (dataset / "records" / "_delta_log").is_dir()
    if is_local(dataset) and dataset.is_dir() and not is_ours and any(dataset.iterdir()):
        raise SetupError(f"--output {dataset}: the folder holds other things than a dataset. Name one of its own.")


def check_dataset(dataset: Location, *, any_version: bool = False) -> Location:
    """Return the path of a dataset; with ``any_version`` its tables may have the columns of another version.

    Raises:
        SetupError: there is no dataset, or it has other columns than this version reads.
    """
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
    folder = check_dataset(dataset) / "_runs"
    runs = sorted(path.name.removesuffix(".changes.parquet") for path in folder.glob("*.changes.parquet"))
    if since not in runs:
        known = ", ".join(runs[-3:]) or "none"
        raise SetupError(f"{since}: no run of {dataset} has this name. The last ones: {known}.")
    net: dict[str, str] = {}
    for run in runs[runs.index(since) + 1 :]:
        with open_file(folder / f"{run}.changes.parquet") as opened, parquet.ParquetFile(opened) as file:
            for batch in file.iter_batches(use_threads=False):
                for name, change in zip(batch["id"].to_pylist(), batch["change"].to_pylist(), strict=True):
                    total = _NET_CHANGE.get((net.pop(name, None), change), change)
                    if total is not None:
                        net[name] = total
    yield from sorted(net.items())
