"""The lock of a dataset: one run at a time.

In a local folder it is a lock of the operating system (filelock), which frees it when the holder ends, however it ends.
On an object store it is an object that is created only if it does not exist. The holder renews it; a lock that was not
renewed for long is stale, and the next run removes it. Delta's conditional commits guard each table alone: they cannot
keep two runs from writing the same staged files, so a store needs the lock too.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from qingwen.dataset.location import Location
from qingwen.errors import PublishError, SetupError

# Seconds between renewals of a lock on a store, and after how many without one its holder is taken for dead.
RENEWED, STALE = 20.0, 120.0


def lock_of(dataset: Path | Location) -> FolderLock | StoreLock:
    """Return the lock of a dataset, not held yet."""
    return FolderLock(dataset) if isinstance(dataset, Path) else StoreLock(dataset)


class FolderLock:
    """The lock of a local folder; `hold` creates a missing folder."""

    def __init__(self, dataset: Path) -> None:
        self._dataset = dataset
        # The file stays: it marks the folder as a dataset. Runs begin and end in any thread.
        path = dataset / "_state" / "lock"
        self._lock = FileLock(path, timeout=0, thread_local=False, preserve_lock_file=True)

    def hold(self) -> None:
        """Take the lock, or refuse at once.

        Raises:
            SetupError: the folder cannot be written.
            PublishError: another run holds the lock.
        """
        if self._dataset.exists() and not self._dataset.is_dir():
            raise SetupError(f"{self._dataset}: is a file; --output needs a folder.")
        try:
            (self._dataset / "_state").mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise PublishError(f"{self._dataset}: another run holds the dataset. Wait for it to end.") from None
        except OSError as fault:
            raise SetupError(f"{self._dataset}: cannot be written: {fault.strerror}.") from fault

    def check(self) -> None:
        """Do nothing: no other run can take over a lock of the system."""

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()


class StoreLock:
    """A lock object on a store, renewed by a thread until `release` removes it."""

    def __init__(self, dataset: Location) -> None:
        self._dataset = dataset
        self._place = dataset / "_state" / "lock"
        self._holder = {"host": socket.gethostname(), "process": os.getpid(), "token": os.urandom(8).hex()}
        self._released = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)

    def hold(self) -> None:
        """Take the lock, or refuse at once.

        Raises:
            SetupError: the store cannot be written.
            PublishError: another run holds the lock.
        """
        for _ in range(2):
            try:
                self._write(mode="create")
                self._renewal.start()
                return
            except FileExistsError:
                self._remove_stale()
            except Exception as fault:
                raise SetupError(f"{self._dataset}: cannot be written: {type(fault).__name__}: {fault}") from fault
        raise PublishError(f"{self._dataset}: another run took the dataset just now. Wait for it to end.")

    def check(self) -> None:
        """Check, before a commit, that no other run has taken the lock over.

        Raises:
            PublishError: another run has.
        """
        if not self._is_ours():
            raise PublishError(
                f"{self._dataset}: another run took the dataset over, as this one did not renew its lock in time. "
                "Nothing more is committed; run again to go on."
            )

    def release(self) -> None:
        """Remove the lock, unless another run has taken it over."""
        self._released.set()
        self._renewal.join()
        if self._is_ours():
            self._place.fs.rm_file(self._place.path)

    def _remove_stale(self) -> None:
        """Remove a lock that its holder has not renewed for long.

        Two runs that find it stale at the same moment may both go on; `check` then stops the first of them.
        """
        lock = self._read()
        if lock is None:
            return
        age = time.time() - float(lock.get("renewed", 0))
        if age < -RENEWED:
            # Dated in the future: a clock was set back, its holder's or ours. A live holder renews it meanwhile.
            time.sleep(2 * RENEWED)
            stale = (self._read() or {}).get("renewed") == lock["renewed"]
        else:
            stale = age >= STALE
        if not stale:
            holder = f"process {lock.get('process')} on {lock.get('host')}"
            raise PublishError(f"{self._dataset}: another run holds the dataset ({holder}). Wait for it to end.")
        self._place.fs.rm_file(self._place.path)

    def _renew(self) -> None:
        while not self._released.wait(RENEWED):
            # A store that fails now may answer the next time. A lock that another run took is not taken back.
            with suppress(Exception):
                if not self._is_ours():
                    return
                self._write(mode="overwrite")

    def _write(self, mode: str) -> None:
        lock = json.dumps({**self._holder, "renewed": time.time()})
        self._place.fs.pipe_file(self._place.path, lock.encode(), mode=mode)

    def _read(self) -> dict[str, Any] | None:
        try:
            lock: dict[str, Any] = json.loads(self._place.fs.cat_file(self._place.path))
        except FileNotFoundError:
            return None
        return lock

    def _is_ours(self) -> bool:
        lock = self._read()
        return lock is not None and lock.get("token") == self._holder["token"]
