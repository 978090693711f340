"""A dataset held by one process: locked, what a killed run had begun finished, with a database beside it.

Runs, and whatever else changes rows, go through `Held.publish`: written down, then committed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from qingwen.corpus import publish, tables
from qingwen.corpus.database import DATABASE_FAULTS, PREFIX, Database
from qingwen.corpus.duplicates import Connect
from qingwen.corpus.lock import Lock
from qingwen.corpus.place import Place, remove, write_whole
from qingwen.corpus.publish import Prepared
from qingwen.corpus.schemas import TABLES
from qingwen.errors import BatchError, SetupError
from qingwen.read.items import Source

# What ``_state/dataset.json`` says of the rows; the first three are what rows of one dataset have in common.
VERSIONS = ("rules_version", "config_digest", "schema_version", "min_similarity")
_TIME = "%Y%m%dT%H%M%S"


def new_name(dataset: Place) -> str:
    """Return a name for a run: its time, and the process.

    Names tell the order of runs: where the clock went back, the time is the second after the last run's.
    """
    now = datetime.now()
    last = max((path.name for path in (dataset / "_runs").glob("*")), default="") if dataset.exists() else ""
    with suppress(ValueError):
        now = max(now, datetime.strptime(last.partition("-")[0], _TIME) + timedelta(seconds=1))
    return f"{now.strftime(_TIME)}-{os.getpid()}"


class Held:
    """A dataset that this process holds. Use as a context.

    ``database`` is there until the context ends; ``finished_earlier`` names the run that was found half published.

    Raises:
        SetupError: the folder cannot be written.
        PublishError: another run holds the dataset.
        BatchError: the machine failed under it (a full disk, a store that is gone); the next run goes on.
    """

    def __init__(self, dataset: Place) -> None:
        self.path = dataset
        self.state = dataset / "_state"
        self.staging = self.state / "staging"
        self.finished_earlier: str | None = None
        self._final = self.staging / "final"
        self._lock = Lock(dataset)

    def __enter__(self) -> Held:
        self._lock.hold()
        try:
            self._enter()
        except BaseException as fault:
            self._lock.release()
            self._tell(fault)
            raise
        return self

    def _enter(self) -> None:
        for left in self.state.glob(f"{PREFIX}*"):
            remove(left)
        if (self._final / publish.INTENT).exists():
            self.finished_earlier = self._commit()[0]
        self.database = Database(self.state)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()
        self._lock.release()
        self._tell(fault)

    def _tell(self, fault: BaseException | None) -> None:
        """Raise a fault of the machine as one of ours, with what to do."""
        if isinstance(fault, (OSError, *DATABASE_FAULTS, tables.Fault)):
            why = " ".join(str(fault).split())
            raise BatchError(f"{self.path}: the machine failed under the run ({why}). Run again to go on.") from fault

    @property
    def versions(self) -> dict[str, Any]:
        """Return what its rows have in common: rules, configuration, schema; empty before the first run."""
        return versions_of(self.path)

    def publish(
        self,
        run: str,
        folders: Sequence[Place],
        failed: Iterable[Source],
        versions: Mapping[str, Any],
        beside: Mapping[str, str],
        *,
        min_similarity: float,
        rebuild: bool = False,
        by_month: bool = False,
        connect: Connect | None = None,
    ) -> tuple[Prepared, dict[str, int]]:
        """Commit what staged folders hold; return what it comes to, and each table's version.

        ``beside`` are texts of the dataset's state, by file name; they change with the rows. ``connect`` compares many
        texts in workers.
        """
        # Of all tables: one that a run had nothing to say to has no trace of it.
        number = max(tables.published(self.path, name) for name in TABLES) + 1
        intent = {"number": number, "run": run, "rebuild": rebuild, "beside": sorted(beside), **versions}
        intent["by_month"] = by_month
        intent["min_similarity"] = min_similarity
        prepared = publish.prepare(
            self.database, self.path, folders, failed, self._final, intent, beside, min_similarity, connect
        )
        return prepared, self._commit()[1]

    def _commit(self) -> tuple[str, dict[str, int]]:
        intent = json.loads((self._final / publish.INTENT).read_text("utf-8"))
        # Which rules the rows follow stands before the rows do: a reader of both is never misled.
        write_whole(self.state / "dataset.json", json.dumps({name: intent[name] for name in VERSIONS}, indent=1))
        for name in intent["beside"]:
            write_whole(self.state / name, (self._final / name).read_text("utf-8"))
        commits = publish.commit_all(self.path, self._final)
        changes = self.path / "_runs" / f"{intent['run']}.changes.parquet"
        changes.parent.mkdir(parents=True, exist_ok=True)
        changes.write_bytes((self._final / publish.CHANGES).read_bytes())
        remove(self.staging)
        return intent["run"], commits


def versions_of(dataset: Place) -> dict[str, Any]:
    """Return what the rows of a dataset have in common; empty where none stands yet."""
    stated = dataset / "_state" / "dataset.json"
    found: dict[str, Any] = json.loads(stated.read_text("utf-8")) if stated.exists() else {}
    return found


def check_versions(dataset: Place, mine: Mapping[str, Any], *, by_month: bool) -> None:
    """Look whether rows made with these versions fit those of a dataset.

    Raises:
        SetupError: they do not; the message says what to do.
    """
    known = versions_of(dataset)
    if not known:
        return
    if by_month and not tables.is_by_month(dataset, "records"):
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


def check_dataset(dataset: Place) -> Place:
    """Return the path of a dataset that stands.

    Raises:
        SetupError: none stands there.
    """
    if not tables.exists(dataset, "records"):
        raise SetupError(f"{dataset}: no dataset stands here. Name the folder that qingwen clean wrote.")
    return dataset
