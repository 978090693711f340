"""A dataset held by one process: locked, what a killed run had begun finished, with a database beside it.

Runs, and whatever else changes rows, go through `OpenDataset.publish`: written down, then committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from qingwen.dataset import delta
from qingwen.dataset.database import DATABASE_FAULTS, PREFIX, Database
from qingwen.dataset.dataset import VERSIONS, versions_of
from qingwen.dataset.location import Location, remove, write_whole
from qingwen.dataset.lock import lock_of
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError
from qingwen.read.page import Source
from qingwen.run import publish
from qingwen.run.near_duplicates import Connect
from qingwen.run.publish import Prepared


class OpenDataset:
    """A dataset that this process holds. Use as a context.

    ``database`` is there until the context ends; ``finished_earlier`` names the run that was found half published.

    Raises:
        SetupError: the folder cannot be written.
        PublishError: another run holds the dataset.
        BatchError: the machine failed under it (a full disk, a store that is gone); the next run goes on.
    """

    def __init__(self, dataset: Location) -> None:
        self.path = dataset
        self.state = dataset / "_state"
        self.staging = self.state / "staging"
        self.finished_earlier: str | None = None
        self._final = self.staging / "final"
        self._lock = lock_of(dataset)

    def __enter__(self) -> OpenDataset:
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
        if isinstance(fault, (OSError, *DATABASE_FAULTS, delta.Fault)):
            why = " ".join(str(fault).split())
            raise BatchError(f"{self.path}: the machine failed under the run ({why}). Run again to go on.") from fault

    @property
    def versions(self) -> dict[str, Any]:
        """Return what its rows have in common: rules, configuration, schema; empty before the first run."""
        return versions_of(self.path)

    def publish(
        self,
        run: str,
        folders: Sequence[Location],
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
        number = max(delta.published(self.path, name) for name in TABLES) + 1
        intent = {"number": number, "run": run, "rebuild": rebuild, "beside": sorted(beside), **versions}
        intent["by_month"] = by_month
        intent["min_similarity"] = min_similarity
        prepared = publish.prepare(
            self.database, self.path, folders, failed, self._final, intent, beside, min_similarity, connect
        )
        return prepared, self._commit()[1]

    def _commit(self) -> tuple[str, dict[str, int]]:
        self._lock.check()
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
