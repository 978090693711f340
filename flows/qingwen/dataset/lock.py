"""One run at a time: the lock of a dataset.

On this machine the system releases it when its holder ends, however that ends. On a store it is an object that is only
made where none is; its holder renews it, and one that was not renewed for long is stale.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from qingwen.dataset.location import Location
from qingwen.errors import PublishError, SetupError

# Seconds between renewals, and after how many without one the holder is taken for dead.
RENEWED, STALE = 20.0, 120.0


class Lock:
    """The lock of a dataset's folder; `hold` makes the folder where there is none."""

    def __init__(self, dataset: Path | Location) -> None:
        self._dataset = dataset
        self._file: int | None = None
        self._renewal: _Renewal | None = None

    def hold(self) -> None:
        """Take the lock.

        Raises:
            SetupError: the folder cannot be written.
            PublishError: another run holds it.
        """
        if isinstance(self._dataset, Path):
            self._hold_file(self._dataset)
        else:
            self._hold_object(self._dataset / "_state" / "lock")

    def _hold_file(self, dataset: Path) -> None:
        if dataset.exists() and not dataset.is_dir():
            raise SetupError(f"{dataset}: is a file; --output needs a folder.")
        state = dataset / "_state"
        try:
            state.mkdir(parents=True, exist_ok=True)
            self._file = os.open(state / "lock", os.O_RDWR | os.O_CREAT)
        except OSError as fault:
            raise SetupError(f"{dataset}: cannot be written: {fault.strerror}.") from fault
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise PublishError(f"{dataset}: another run holds the dataset. Wait for it to end.") from None

    def _hold_object(self, place: Location) -> None:
        holder = {"host": socket.gethostname(), "process": os.getpid(), "token": os.urandom(8).hex()}
        for _ in range(2):
            try:
                place.fs.pipe_file(place.path, _told(holder), mode="create")
                self._renewal = _Renewal(place, holder)
                return
            except FileExistsError:
                self._break_stale(place)
            except Exception as fault:
                raise SetupError(f"{self._dataset}: cannot be written: {type(fault).__name__}: {fault}") from fault
        raise PublishError(f"{self._dataset}: another run took the dataset just now. Wait for it to end.")

    def _break_stale(self, place: Location) -> None:
        """Remove a lock that its holder has not renewed for long, by the clocks of both.

        Two runs that find it stale in the same moment may both go on; the tables then refuse the second one's commits.
        """
        found = _read(place)
        if found is None:
            return
        renewed = float(found.get("renewed", 0))
        ahead = renewed - time.time()
        if ahead > RENEWED:
            # A clock went back, its holder's or ours: whether the holder lives shows by its renewing.
            time.sleep(2 * RENEWED)
            stale = (_read(place) or {}).get("renewed") == renewed
        else:
            stale = -ahead >= STALE
        if not stale:
            who = f"process {found.get('process')} on {found.get('host')}"
            raise PublishError(f"{self._dataset}: another run holds the dataset ({who}). Wait for it to end.")
        place.fs.rm_file(place.path)

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._renewal is not None:
            self._renewal.stop()
            self._renewal = None


def _told(holder: dict[str, Any]) -> bytes:
    return json.dumps({**holder, "renewed": time.time()}).encode()


def _read(place: Location) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(place.fs.cat_file(place.path))
    except FileNotFoundError:
        return None
    return found


class _Renewal:
    """A thread that says every now and then that the holder lives; `stop` removes the lock."""

    def __init__(self, place: Location, holder: dict[str, Any]) -> None:
        self._place, self._holder = place, holder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        while not self._ended.wait(RENEWED):
            # A store that fails now may answer the next time; a lock that another took is not taken back.
            with suppress(Exception):
                if not self._is_ours():
                    return
                self._place.fs.pipe_file(self._place.path, _told(self._holder))

    def _is_ours(self) -> bool:
        found = _read(self._place)
        return found is not None and found.get("token") == self._holder["token"]

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._is_ours():
            self._place.fs.rm_file(self._place.path)
