"""A dataset's folder: is one there, which rules its rows follow, and the names of its runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from qingwen.dataset import delta
from qingwen.dataset.location import Location
from qingwen.errors import SetupError

# What ``_state/dataset.json`` says of the rows; the first three are what rows of one dataset have in common.
VERSIONS = ("rules_version", "config_digest", "schema_version", "min_similarity")

_TIME = "%Y%m%dT%H%M%S"


def new_name(dataset: Location) -> str:
    """Return a name for a run: its time, and the process.

    Names tell the order of runs: where the clock went back, the time is the second after the last run's.
    """
    now = datetime.now()
    last = max((path.name for path in (dataset / "_runs").glob("*")), default="") if dataset.exists() else ""
    with suppress(ValueError):
        now = max(now, datetime.strptime(last.partition("-")[0], _TIME) + timedelta(seconds=1))
    return f"{now.strftime(_TIME)}-{os.getpid()}"


def versions_of(dataset: Location) -> dict[str, Any]:
    """Return what the rows of a dataset have in common; empty where none stands yet."""
    stated = dataset / "_state" / "dataset.json"
    found: dict[str, Any] = json.loads(stated.read_text("utf-8")) if stated.exists() else {}
    return found


def check_versions(dataset: Location, mine: Mapping[str, Any], *, by_month: bool) -> None:
    """Look whether rows made with these versions fit those of a dataset.

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
        said = ", ".join(f"{name} {known.get(name)} (now {mine[name]})" for name in other)
        raise SetupError(
            f"{dataset}: its rows were made with {said}; rows of different rules do not mix. "
            "Run again with --rebuild to make them all anew, or write to another --output."
        )


def check_dataset(dataset: Location) -> Location:
    """Return the path of a dataset that stands.

    Raises:
        SetupError: none stands there.
    """
    if not delta.exists(dataset, "records"):
        raise SetupError(f"{dataset}: no dataset stands here. Name the folder that qingwen clean wrote.")
    return dataset
